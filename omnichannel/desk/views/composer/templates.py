"""Choose a message template, fill it in, send it."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from channels_whatsapp import template_sync
from channels_whatsapp.models import MessageTemplate
from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.outbound.compose import NOT_ASSIGNED_ERROR, ReplyError
from omnichannel.conversations.outbound.templates import send_template
from omnichannel.desk.composer import template_picker
from omnichannel.desk.composer.forms import TemplateForm
from omnichannel.desk.composer.reply_box import composer_for
from omnichannel.desk.composer.template_picker import Picker
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.shared.paging import whole_number
from omnichannel.desk.thread.messages import only
from omnichannel.desk.workspace import render_update

PLACES = {"composer", "dialog", "page"}


@require_GET
@agent_page
def templates(request: AgentRequest, pk: int) -> HttpResponse:
    """The templates there are for this conversation's customer, or the one that was chosen, to be filled in."""
    conversation = access.get_conversation_or_404(request.user, pk)
    if not access.can_reply(request.agent, conversation):
        return render_update(request, conversation, problem=NOT_ASSIGNED_ERROR, status=409)
    picker = _picker(request, conversation, request.GET)
    found = _template_of(conversation, request.GET.get("template", ""))
    if found is None:
        return _show(request, conversation, _with_choices(picker, conversation))
    filled_in = template_picker.chosen(found, window_is_open=conversation.window_is_open)
    return _show(request, conversation, replace(picker, chosen=filled_in))


@require_POST
@agent_page
def sync(request: AgentRequest, pk: int) -> HttpResponse:
    """Bring the channel's templates over from Twilio now, and show them with what came of it."""
    conversation = access.get_conversation_or_404(request.user, pk)
    if not access.can_reply(request.agent, conversation):
        return render_update(request, conversation, problem=NOT_ASSIGNED_ERROR, status=409)
    synced = template_sync.sync_by_hand(conversation.number.account)
    picker = replace(_picker(request, conversation, request.POST), synced=synced)
    return _show(request, conversation, _with_choices(picker, conversation))


@require_POST
@agent_page
def send(request: AgentRequest, pk: int) -> HttpResponse:
    """Queue the template and show it; 422 with the reasons by their fields when it is refused."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = TemplateForm(request.POST)
    public_id = form.cleaned_data["public_id"] if form.is_valid() else None
    account = conversation.number.account_id
    template = get_object_or_404(MessageTemplate, pk=whole_number(request.POST.get("template", "")), account=account)
    values = template_picker.values_in(template, request.POST)
    try:
        message = send_template(conversation, template, values, author=request.user, public_id=public_id)
    except ReplyError as why:
        return _refused(request, conversation, template, values, why)
    fresh = replace(composer_for(conversation, request.agent), answers_a_form=True)
    return render_update(request, conversation, thread=only(conversation, message), composer=fresh)


def _refused(
    request: AgentRequest,
    conversation: Conversation,
    template: MessageTemplate,
    values: Mapping[str, str],
    why: ReplyError,
) -> HttpResponse:
    errors = getattr(why, "errors", {"": why.message})
    inside = conversation.window_is_open
    again = template_picker.chosen(template, window_is_open=inside, given=values, errors=errors)
    picker = replace(_picker(request, conversation, request.POST), chosen=again)
    return _show(request, conversation, picker, status=422)


def _template_of(conversation: Conversation, pk: str) -> MessageTemplate | None:
    return MessageTemplate.objects.filter(pk=whole_number(pk), account=conversation.number.account_id).first()


def _picker(request: AgentRequest, conversation: Conversation, form: Mapping[str, str]) -> Picker:
    where = form.get("where", "")
    return Picker(
        where=where if where in PLACES and request.htmx else "page",
        url=reverse("desk:templates", args=[conversation.pk]),
        send_url=reverse("desk:send_template", args=[conversation.pk]),
        sync_url=reverse("desk:sync_templates", args=[conversation.pk]),
        query=form.get("q", "")[:200],
        offers=template_picker.names_to_offer(conversation.contact, request.agent),
    )


def _with_choices(picker: Picker, conversation: Conversation) -> Picker:
    account, inside = conversation.number.account, conversation.window_is_open
    return template_picker.with_choices(picker, account, conversation.contact, window_is_open=inside)


def _show(request: AgentRequest, conversation: Conversation, picker: Picker, *, status: int = 200) -> HttpResponse:
    """The picker alone for a part of a page, in a dialog when one is asked for, else a page of its own."""
    if not request.htmx:
        name = "desk/templates/page.html"
    else:
        name = "desk/templates/_dialog.html" if request.htmx.target == "panel" else "desk/templates/_section.html"
    context = {"conversation": conversation, "picker": picker, "agent": request.agent}
    return render(request, name, context, status=status)
