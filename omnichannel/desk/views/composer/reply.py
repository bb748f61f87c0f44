"""Replies to the customer: send, undo, resend and preview."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation, Message, MessageStatus
from omnichannel.conversations.outbound.compose import (
    QUOTED_ELSEWHERE_ERROR,
    TEXT_LIMIT,
    ReplyError,
    ReplyErrorCode,
    send_reply,
    validate_reply,
)
from omnichannel.conversations.outbound.templates import resend_message
from omnichannel.conversations.outbound.undo_send import HOLD_DURATION, TOO_LATE_ERROR, UndoSendError, undo_messages
from omnichannel.conversations.preferences import preferences_for
from omnichannel.desk.composer.forms import ReplyForm
from omnichannel.desk.composer.reply_box import (
    get_composer_after_refusal,
    get_composer_after_send,
    get_composer_after_undo,
)
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.formatting import has_markup, render_markup
from omnichannel.desk.shared.paging import parse_int_or_zero
from omnichannel.desk.thread.messages import thread_of_messages
from omnichannel.desk.workspace import conversation_response


@require_POST
@agent_required
def reply(request: AgentRequest, pk: int) -> HttpResponse:
    """Queue the reply and show it; 422 with the reason by the field when it is refused."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = ReplyForm(request.POST, request.FILES)
    quoted = _quoted_message(conversation, form)
    try:
        messages = _send_messages(conversation, request, form, quoted)
    except ReplyError as refusal:
        text, public_id = form.data.get("text", ""), form.cleaned_data.get("public_id")
        composer = get_composer_after_refusal(
            conversation, request.agent, refusal, text=text, public_id=public_id, quoted_message=quoted
        )
        return conversation_response(request, conversation, composer=composer, status=422)
    undoable = [message for message in messages if message.not_before and message.status == MessageStatus.QUEUED]
    composer = get_composer_after_send(conversation, request.agent, undoable_messages=undoable)
    return conversation_response(
        request, conversation, thread=thread_of_messages(conversation, *messages), composer=composer
    )


def _quoted_message(conversation: Conversation, form: ReplyForm) -> Message | None:
    pk = form.cleaned_data.get("quoted") if form.is_valid() else None
    return conversation.messages.select_related("author").filter(pk=pk).first() if pk else None


def _send_messages(
    conversation: Conversation, request: AgentRequest, form: ReplyForm, quoted: Message | None
) -> Sequence[Message]:
    """Send the reply and return its messages: one per file, with the text in the first."""
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise ReplyError(
            ReplyErrorCode.INVALID_FORM, " ".join(map(str, errors)), field="file" if field == "file" else "text"
        )
    if form.cleaned_data["quoted"] and quoted is None:
        raise ReplyError(ReplyErrorCode.QUOTED_ELSEWHERE, gettext(QUOTED_ELSEWHERE_ERROR))
    files: list[Any] = request.FILES.getlist("file") or [None]
    first_file, *other_files = files
    for file in other_files:
        validate_reply(conversation, "", file)  # before anything is sent, so that nothing is sent when one is refused
    send = partial(send_reply, conversation, author=request.user, send_delay=_hold_duration(request))
    text, public_id = form.cleaned_data["text"], form.cleaned_data["public_id"] or uuid.uuid4()
    messages = [send(text=text, file=first_file, public_id=public_id, quoted=quoted)]
    messages += [send(file=file, public_id=uuid.uuid5(public_id, str(i))) for i, file in enumerate(other_files)]
    return messages


def _hold_duration(request: AgentRequest) -> timedelta | None:
    return HOLD_DURATION if preferences_for(request.agent).can_undo_sending else None


@require_POST
@agent_required
def undo_send(request: AgentRequest, pk: int) -> HttpResponse:
    """Take back messages sent a moment ago and restore their text in the composer; 409 when too late."""
    conversation = access.get_conversation_or_404(request.user, pk)
    pks = [parse_int_or_zero(value) for value in request.POST.getlist("message")]
    try:
        messages = undo_messages(conversation, request.user, pks)
    except UndoSendError:
        return conversation_response(request, conversation, error_message=gettext(TOO_LATE_ERROR), status=409)
    return conversation_response(
        request,
        conversation,
        composer=get_composer_after_undo(conversation, request.agent, messages),
        removed_message_ids=pks,
    )


@require_POST
@agent_required
def preview_markup(request: AgentRequest) -> HttpResponse:
    """Return the text as the customer will see it; empty when it has no formatting."""
    text = request.POST.get("text", "")[: 2 * TEXT_LIMIT].strip()
    return HttpResponse(render_markup(text) if has_markup(text) else "")


@require_POST
@agent_required
def resend(request: AgentRequest, pk: int, message_pk: int) -> HttpResponse:
    """Send a message that was not delivered again; 422 with the reason when it is refused."""
    conversation = access.get_conversation_or_404(request.user, pk)
    message = access.get_message_or_404(request.user, message_pk)
    if message.conversation_id != conversation.pk:
        raise Http404("No such message in this conversation.")
    try:
        copy = resend_message(message, author=request.user)
    except ReplyError as refusal:
        return conversation_response(request, conversation, error_message=refusal.message, status=422)
    return conversation_response(request, conversation, thread=thread_of_messages(conversation, message, copy))
