"""Write to a customer first: from which number, to whom, with which template."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp import template_sync
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber
from omnichannel.conversations import access
from omnichannel.conversations.initiate import ConversationAlreadyOpenError, StartedConversation, start_conversation
from omnichannel.conversations.models import Contact
from omnichannel.conversations.outbound.compose import ReplyError
from omnichannel.desk.composer import template_picker
from omnichannel.desk.composer.forms import StartForm
from omnichannel.desk.composer.template_picker import Picker
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.shared.paging import whole_number

FIELDS = ("number", "to", "contact")


@require_GET
@agent_page
def start(request: AgentRequest) -> HttpResponse:
    """The page on which a conversation is begun; `?contact=` says with whom, `?number=` from where."""
    form = _form(request, request.GET)
    number, contact = _number(form, request.GET), _contact(request, request.GET)
    picker = _picker(request, request.GET, contact)
    found = _template_of(number, request.GET.get("template", ""))
    if found is not None:
        picker = replace(picker, chosen=template_picker.chosen(found, window_is_open=False))
    elif number is not None:
        picker = template_picker.with_choices(picker, number.account, contact, window_is_open=False)
    return _show(request, form, contact, picker)


@require_POST
@agent_page
def sync(request: AgentRequest) -> HttpResponse:
    """Bring the templates of the chosen number's channel over from Twilio now, and show them with what came of it."""
    form, contact = _form(request, request.POST), _contact(request, request.POST)
    number = _number(form, request.POST)
    if number is None:
        raise Http404("There is no number to write from.")
    picker = replace(_picker(request, request.POST, contact), synced=template_sync.sync_by_hand(number.account))
    return _show(
        request, form, contact, template_picker.with_choices(picker, number.account, contact, window_is_open=False)
    )


@require_POST
@agent_page
def begin(request: AgentRequest) -> HttpResponse:
    """Begin it and go there, or to the one that is open already; 422 with the reasons by their fields."""
    contact = _contact(request, request.POST)
    form = _form(request, request.POST, contact=contact, is_bound=True)
    number = _number(form, request.POST)
    account = number.account_id if number else None
    template = get_object_or_404(MessageTemplate, pk=whole_number(request.POST.get("template", "")), account=account)
    values = template_picker.values_in(template, request.POST)
    errors: Mapping[str, str] = {}
    if form.is_valid():
        try:
            return _go_to(request, _begin(request, form, contact, template, values))
        except ConversationAlreadyOpenError as there:
            return _go_there(request, form, contact, template, values, there)
        except ReplyError as why:
            errors = _errors(form, why)
    return _again(request, form, contact, template, values, errors)


def _begin(
    request: AgentRequest,
    form: StartForm,
    contact: Contact | None,
    template: MessageTemplate,
    values: Mapping[str, str],
) -> StartedConversation:
    return start_conversation(
        form.cleaned_data["number"],
        contact.address if contact else form.cleaned_data["to"],
        template,
        values,
        author=request.user,
        public_id=form.cleaned_data["public_id"],
    )


def _errors(form: StartForm, why: ReplyError) -> Mapping[str, str]:
    """Those of the template by variable; what is wrong with number or customer goes to the form's own fields."""
    if why.field in {"number", "to"}:
        form.add_error(why.field, why.message)
        return {}
    found: Mapping[str, str] = getattr(why, "errors", {"": why.message})
    return found


# -- Who and from where ---------------------------------------------------------------------------------------------


def _form(
    request: AgentRequest, values: Mapping[str, str], *, contact: Contact | None = None, is_bound: bool = False
) -> StartForm:
    numbers = access.sender_numbers_for(request.user)
    if is_bound:
        return StartForm(values, numbers=numbers, knows_customer=contact is not None)
    initial = {"number": values.get("number", ""), "to": values.get("to", "")}
    return StartForm(numbers=numbers, initial=initial)


def _number(form: StartForm, values: Mapping[str, str]) -> WhatsAppNumber | None:
    """The number that was chosen, else the first there is."""
    chosen = form.numbers.filter(pk=whole_number(values.get("number", ""))).first()
    return chosen or form.numbers.first()


def _contact(request: AgentRequest, values: Mapping[str, str]) -> Contact | None:
    pk = whole_number(values.get("contact", ""))
    return access.get_contact_or_404(request.user, pk) if pk else None


def _template_of(number: WhatsAppNumber | None, pk: str) -> MessageTemplate | None:
    if number is None:
        return None
    return MessageTemplate.objects.filter(pk=whole_number(pk), account=number.account_id).first()


def _picker(request: AgentRequest, values: Mapping[str, str], contact: Contact | None) -> Picker:
    return Picker(
        where="start",
        url=reverse("desk:start"),
        send_url=reverse("desk:begin"),
        sync_url=reverse("desk:sync_start"),
        query=values.get("q", "")[:200],
        offers=template_picker.names_to_offer(contact, request.agent),
        kept={name: values[name] for name in FIELDS if values.get(name)},
        include="#start-fields",
    )


# -- What comes of it -----------------------------------------------------------------------------------------------


def _show(
    request: AgentRequest, form: StartForm, contact: Contact | None, picker: Picker, *, status: int = 200
) -> HttpResponse:
    name = "desk/initiate/_fragments.html" if request.htmx else "desk/initiate/page.html"
    context = {"form": form, "contact": contact, "picker": picker, "agent": request.agent}
    return render(request, name, context, status=status)


def _again(
    request: AgentRequest,
    form: StartForm,
    contact: Contact | None,
    template: MessageTemplate,
    values: Mapping[str, str],
    errors: Mapping[str, str],
) -> HttpResponse:
    again = template_picker.chosen(template, window_is_open=False, given=values, errors=errors)
    return _show(request, form, contact, replace(_picker(request, request.POST, contact), chosen=again), status=422)


def _go_there(
    request: AgentRequest,
    form: StartForm,
    contact: Contact | None,
    template: MessageTemplate,
    values: Mapping[str, str],
    there: ConversationAlreadyOpenError,
) -> HttpResponse:
    """To the open conversation; who may not see it is told that there is one."""
    try:
        found = access.get_conversation_or_404(request.user, there.conversation.pk)
    except Http404:
        form.add_error("to", there.message)
        return _again(request, form, contact, template, values, {})
    return _redirect(request, f"{reverse('desk:conversation', args=[found.pk])}?told=open_already")


def _go_to(request: AgentRequest, started: StartedConversation) -> HttpResponse:
    return _redirect(request, reverse("desk:conversation", args=[started.conversation.pk]))


def _redirect(request: AgentRequest, address: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else HttpResponseRedirect(address)
