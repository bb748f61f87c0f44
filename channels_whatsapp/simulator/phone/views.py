"""The customer's phone, at /simulator/."""

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp.simulator.addresses import WHATSAPP_PREFIX
from channels_whatsapp.simulator.business_scoped_ids import get_address, get_user_id
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Chat, Customer, Fault, FaultKind, Message, Sender
from channels_whatsapp.simulator.phone.bubbles import get_bubbles, get_chat_version, is_typing
from channels_whatsapp.simulator.phone.forms import (
    MESSAGE_FORMS,
    CustomerForm,
    CustomerMessageForm,
    CustomerSettingsForm,
    FaultsForm,
)
from channels_whatsapp.simulator.statuses import ButtonKind

MAX_CUSTOMERS = 100


@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Show the list of customers; wide screens show the latest chat next to it."""
    customer = _get_customers().first()
    sender = _latest_sender(customer) if customer else None
    context = _phone_context(request, customer, sender) if customer and sender else _customers_context(customer, sender)
    return render(request, "simulator/phone.html", {**context, "is_home": True})


@require_GET
@never_cache
def show_customers(request: HttpRequest) -> HttpResponse:
    """Return the list of customers, or 204 if nothing has changed since `version`.

    `customer` and `sender` are the chat on the page.
    """
    if request.GET.get("version") == _get_customers_version():
        return HttpResponse(status=204)
    customer = Customer.objects.filter(pk=_parse_pk(request.GET.get("customer", ""))).first()
    sender = Sender.objects.filter(pk=_parse_pk(request.GET.get("sender", ""))).first()
    return render(request, "simulator/_customer_list.html", _customers_context(customer, sender))


@require_GET
@never_cache
def show_chat(request: HttpRequest, customer_pk: int, sender_pk: int) -> HttpResponse:
    """Show a customer's chat with a business number, and mark it as read."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    inbound.mark_chat_read(customer, sender)
    return render(request, "simulator/phone.html", _phone_context(request, customer, sender))


@require_GET
@never_cache
def show_thread(request: HttpRequest, customer_pk: int, sender_pk: int) -> HttpResponse:
    """Return the chat's messages, or 204 if nothing has changed since `version`."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    inbound.mark_chat_read(customer, sender)
    if request.GET.get("version") == get_chat_version(customer, sender, timezone.now()):
        return HttpResponse(status=204)
    return render(request, "simulator/_thread.html", _chat_context(customer, sender))


@require_GET
@never_cache
def show_window_state(request: HttpRequest, customer_pk: int, sender_pk: int) -> HttpResponse:
    """Return whether the 24-hour window is open, or 204 if that has not changed since `version`."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    context = _window_context(customer, sender)
    if request.GET.get("version") == context["window_version"]:
        return HttpResponse(status=204)
    return render(request, "simulator/_window_state.html", {"customer": customer, "sender": sender, **context})


@require_POST
def send_message(request: HttpRequest, customer_pk: int, sender_pk: int, form_name: str) -> HttpResponse:
    """Send a text with files, a location, a contact, or a button press as the customer."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    form = MESSAGE_FORMS[form_name](request.POST, request.FILES)
    if not form.is_valid():
        return _render_invalid_message(request, customer, sender, form)
    quoted = _get_messages(customer, sender).filter(pk=form.cleaned_data.get("reply_to") or 0).first()
    inbound.receive_customer_message(customer, sender, quoted=quoted, **form.get_message_arguments())
    if request.headers.get("HX-Request"):
        return render(request, "simulator/_thread.html", _chat_context(customer, sender))
    return redirect("simulator:chat", customer_pk, sender_pk)


def _render_invalid_message(
    request: HttpRequest, customer: Customer, sender: Sender, form: CustomerMessageForm
) -> HttpResponse:
    if request.headers.get("HX-Request"):
        error_text = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return render(
            request, "simulator/_thread.html", {**_chat_context(customer, sender), "error_message": error_text}
        )
    context = _phone_context(request, customer, sender)
    context["forms"][form.form_name] = form
    return render(request, "simulator/phone.html", context, status=422)


@require_POST
def press_button(request: HttpRequest, customer_pk: int, sender_pk: int, message_pk: int, index: int) -> HttpResponse:
    """Press a button of a message that the desk sent."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    message = get_object_or_404(_get_messages(customer, sender), pk=message_pk)
    if index < len(message.buttons):
        button = message.buttons[index]
        button_press = inbound.ButtonPress(button["text"], button["payload"], ButtonKind(button["kind"]))
        inbound.receive_customer_message(customer, sender, button_press=button_press, quoted=message)
    return redirect("simulator:chat", customer_pk, sender_pk)


@require_POST
def add_customer(request: HttpRequest) -> HttpResponse:
    """Create a customer and open a chat; a known number opens the customer's chat."""
    form = CustomerForm(request.POST, auto_id="new_%s")
    if not form.is_valid():
        context = {**_customers_context(None, None), "new_customer_form": form, "is_home": True}
        return render(request, "simulator/phone.html", context, status=422)
    name, address = form.cleaned_data["name"], form.cleaned_data["address"]
    customer, _ = Customer.objects.get_or_create(address=address, defaults={"name": name})
    sender = _latest_sender(customer)
    if sender is None:
        return redirect("simulator:console")
    return redirect("simulator:chat", customer.pk, sender.pk)


