"""The views of the Twilio console: accounts with their tokens, numbers with their webhooks."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp.simulator.console.forms import AccountForm, SenderForm, WebhooksForm
from channels_whatsapp.simulator.console.template_views import approval_forms
from channels_whatsapp.simulator.models import Account, Content, Sender


@require_GET
@never_cache
def show_console(request: HttpRequest) -> HttpResponse:
    """Show all accounts, numbers and templates."""
    return render(request, "simulator/console.html", _console_context())


@require_GET
@never_cache
def show_accounts(request: HttpRequest) -> HttpResponse:
    """Return all accounts, numbers and templates, or 204 if nothing has changed since `version`."""
    if request.GET.get("version") == _get_version():
        return HttpResponse(status=204)
    return render(request, "simulator/_accounts.html", _console_context())


@require_POST
def set_webhooks(request: HttpRequest, sender_pk: int) -> HttpResponse:
    """Set the webhook URLs and the status of a number."""
    sender = get_object_or_404(Sender, pk=sender_pk)
    form = WebhooksForm(request.POST, instance=sender, prefix=str(sender.pk))
    return _save_form(request, form, "invalid_webhooks_form")


@require_POST
def add_account(request: HttpRequest) -> HttpResponse:
    """Create a Twilio account."""
    form = AccountForm(request.POST, auto_id="account_%s")
    return _save_form(request, form, "account_form")


@require_POST
def add_number(request: HttpRequest) -> HttpResponse:
    """Register a number with WhatsApp."""
    form = SenderForm(request.POST, auto_id="number_%s")
    return _save_form(request, form, "sender_form")


def _save_form(request: HttpRequest, form: WebhooksForm | AccountForm | SenderForm, name: str) -> HttpResponse:
    """Save the form; show an invalid one on the console, where its template knows it by this name."""
    if not form.is_valid():
        forms: dict[str, Any] = {name: form}
        return render(request, "simulator/console.html", _console_context(**forms), status=422)
    form.save()
    return redirect("simulator:console")


def _console_context(*, invalid_webhooks_form: WebhooksForm | None = None, **forms: Any) -> dict[str, Any]:
    """Return all accounts with a form for each number; an invalid form is shown as it was filled in."""
    accounts = []
    for account in Account.objects.prefetch_related("senders", "contents"):
        senders = [(sender, _webhooks_form(sender, invalid_webhooks_form)) for sender in account.senders.all()]
        accounts.append((account, senders, approval_forms(account)))
    return {
        "accounts": accounts,
        "version": _get_version(),
        "account_form": AccountForm(auto_id="account_%s"),
        "sender_form": SenderForm(auto_id="number_%s"),
        **forms,
    }


def _get_version() -> str:
    """Return a text that changes whenever the accounts, numbers or templates do."""
    rows = [list(model.objects.order_by("pk").values_list()) for model in (Account, Sender, Content)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def _webhooks_form(sender: Sender, invalid_form: WebhooksForm | None) -> WebhooksForm:
    if invalid_form is not None and invalid_form.instance.pk == sender.pk:
        return invalid_form
    return WebhooksForm(instance=sender, prefix=str(sender.pk))
