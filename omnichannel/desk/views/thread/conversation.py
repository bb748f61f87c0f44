"""A conversation: the whole page, what is new on it, what came earlier."""

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

# What somebody is told who was led here instead of where they wanted to go.
NOTICES: dict[str, Any] = {"open_already": _("There is an open conversation with this customer already: this one.")}


@require_GET
@agent_required
def conversation(request: AgentRequest, pk: int) -> HttpResponse:
    """The conversation with its newest messages, or those at `?before=`, `?after=` or around `?message=`."""
    found = access.get_conversation_or_404(request.user, pk)
    return render_conversation(request, found, error_message=NOTICES.get(request.GET.get("told", ""), ""))


@require_GET
@agent_required
def more_messages(request: AgentRequest, pk: int) -> HttpResponse:
    """The messages above those that the page shows already, or with `?after=` those below."""
    found = access.get_conversation_or_404(request.user, pk)
    before, after = (Cursor.parse(request.GET.get(name, "")) for name in ("before", "after"))
    if before is None and after is None:
        raise Http404("No such place in the conversation.")
    thread = get_thread(found, before=before, after=after)
    context = {**conversation_context(request, found), "thread": thread, "downwards": after is not None}
    return render(request, "desk/thread/_earlier_messages.html", context)


@require_GET
@agent_required
def updates(request: AgentRequest, pk: int) -> HttpResponse:
    """What is new or has changed, for a page that shows this conversation already; with `?message=` that message."""
    asked = parse_int_or_zero(request.GET.get("message", ""))
    if asked and (message := get_changed_message(request.agent, pk, asked)):
        return render(
            request,
            "desk/thread/_fragments.html",
            workspace_context(request, message.conversation, single_message_update(message)),
        )
    found = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    after, since = (
        parse_int_or_zero(request.GET.get("after", "")),
        _parse_timestamp(request.GET.get("changed_since", "")),
    )
    thread = get_thread_updates(found, after_message_id=after, changed_since=since or now)
    return render(request, "desk/thread/_fragments.html", {**workspace_context(request, found, thread), "at": now})


def _parse_timestamp(text: str) -> datetime | None:
    try:
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None


@require_POST
@agent_required
def mark_conversation_read(request: AgentRequest, pk: int) -> HttpResponse:
    """Its agent has the conversation before their eyes."""
    found = access.get_conversation_or_404(request.user, pk)
    mark_read(found, request.user)
    mark_mentions_seen(found, request.agent)
    return HttpResponse(status=204)
