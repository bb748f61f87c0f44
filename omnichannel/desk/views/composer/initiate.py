"""Write to a customer first: from which number, to whom, with which template."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp.message_templates import sync
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber
from omnichannel.conversations import access
from omnichannel.conversations.initiate import ConversationAlreadyOpenError, StartedConversation, start_conversation
from omnichannel.conversations.models import Contact
from omnichannel.conversations.outbound.compose import ReplyError
from omnichannel.desk.composer import template_picker
from omnichannel.desk.composer.forms import StartConversationForm
from omnichannel.desk.composer.template_picker import TemplatePicker
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero

PRESERVED_FIELDS = ("number", "to", "contact")


@require_GET
@agent_required
def new_conversation(request: AgentRequest) -> HttpResponse:
    """The page on which a conversation is begun; `?contact=` says with whom, `?number=` from where."""
    form = _build_form(request, request.GET)
    number, contact = _selected_number(form, request.GET), _selected_contact(request, request.GET)
    picker = _build_picker(request, request.GET, contact)
    found = _find_template(number, request.GET.get("template", ""))
    if found is not None:
        picker = replace(picker, selected=template_picker.build_selected_template(found, window_is_open=False))
    elif number is not None:
        picker = template_picker.add_choices(picker, number.account, contact, window_is_open=False)
    return _render_page(request, form, contact, picker)


@require_POST
@agent_required
def sync_templates(request: AgentRequest) -> HttpResponse:
    """Bring the templates of the chosen number's channel over from Twilio now, and show them with what came of it."""
    form, contact = _build_form(request, request.POST), _selected_contact(request, request.POST)
    number = _selected_number(form, request.POST)
    if number is None:
        raise Http404("There is no number to write from.")
    picker = replace(
        _build_picker(request, request.POST, contact), sync_result=sync.sync_templates_manually(number.account)
    )
    return _render_page(
        request, form, contact, template_picker.add_choices(picker, number.account, contact, window_is_open=False)
    )


@require_POST
@agent_required
def create_conversation(request: AgentRequest) -> HttpResponse:
    """Begin it and go there, or to the one that is open already; 422 with the reasons by their fields."""
    contact = _selected_contact(request, request.POST)
    form = _build_form(request, request.POST, contact=contact, is_bound=True)
    number = _selected_number(form, request.POST)
    account = number.account_id if number else None
    template = get_object_or_404(
        MessageTemplate, pk=parse_int_or_zero(request.POST.get("template", "")), account=account
    )
    values = template_picker.get_submitted_values(template, request.POST)
    errors: Mapping[str, str] = {}
    if form.is_valid():
        try:
            return _redirect_to_started(request, _start_conversation(request, form, contact, template, values))
        except ConversationAlreadyOpenError as there:
            return _redirect_to_open_conversation(request, form, contact, template, values, there)
        except ReplyError as why:
            errors = _collect_errors(form, why)
    return _render_with_errors(request, form, contact, template, values, errors)


def _start_conversation(
    request: AgentRequest,
    form: StartConversationForm,
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


def _collect_errors(form: StartConversationForm, why: ReplyError) -> Mapping[str, str]:
    """Those of the template by variable; what is wrong with number or customer goes to the form's own fields."""
    if why.field in {"number", "to"}:
        form.add_error(why.field, why.message)
        return {}
    found: Mapping[str, str] = getattr(why, "errors", {"": why.message})
    return found


# -- Who and from where ---------------------------------------------------------------------------------------------


def _build_form(
    request: AgentRequest, values: Mapping[str, str], *, contact: Contact | None = None, is_bound: bool = False
) -> StartConversationForm:
    numbers = access.sender_numbers_for(request.user)
    if is_bound:
        return StartConversationForm(values, numbers=numbers, has_contact=contact is not None)
    initial = {"number": values.get("number", ""), "to": values.get("to", "")}
    return StartConversationForm(numbers=numbers, initial=initial)


def _selected_number(form: StartConversationForm, values: Mapping[str, str]) -> WhatsAppNumber | None:
    """The number that was chosen, else the first there is."""
    chosen = form.numbers.filter(pk=parse_int_or_zero(values.get("number", ""))).first()
    return chosen or form.numbers.first()


def _selected_contact(request: AgentRequest, values: Mapping[str, str]) -> Contact | None:
    pk = parse_int_or_zero(values.get("contact", ""))
    return access.get_contact_or_404(request.user, pk) if pk else None


def _find_template(number: WhatsAppNumber | None, pk: str) -> MessageTemplate | None:
    if number is None:
        return None
    return MessageTemplate.objects.filter(pk=parse_int_or_zero(pk), account=number.account_id).first()


def _build_picker(request: AgentRequest, values: Mapping[str, str], contact: Contact | None) -> TemplatePicker:
    return TemplatePicker(
        location="start",
        list_url=reverse("desk:start"),
        send_url=reverse("desk:begin"),
        sync_url=reverse("desk:sync_start"),
        query=values.get("q", "")[:200],
        name_suggestions=template_picker.get_name_suggestions(contact, request.agent),
        preserved_params={name: values[name] for name in PRESERVED_FIELDS if values.get(name)},
        htmx_include="#start-fields",
    )


# -- What comes of it -----------------------------------------------------------------------------------------------


def _render_page(
    request: AgentRequest,
    form: StartConversationForm,
    contact: Contact | None,
    picker: TemplatePicker,
    *,
    status: int = 200,
) -> HttpResponse:
    name = "desk/initiate/_fragments.html" if request.htmx else "desk/initiate/page.html"
    context = {"form": form, "contact": contact, "picker": picker, "agent": request.agent}
    return render(request, name, context, status=status)


def _render_with_errors(
    request: AgentRequest,
    form: StartConversationForm,
    contact: Contact | None,
    template: MessageTemplate,
    values: Mapping[str, str],
    errors: Mapping[str, str],
) -> HttpResponse:
    again = template_picker.build_selected_template(
        template, window_is_open=False, submitted_values=values, errors=errors
    )
    return _render_page(
        request, form, contact, replace(_build_picker(request, request.POST, contact), selected=again), status=422
    )


def _redirect_to_open_conversation(
    request: AgentRequest,
    form: StartConversationForm,
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
        return _render_with_errors(request, form, contact, template, values, {})
    return _redirect(request, f"{reverse('desk:conversation', args=[found.pk])}?told=open_already")


def _redirect_to_started(request: AgentRequest, started: StartedConversation) -> HttpResponse:
    return _redirect(request, reverse("desk:conversation", args=[started.conversation.pk]))


def _redirect(request: AgentRequest, address: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else HttpResponseRedirect(address)
