"""A conversation: the whole page, what is new on it, what came earlier."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.notes import mentions_seen
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.desk.composer.reply_box import Composer, composer_for
from omnichannel.desk.customer_panel.panel import header_version
from omnichannel.desk.inbox.conversation_list import view_of
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.shared.paging import Cursor, whole_number
from omnichannel.desk.shared.times import TimeLeft
from omnichannel.desk.thread.actions import actions_for
from omnichannel.desk.thread.header import Header
from omnichannel.desk.thread.messages import Thread, alone, as_it_is_now, news, stretch

NOTHING = Thread(entries=[])
# What somebody is told who was led here instead of where they wanted to go.
TOLD: dict[str, Any] = {"open_already": _("There is an open conversation with this customer already: this one.")}


@require_GET
@agent_page
def conversation(request: AgentRequest, pk: int) -> HttpResponse:
    """The conversation with its newest messages, or those at `?before=`, `?after=` or around `?message=`."""
    found = access.conversation_for(request.user, pk)
    return show(request, found, problem=TOLD.get(request.GET.get("told", ""), ""))


@require_GET
@agent_page
def earlier(request: AgentRequest, pk: int) -> HttpResponse:
    """The messages above those that the page shows already, or with `?after=` those below."""
    found = access.conversation_for(request.user, pk)
    before, after = (Cursor.read(request.GET.get(name, "")) for name in ("before", "after"))
    if before is None and after is None:
        raise Http404("No such place in the conversation.")
    thread = stretch(found, before=before, after=after)
    context = {**_whose(request, found), "thread": thread, "downwards": after is not None}
    return render(request, "desk/thread/_earlier_messages.html", context)


@require_GET
@agent_page
def pieces(request: AgentRequest, pk: int) -> HttpResponse:
    """What is new or has changed, for a page that shows this conversation already; with `?message=` that message."""
    asked = whole_number(request.GET.get("message", ""))
    if asked and (message := as_it_is_now(request.agent, pk, asked)):
        return render(request, "desk/thread/_fragments.html", _context(request, message.conversation, alone(message)))
    found = access.conversation_for(request.user, pk)
    now = timezone.now()
    after, since = whole_number(request.GET.get("after", "")), _moment(request.GET.get("changed_since", ""))
    thread = news(found, after=after, since=since or now)
    return render(request, "desk/thread/_fragments.html", {**_context(request, found, thread), "at": now})


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
    found = access.conversation_for(request.user, pk)
    mark_read(found, request.user)
    mentions_seen(found, request.agent)
    return HttpResponse(status=204)


def show(
    request: AgentRequest,
    found: Conversation,
    *,
    composer: Composer | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The whole conversation; to a page that has the list already, only what is beside it."""
    thread = _thread(request, found)
    if thread.later is None:  # else the newest messages are not before anybody's eyes yet
        mark_read(found, request.user)
        mentions_seen(found, request.agent)
    context = {**_context(request, found, thread, composer, problem), "at": timezone.now()}
    beside = request.htmx and request.htmx.target == "workspace"
    template = "desk/thread/_workspace.html" if beside else "desk/thread/page.html"
    return render(request, template, context, status=status)


def _thread(request: AgentRequest, found: Conversation) -> Thread:
    before, after = (Cursor.read(request.GET.get(name, "")) for name in ("before", "after"))
    around = whole_number(request.GET.get("message", ""))
    return stretch(found, before=before, after=after, around=around, unread=_new_to(request, found))


def _new_to(request: AgentRequest, found: Conversation) -> int:
    return found.unread_count if found.agent_id == request.agent.pk else 0


def answer(
    request: AgentRequest,
    found: Conversation,
    *,
    thread: Thread = NOTHING,
    composer: Composer | None = None,
    gone: Sequence[int] = (),
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """What a form gets back: with the script the pieces that changed, without it the page.

    `gone` are messages that were taken back; what else is known of them is in the composer.
    """
    if request.htmx:
        context = {**_context(request, found, thread, composer, problem), "gone": gone}
        return render(request, "desk/thread/_fragments.html", context, status=status)
    if status == 200 and not gone:
        return redirect("desk:conversation", pk=found.pk)
    return show(request, found, composer=composer, problem=problem, status=status)


def _context(
    request: AgentRequest,
    found: Conversation,
    thread: Thread,
    composer: Composer | None = None,
    problem: str = "",
) -> dict[str, Any]:
    return {
        **_whose(request, found),
        "header": Header(found, request.agent),
        "customer_version": header_version(found),
        "thread": thread,
        "composer": composer or composer_for(found, request.agent),
        "actions": actions_for(found, request.agent),
        "left": TimeLeft.until(found.window_closes_at),
        "problem": problem,
        "view": view_of(found, request.agent),
    }


def _whose(request: AgentRequest, found: Conversation) -> dict[str, Any]:
    return {
        "conversation": found,
        "agent": request.agent,
        "may_answer": access.may_answer(request.agent, found),
    }
