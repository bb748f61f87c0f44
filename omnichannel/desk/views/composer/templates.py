"""Message templates in a conversation: choose, fill in, send and sync."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp.message_templates.sync import sync_templates_manually
from channels_whatsapp.models import MessageTemplate
from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.outbound.compose import NOT_ASSIGNED_ERROR, ReplyError
from omnichannel.conversations.outbound.templates import send_template
from omnichannel.desk.composer import template_picker
from omnichannel.desk.composer.forms import SendTemplateForm
from omnichannel.desk.composer.reply_box import get_composer
from omnichannel.desk.composer.template_picker import PickerLocation, TemplatePicker
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero
from omnichannel.desk.thread.messages import thread_of_messages
from omnichannel.desk.workspace import conversation_response

CONVERSATION_PICKERS = (PickerLocation.COMPOSER, PickerLocation.DIALOG, PickerLocation.PAGE)


@require_GET
@agent_required
def choose_template(request: AgentRequest, pk: int) -> HttpResponse:
    """Show the templates for this conversation's customer, or the selected one with fields to fill in."""
    conversation = access.get_conversation_or_404(request.user, pk)
    if not access.can_reply(request.agent, conversation):
        return conversation_response(request, conversation, error_message=NOT_ASSIGNED_ERROR, status=409)
    picker = _build_picker(request, conversation, request.GET)
    template = _find_template(conversation, request.GET.get("template", ""))
    if template is None:
        return _render_picker(request, conversation, _add_choices(picker, conversation))
    selected = template_picker.build_selected_template(
        template, conversation.contact, window_is_open=conversation.window_is_open
    )
    return _render_picker(request, conversation, replace(picker, selected=selected))


@require_POST
@agent_required
def sync_templates(request: AgentRequest, pk: int) -> HttpResponse:
    """Sync the account's templates from Twilio now, and show them with the result."""
    conversation = access.get_conversation_or_404(request.user, pk)
    if not access.can_reply(request.agent, conversation):
        return conversation_response(request, conversation, error_message=NOT_ASSIGNED_ERROR, status=409)
    result = sync_templates_manually(conversation.number.account)
    picker = replace(_build_picker(request, conversation, request.POST), sync_result=result)
    return _render_picker(request, conversation, _add_choices(picker, conversation))


@require_POST
@agent_required
def send(request: AgentRequest, pk: int) -> HttpResponse:
    """Queue the template and show it; 422 with the reasons by their fields when it is refused."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = SendTemplateForm(request.POST)
    public_id = form.cleaned_data["public_id"] if form.is_valid() else None
    account = conversation.number.account_id
    template = get_object_or_404(
        MessageTemplate, pk=parse_int_or_zero(request.POST.get("template", "")), account=account
    )
    values = template_picker.get_submitted_values(template, request.POST)
    try:
        message = send_template(conversation, template, values, author=request.user, public_id=public_id)
    except ReplyError as refusal:
        return _render_refusal(request, conversation, template, values, refusal)
    composer = replace(get_composer(conversation, request.agent), is_form_response=True)
    return conversation_response(
        request, conversation, thread=thread_of_messages(conversation, message), composer=composer
    )


def _render_refusal(
    request: AgentRequest,
    conversation: Conversation,
    template: MessageTemplate,
    values: Mapping[str, str],
    refusal: ReplyError,
) -> HttpResponse:
    selected = template_picker.build_selected_template(
        template,
        conversation.contact,
        window_is_open=conversation.window_is_open,
        submitted_values=values,
        errors=getattr(refusal, "errors", {"": refusal.message}),
    )
    picker = replace(_build_picker(request, conversation, request.POST), selected=selected)
    return _render_picker(request, conversation, picker, status=422)


def _find_template(conversation: Conversation, pk: str) -> MessageTemplate | None:
    return MessageTemplate.objects.filter(pk=parse_int_or_zero(pk), account=conversation.number.account_id).first()


def _build_picker(request: AgentRequest, conversation: Conversation, form: Mapping[str, str]) -> TemplatePicker:
    location = next((name for name in CONVERSATION_PICKERS if name == form.get("location")), PickerLocation.PAGE)
    return TemplatePicker(
        location=location if request.htmx else PickerLocation.PAGE,
        list_url=reverse("desk:templates", args=[conversation.pk]),
        send_url=reverse("desk:send_template", args=[conversation.pk]),
        sync_url=reverse("desk:sync_templates", args=[conversation.pk]),
        query=form.get("q", "")[:200],
        name_suggestions=template_picker.get_name_suggestions(conversation.contact, request.agent),
    )


def _add_choices(picker: TemplatePicker, conversation: Conversation) -> TemplatePicker:
    return template_picker.add_choices(
        picker, conversation.number.account, conversation.contact, window_is_open=conversation.window_is_open
    )


def _render_picker(
    request: AgentRequest, conversation: Conversation, picker: TemplatePicker, *, status: int = 200
) -> HttpResponse:
    """Return the picker as a fragment, in a dialog when the target is the panel, or as a page of its own."""
    if not request.htmx:
        template_name = "desk/message_templates/page.html"
    elif request.htmx.target == "dialog-container":
        template_name = "desk/message_templates/_dialog.html"
    else:
        template_name = "desk/message_templates/_section.html"
    context = {"conversation": conversation, "picker": picker, "agent": request.agent}
    return render(request, template_name, context, status=status)
