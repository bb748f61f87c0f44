"""Compose the conversation page and the fragments that replace its parts."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone

from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.notes import mark_mentions_seen
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.desk.composer.reply_box import Composer, get_composer
from omnichannel.desk.customer_panel.panel import get_header_version
from omnichannel.desk.inbox.conversation_list import view_containing
from omnichannel.desk.shared.decorators import AgentRequest
from omnichannel.desk.shared.paging import Cursor, parse_int_or_zero
from omnichannel.desk.shared.times import TimeLeft
from omnichannel.desk.thread.actions import actions_for
from omnichannel.desk.thread.header import ConversationHeader
from omnichannel.desk.thread.messages import Thread, get_quotable_conversation_ids, get_thread

EMPTY_THREAD = Thread(entries=[])


def render_conversation(
    request: AgentRequest,
    conversation: Conversation,
    *,
    composer: Composer | None = None,
    error_message: str = "",
    status: int = 200,
) -> HttpResponse:
    """Return the whole conversation, without the list when the page has it already, and mark it as read."""
    thread = _get_requested_thread(request, conversation)
    if thread.later_cursor is None:  # otherwise the newest messages are not on the screen yet
        mark_read(conversation, request.user)
        mark_mentions_seen(conversation, request.agent)
    context = {
        **workspace_context(request, conversation, thread, composer, error_message),
        "rendered_at": timezone.now(),
    }
    page_has_list = request.htmx and request.htmx.target == "workspace"
    template = "desk/thread/_workspace.html" if page_has_list else "desk/thread/page.html"
    return render(request, template, context, status=status)


def _get_requested_thread(request: AgentRequest, conversation: Conversation) -> Thread:
    before, after = (Cursor.parse(request.GET.get(name, "")) for name in ("before", "after"))
    message_id = parse_int_or_zero(request.GET.get("message", ""))
    unread_count = conversation.unread_count if conversation.agent_id == request.agent.pk else 0
    return get_thread(conversation, before=before, after=after, around_message_id=message_id, unread_count=unread_count)


def conversation_response(
    request: AgentRequest,
    conversation: Conversation,
    *,
    thread: Thread = EMPTY_THREAD,
    composer: Composer | None = None,
    removed_message_ids: Sequence[int] = (),
    error_message: str = "",
    status: int = 200,
) -> HttpResponse:
    """Return the answer to a form: the fragments that changed, or without scripts the page.

    Args:
        removed_message_ids: Ids of messages that were taken back; the composer carries their text.
    """
    if request.htmx:
        context = {
            **workspace_context(request, conversation, thread, composer, error_message),
            "removed_message_ids": removed_message_ids,
        }
        return render(request, "desk/thread/_fragments.html", context, status=status)
    if status == 200 and not removed_message_ids:
        return redirect("desk:conversation", pk=conversation.pk)
    return render_conversation(request, conversation, composer=composer, error_message=error_message, status=status)


def render_after_transition(request: AgentRequest, pk: int) -> HttpResponse:
    """Return the conversation as it is now, or the inbox when the agent may no longer see it."""
    try:
        return conversation_response(request, access.get_conversation_or_404(request.user, pk))
    except Http404:  # it is now in a queue whose conversations this agent may not see
        if request.htmx:
            return HttpResponse(headers={"HX-Redirect": resolve_url("desk:inbox")})
        return redirect("desk:inbox")


def workspace_context(
    request: AgentRequest,
    conversation: Conversation,
    thread: Thread,
    composer: Composer | None = None,
    error_message: str = "",
) -> dict[str, Any]:
    """Return the template context of the conversation page and its fragments."""
    return {
        **conversation_context(request, conversation, thread),
        "header": ConversationHeader(conversation, request.agent),
        "customer_version": get_header_version(conversation),
        "composer": composer or get_composer(conversation, request.agent),
        "actions": actions_for(conversation, request.agent),
        "left": TimeLeft.until(conversation.window_closes_at),
        "error_message": error_message,
        "view": view_containing(conversation, request.agent),
    }


def conversation_context(request: AgentRequest, conversation: Conversation, thread: Thread) -> dict[str, Any]:
    """Return the part of the context that a list of messages needs."""
    return {
        "conversation": conversation,
        "agent": request.agent,
        "can_reply": access.can_reply(request.agent, conversation),
        "thread": thread,
        "quotable_conversation_ids": get_quotable_conversation_ids(request.user, conversation, thread),
    }
