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
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.shared.paging import Cursor, whole_number
from omnichannel.desk.thread.messages import alone, as_it_is_now, news, stretch
from omnichannel.desk.workspace import conversation_context, render_workspace, workspace_context

# What somebody is told who was led here instead of where they wanted to go.
TOLD: dict[str, Any] = {"open_already": _("There is an open conversation with this customer already: this one.")}


@require_GET
@agent_page
def conversation(request: AgentRequest, pk: int) -> HttpResponse:
    """The conversation with its newest messages, or those at `?before=`, `?after=` or around `?message=`."""
    found = access.get_conversation_or_404(request.user, pk)
    return render_workspace(request, found, problem=TOLD.get(request.GET.get("told", ""), ""))


@require_GET
@agent_page
def earlier(request: AgentRequest, pk: int) -> HttpResponse:
    """The messages above those that the page shows already, or with `?after=` those below."""
    found = access.get_conversation_or_404(request.user, pk)
    before, after = (Cursor.read(request.GET.get(name, "")) for name in ("before", "after"))
    if before is None and after is None:
        raise Http404("No such place in the conversation.")
    thread = stretch(found, before=before, after=after)
    context = {**conversation_context(request, found), "thread": thread, "downwards": after is not None}
    return render(request, "desk/thread/_earlier_messages.html", context)


@require_GET
@agent_page
def pieces(request: AgentRequest, pk: int) -> HttpResponse:
    """What is new or has changed, for a page that shows this conversation already; with `?message=` that message."""
    asked = whole_number(request.GET.get("message", ""))
    if asked and (message := as_it_is_now(request.agent, pk, asked)):
        return render(
            request, "desk/thread/_fragments.html", workspace_context(request, message.conversation, alone(message))
        )
    found = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    after, since = whole_number(request.GET.get("after", "")), _moment(request.GET.get("changed_since", ""))
    thread = news(found, after=after, since=since or now)
    return render(request, "desk/thread/_fragments.html", {**workspace_context(request, found, thread), "at": now})


def _moment(text: str) -> datetime | None:
    try:
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None


@require_POST
@agent_page
def read(request: AgentRequest, pk: int) -> HttpResponse:
    """Its agent has the conversation before their eyes."""
    found = access.get_conversation_or_404(request.user, pk)
    mark_read(found, request.user)
    mark_mentions_seen(found, request.agent)
    return HttpResponse(status=204)
