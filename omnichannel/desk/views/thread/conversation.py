"""The conversation page, its updates and earlier or later messages."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.notes import mark_mentions_seen
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import Cursor, parse_int_or_zero
from omnichannel.desk.thread.messages import get_changed_message, get_thread, get_thread_updates, single_message_update
from omnichannel.desk.workspace import conversation_context, render_conversation, workspace_context

# Notices by the value of `?notice=`, for agents who were redirected to a conversation.
NOTICES: dict[str, Any] = {"already_open": _("This customer already has an open conversation: this one.")}


@require_GET
@agent_required
def conversation_page(request: AgentRequest, pk: int) -> HttpResponse:
    """Show the conversation with its newest messages, or at `?before=`, `?after=` or `?message=`."""
    conversation = access.get_conversation_or_404(request.user, pk)
    return render_conversation(request, conversation, error_message=NOTICES.get(request.GET.get("notice", ""), ""))


@require_GET
@agent_required
def more_messages(request: AgentRequest, pk: int) -> HttpResponse:
    """Return the messages before `?before=`, for the top of the page, or after `?after=`, for the bottom."""
    conversation = access.get_conversation_or_404(request.user, pk)
    before, after = (Cursor.parse(request.GET.get(name, "")) for name in ("before", "after"))
    if before is None and after is None:
        raise Http404("No valid cursor in ?before= or ?after=.")
    thread = get_thread(conversation, before=before, after=after)
    context = {**conversation_context(request, conversation, thread), "is_later_page": after is not None}
    return render(request, "desk/thread/_more_messages.html", context)


@require_GET
@agent_required
def updates(request: AgentRequest, pk: int) -> HttpResponse:
    """Return the changes for an open page of this conversation; with `?message=` only that message."""
    message_pk = parse_int_or_zero(request.GET.get("message", ""))
    if message_pk and (message := get_changed_message(request.agent, pk, message_pk)):
        return render(
            request,
            "desk/thread/_fragments.html",
            workspace_context(request, message.conversation, single_message_update(message)),
        )
    conversation = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    after_message_id = parse_int_or_zero(request.GET.get("after", ""))
    changed_since = _parse_timestamp(request.GET.get("changed_since", "")) or now
    thread = get_thread_updates(conversation, after_message_id=after_message_id, changed_since=changed_since)
    context = {**workspace_context(request, conversation, thread), "rendered_at": now}
    return render(request, "desk/thread/_fragments.html", context)


def _parse_timestamp(text: str) -> datetime | None:
    try:
        timestamp = parse_datetime(text.replace(" ", "+"))  # the plus of an offset, decoded as a space
    except ValueError:
        return None
    return timestamp if timestamp is not None and timestamp.tzinfo else None


@require_POST
@agent_required
def mark_conversation_read(request: AgentRequest, pk: int) -> HttpResponse:
    """Mark the conversation's messages and the agent's mentions in it as read."""
    conversation = access.get_conversation_or_404(request.user, pk)
    mark_read(conversation, request.user)
    mark_mentions_seen(conversation, request.agent)
    return HttpResponse(status=204)
