"""Start a conversation with a customer: choose number, customer and template."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp.message_templates.sync import sync_templates_manually
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber
from omnichannel.conversations import access
from omnichannel.conversations.initiate import ConversationAlreadyOpenError, StartedConversation, start_conversation
from omnichannel.conversations.models import Contact
from omnichannel.conversations.outbound.compose import ReplyError
from omnichannel.desk.composer import template_picker
from omnichannel.desk.composer.forms import StartConversationForm
from omnichannel.desk.composer.template_picker import PickerLocation, TemplatePicker
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero

PRESERVED_FIELDS = ("number", "to", "contact")


@require_GET
@agent_required
def new_conversation(request: AgentRequest) -> HttpResponse:
    """Show the page on which a conversation is started, with `?contact=` and from `?number=`."""
    form = _build_form(request, request.GET)
    number, contact = _selected_number(form, request.GET), _selected_contact(request, request.GET)
    picker = _build_picker(request, request.GET, contact)
    template = _find_template(number, request.GET.get("template", ""))
    if template is not None:
        selected = template_picker.build_selected_template(template, contact, window_is_open=False)
        picker = replace(picker, selected=selected)
    elif number is not None:
        picker = template_picker.add_choices(picker, number.account, contact, window_is_open=False)
    return _render_page(request, form, contact, picker)


@require_POST
@agent_required
def sync_templates(request: AgentRequest) -> HttpResponse:
    """Sync the templates of the selected number's account from Twilio now, and show them with the result."""
    form, contact = _build_form(request, request.POST), _selected_contact(request, request.POST)
    number = _selected_number(form, request.POST)
    if number is None:
        raise Http404("There is no number to write from.")
    result = sync_templates_manually(number.account)
    picker = replace(_build_picker(request, request.POST, contact), sync_result=result)
    picker = template_picker.add_choices(picker, number.account, contact, window_is_open=False)
    return _render_page(request, form, contact, picker)


@require_POST
@agent_required
def create_conversation(request: AgentRequest) -> HttpResponse:
    """Start the conversation and redirect to it or to the one already open; 422 with reasons by field."""
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
        except ConversationAlreadyOpenError as error:
            return _redirect_to_open_conversation(request, form, contact, template, values, error)
        except ReplyError as refusal:
            errors = _collect_errors(form, refusal)
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
        contact or form.cleaned_data["to"],
        template,
        values,
        author=request.user,
        public_id=form.cleaned_data["public_id"],
    )


def _collect_errors(form: StartConversationForm, refusal: ReplyError) -> Mapping[str, str]:
    """Return the template's errors by variable; errors of number or customer are added to the form."""
    if refusal.field in {"number", "to"}:
        form.add_error(refusal.field, refusal.message)
        return {}
    errors: Mapping[str, str] = getattr(refusal, "errors", {"": refusal.message})
    return errors


# -- Number, customer and template ------------------------------------------------------------------------------------


def _build_form(
    request: AgentRequest, values: Mapping[str, str], *, contact: Contact | None = None, is_bound: bool = False
) -> StartConversationForm:
    numbers = access.sender_numbers_for(request.user)
    if is_bound:
        return StartConversationForm(values, numbers=numbers, has_contact=contact is not None)
    initial = {"number": values.get("number", ""), "to": values.get("to", "")}
    return StartConversationForm(numbers=numbers, initial=initial)


def _selected_number(form: StartConversationForm, values: Mapping[str, str]) -> WhatsAppNumber | None:
    """Return the selected number, or the first one when none is selected."""
    number = form.numbers.filter(pk=parse_int_or_zero(values.get("number", ""))).first()
    return number or form.numbers.first()


def _selected_contact(request: AgentRequest, values: Mapping[str, str]) -> Contact | None:
    pk = parse_int_or_zero(values.get("contact", ""))
    return access.get_contact_or_404(request.user, pk) if pk else None


def _find_template(number: WhatsAppNumber | None, pk: str) -> MessageTemplate | None:
    if number is None:
        return None
    return MessageTemplate.objects.filter(pk=parse_int_or_zero(pk), account=number.account_id).first()


def _build_picker(request: AgentRequest, values: Mapping[str, str], contact: Contact | None) -> TemplatePicker:
    return TemplatePicker(
        location=PickerLocation.NEW_CONVERSATION,
        list_url=reverse("desk:new_conversation"),
        send_url=reverse("desk:create_conversation"),
        sync_url=reverse("desk:sync_new_conversation_templates"),
        query=values.get("q", "")[:200],
        name_suggestions=template_picker.get_name_suggestions(contact, request.agent),
        preserved_params={name: values[name] for name in PRESERVED_FIELDS if values.get(name)},
        htmx_include="#new-conversation-fields",
    )


# -- Responses --------------------------------------------------------------------------------------------------------


def _render_page(
    request: AgentRequest,
    form: StartConversationForm,
    contact: Contact | None,
    picker: TemplatePicker,
    *,
    status: int = 200,
) -> HttpResponse:
    template_name = "desk/initiate/_fragments.html" if request.htmx else "desk/initiate/page.html"
    context = {"form": form, "contact": contact, "picker": picker, "agent": request.agent}
    return render(request, template_name, context, status=status)


def _render_with_errors(
    request: AgentRequest,
    form: StartConversationForm,
    contact: Contact | None,
    template: MessageTemplate,
    values: Mapping[str, str],
    errors: Mapping[str, str],
) -> HttpResponse:
    selected = template_picker.build_selected_template(
        template, contact, window_is_open=False, submitted_values=values, errors=errors
    )
    picker = replace(_build_picker(request, request.POST, contact), selected=selected)
    return _render_page(request, form, contact, picker, status=422)


def _redirect_to_open_conversation(
    request: AgentRequest,
    form: StartConversationForm,
    contact: Contact | None,
    template: MessageTemplate,
    values: Mapping[str, str],
    error: ConversationAlreadyOpenError,
) -> HttpResponse:
    """Redirect to the open conversation; agents who may not see it get an error in the form instead."""
    try:
        conversation = access.get_conversation_or_404(request.user, error.conversation.pk)
    except Http404:
        form.add_error("to", error.message)
        return _render_with_errors(request, form, contact, template, values, {})
    return _redirect(request, f"{reverse('desk:conversation', args=[conversation.pk])}?notice=already_open")


def _redirect_to_started(request: AgentRequest, started: StartedConversation) -> HttpResponse:
    return _redirect(request, reverse("desk:conversation", args=[started.conversation.pk]))


def _redirect(request: AgentRequest, url: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else HttpResponseRedirect(url)
