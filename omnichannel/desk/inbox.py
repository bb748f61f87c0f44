"""The inbox: what an agent has, what waits for one, what was closed lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.expressions import Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.assignment import may_take
from omnichannel.conversations.models import Attachment, Conversation, ConversationQuerySet
from omnichannel.desk.paging import Cursor
from omnichannel.desk.times import TimeLeft, short_moment
from omnichannel.desk.words import Line, last_line
from routing.models import Agent, State

PAGE: Final = 30
MOST_AT_ONCE: Final = 240
CLOSED_FOR = timedelta(hours=24)
MINE, OPEN, ONGOING, CLOSED = "my", "open", "ongoing", "closed"
NAMES = {MINE: "My", OPEN: "Open", ONGOING: "Ongoing", CLOSED: "Closed"}
WITH_AN_AGENT = (State.ACTIVE, State.WAITING, State.WRAP_UP)


@dataclass(frozen=True)
class Tab:
    name: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True)
class Row:
    """A conversation in the list."""

    conversation: Conversation
    line: Line
    moment: str
    left: TimeLeft
    # Open, and the agent may not take it themselves: it is given out.
    is_given_out: bool


@dataclass(frozen=True)
class Inbox:
    """One tab of the inbox, a page of it. Without `tabs` it is a further page."""

    view: str
    rows: Sequence[Row]
    more: Cursor | None
    tabs: Sequence[Tab] = ()
    unread: int = 0


def views_of(agent: Agent) -> dict[str, str]:
    """The tabs this agent has, by name; Ongoing, which is everybody's work, is for supervisors."""
    return {name: label for name, label in NAMES.items() if name != ONGOING or access.may_supervise(agent)}


def view_named(name: str, agent: Agent) -> str:
    """The tab of that name; the agent's own work for a name they have no tab of."""
    return name if name in views_of(agent) else MINE


def view_of(conversation: Conversation, agent: Agent) -> str:
    """The tab in which this conversation is found."""
    if conversation.state == State.CLOSED:
        return CLOSED
    if conversation.agent_id == agent.pk or conversation.part:
        return MINE
    return ONGOING if conversation.state in WITH_AN_AGENT and access.may_supervise(agent) else OPEN


def inbox(user: User, agent: Agent, view: str, *, before: Cursor | None = None, shown: int = PAGE) -> Inbox:
    """The tab's rows, newest first; the tabs with their counts only with the first page."""
    size = min(max(shown, PAGE), MOST_AT_ONCE)
    rows, more = _page(user, agent, view, before, size)
    if before is not None:
        return Inbox(view, rows, more)
    counts = _counts(user, agent)
    tabs = [Tab(name, label, counts[name], name == view) for name, label in views_of(agent).items()]
    return Inbox(view, rows, more, tabs, counts["unread"] or 0)


def _within(agent: Agent) -> dict[str, Q]:
    # A conversation does not move once it is closed: `state_since` is when that was, and has an index.
    closed_lately = Q(state=State.CLOSED, state_since__gte=timezone.now() - CLOSED_FOR)
    joined = Q(pk__in=Conversation.objects.joined_by(agent).order_by().values("pk"))
    return {
        MINE: (Q(agent=agent) | joined) & ~Q(state=State.CLOSED),
        OPEN: Q(state=State.OPEN),
        ONGOING: Q(state__in=WITH_AN_AGENT),
        CLOSED: closed_lately,
    }


def _counts(user: User, agent: Agent) -> dict[str, int]:
    within = {name: rows for name, rows in _within(agent).items() if name in views_of(agent)}
    of_interest = access.conversations_visible_to(user).filter(reduce(or_, within.values()))
    return of_interest.aggregate(
        **{name: Count("pk", filter=rows) for name, rows in within.items()},
        unread=Sum("unread_count", filter=within[MINE] & Q(agent=agent)),
    )


def _page(user: User, agent: Agent, view: str, before: Cursor | None, size: int) -> tuple[list[Row], Cursor | None]:
    found = access.conversations_visible_to(user).filter(_within(agent)[view]).for_inbox().as_seen_by(agent)
    found = _with_file_type(found)
    if before is not None:
        found = found.filter(before.before("last_activity_at"))
    newest_first = found.select_related("last_message__author", "work_stream").order_by("-last_activity_at", "-pk")
    conversations = list(newest_first[: size + 1])
    rows = [_row(conversation, user, agent) for conversation in conversations[:size]]
    last = conversations[size - 1] if len(conversations) > size else None
    return rows, Cursor(last.last_activity_at, last.pk) if last else None


def _with_file_type(conversations: ConversationQuerySet) -> ConversationQuerySet:
    first_file = Attachment.objects.filter(message=OuterRef("last_message"), position=0)
    of_type = Coalesce(NullIf("content_type", Value("")), "declared_type")
    return conversations.annotate(last_file_type=Subquery(first_file.values_list(of_type)[:1]))


def _row(conversation: Conversation, user: User, agent: Agent) -> Row:
    return Row(
        conversation=conversation,
        line=last_line(conversation, user),
        moment=short_moment(conversation.last_activity_at),
        left=TimeLeft.until(conversation.window_closes_at),
        is_given_out=conversation.state == State.OPEN and not may_take(conversation, agent),
    )