@require_POST
def update_customer_settings(request: HttpRequest, customer_pk: int, sender_pk: int) -> HttpResponse:
    """Change a customer's name, and whether and when they read messages."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    form = CustomerSettingsForm(request.POST, instance=customer)
    if form.is_valid():
        form.save()
    return _redirect_to_panel(customer, sender)


@require_POST
def update_faults(request: HttpRequest, customer_pk: int, sender_pk: int, scope: str) -> HttpResponse:
    """Switch faults on and off: for this customer (`scope` is `customer`), or for all."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    form = FaultsForm(request.POST)
    if form.is_valid():
        for kind in FaultKind:
            affected_customer = customer if scope == "customer" else None
            inbound.set_fault(kind, customer=affected_customer, is_enabled=kind in form.cleaned_data["kinds"])
    return _redirect_to_panel(customer, sender)


@require_POST
def skip_day(
    request: HttpRequest, customer_pk: int, sender_pk: int, on_day_skipped: Callable[[str], None]
) -> HttpResponse:
    """Let 24 hours pass for this customer, at Twilio and for the caller that `on_day_skipped` informs."""
    customer, sender = _get_customer_and_sender(customer_pk, sender_pk)
    inbound.expire_service_window(customer)
    on_day_skipped(get_address(customer, sender.account))
    return _redirect_to_panel(customer, sender)


# -- Page context ---------------------------------------------------------------------------------------------------


def _get_customer_and_sender(customer_pk: int, sender_pk: int) -> tuple[Customer, Sender]:
    sender = get_object_or_404(Sender.objects.select_related("account"), pk=sender_pk)
    return get_object_or_404(Customer, pk=customer_pk), sender


def _get_messages(customer: Customer, sender: Sender) -> QuerySet[Message]:
    return Message.objects.filter(customer=customer, sender=sender)


def _get_customers() -> QuerySet[Customer]:
    """Return all customers, those last in a chat first, each with the last line and its number."""
    latest = Message.objects.filter(customer=OuterRef("pk")).order_by("-pk")
    customers = Customer.objects.annotate(
        last_at=Max("messages__created_at"),
        last_line=Subquery(latest.values("body")[:1]),
        last_sender=Subquery(latest.values("sender")[:1]),
    )
    return customers.order_by(F("last_at").desc(nulls_last=True), "-pk")


def _get_customers_version() -> str:
    """Return a text that changes whenever the list of customers would look different."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first()
    names = Customer.objects.order_by("-pk").values_list("pk", "name", "username")[:MAX_CUSTOMERS]
    return hashlib.sha256(repr((newest, list(names))).encode()).hexdigest()[:16]


def _customers_context(customer: Customer | None, sender: Sender | None) -> dict[str, Any]:
    query = {"customer": customer.pk if customer else "", "sender": sender.pk if sender else ""}
    return {
        "customer": customer,
        "sender": sender,
        "customers": _get_customers()[:MAX_CUSTOMERS],
        "customers_query": urlencode({"version": _get_customers_version(), **query}),
        "new_customer_form": CustomerForm(auto_id="new_%s"),
    }


def _window_context(customer: Customer, sender: Sender) -> dict[str, Any]:
    chat = Chat.objects.filter(customer=customer, sender=sender).first()
    is_open = bool(chat and chat.is_window_open(timezone.now()))
    return {"window_is_open": is_open, "window_version": "open" if is_open else "closed"}


def _parse_pk(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _latest_sender(customer: Customer) -> Sender | None:
    """Return the number this customer was last in contact with, else any."""
    last = Message.objects.filter(customer=customer).order_by("-pk").first()
    return last.sender if last else Sender.objects.first()


def _chat_context(customer: Customer, sender: Sender) -> dict[str, Any]:
    now = timezone.now()
    bubbles = get_bubbles(customer, sender)
    last_received = next(
        (bubble for bubble in reversed(bubbles) if not bubble.is_from_customer and bubble.tick != "failed"), None
    )
    return {
        "customer": customer,
        "sender": sender,
        "bubbles": bubbles,
        "last_received": last_received,
        "is_typing": is_typing(customer, sender, now),
        "version": get_chat_version(customer, sender, now),
    }


def _phone_context(request: HttpRequest, customer: Customer, sender: Sender) -> dict[str, Any]:
    quote_id = request.GET.get("quote", "")
    quoted = _get_messages(customer, sender).filter(pk=_parse_pk(quote_id)).first()
    return {
        **_customers_context(customer, sender),
        **_chat_context(customer, sender),
        **_window_context(customer, sender),
        "user_id": get_user_id(customer, sender.account).removeprefix(WHATSAPP_PREFIX),
        "senders": Sender.objects.select_related("account"),
        "quoted": quoted,
        "forms": {
            name: form_class(initial={"reply_to": quoted.pk if quoted else None})
            for name, form_class in MESSAGE_FORMS.items()
        },
        "settings_form": CustomerSettingsForm(instance=customer, auto_id="settings_%s"),
        "customer_faults_form": FaultsForm(initial={"kinds": _get_fault_kinds(customer)}, auto_id="customer_faults_%s"),
        "global_faults_form": FaultsForm(initial={"kinds": _get_fault_kinds(None)}, auto_id="global_faults_%s"),
    }


def _get_fault_kinds(customer: Customer | None) -> list[str]:
    return list(Fault.objects.filter(customer=customer).values_list("kind", flat=True))


def _redirect_to_panel(customer: Customer, sender: Sender) -> HttpResponse:
    response = redirect("simulator:chat", customer.pk, sender.pk)
    response.headers["Location"] += "#panel"
    return response
