"""The inbox: what an agent has, what waits for one, what was closed lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final, TypeAlias
from urllib.parse import quote

from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.expressions import Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.assignment.pick import may_take
from omnichannel.conversations.lifecycle.snooze import is_snoozed
from omnichannel.conversations.models import Attachment, Conversation, ConversationQuerySet
from omnichannel.desk.dialogs.forms import Asked
from omnichannel.desk.inbox.bulk_actions import verbs_for
from omnichannel.desk.inbox.filters import Chip, Filters
from omnichannel.desk.inbox.sorting import CLOSED_LAST, NEWEST, ORDERS, Order
from omnichannel.desk.shared.message_preview import Line, last_line
from omnichannel.desk.shared.times import TimeLeft, short_moment
from routing.models import Agent, State

Words: TypeAlias = str | Promise

ALL: Final = Filters()
PAGE: Final = 30
MOST_AT_ONCE: Final = 240
CLOSED_FOR = timedelta(hours=24)
MINE, OPEN, ONGOING, CLOSED = "my", "open", "ongoing", "closed"
NAMES: dict[str, Words] = {MINE: _("My"), OPEN: _("Open"), ONGOING: _("Ongoing"), CLOSED: _("Closed")}
TITLES: dict[str, Words] = {
    MINE: _("My work items"),
    OPEN: _("Open work items"),
    ONGOING: _("Ongoing work items"),
    CLOSED: _("Closed work items"),
}
WITH_AN_AGENT = (State.ACTIVE, State.WAITING, State.WRAP_UP)


@dataclass(frozen=True)
class Tab:
    name: str
    label: Words
    title: Words
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
    # Snoozed, and its time is over.
    is_back: bool

    @property
    def snoozed_words(self) -> str:
        """Until when a snoozed conversation is snoozed."""
        until = self.conversation.snoozed_until
        if until is None:
            return gettext("Snoozed until the customer writes")
        shown = date_format(timezone.localtime(until), gettext("D j M, H:i"))
        return gettext("Snoozed until %(until)s") % {"until": shown}

    @property
    def unread_words(self) -> str:
        """The number of unread messages, as the badge shows it."""
        count = self.conversation.unread_count
        return "99+" if count > 99 else str(count)


@dataclass(frozen=True)
class Inbox:
    """One tab of the inbox, a page of it. Without `tabs` it is a further page."""

    view: str
    filters: Filters
    rows: Sequence[Row]
    more: str
    tabs: Sequence[Tab] = ()
    chips: Sequence[Chip] = ()
    unread: int = 0
    snoozed: int = 0
    bulk_verbs: Sequence[Asked] = ()

    @property
    def title(self) -> Words:
        """The heading of this tab."""
        return TITLES[self.view]

    @property
    def next_query(self) -> str:
        """The query string of the next page."""
        return f"view={self.view}&{self.filters.query}&before={quote(self.more, safe='')}"

    @property
    def shows_snoozed_link(self) -> bool:
        """Whether a link leads to the snoozed conversations, which this page leaves out."""
        return self.view == MINE and self.snoozed > 0 and not self.filters.is_on

    @property
    def shows_older_link(self) -> bool:
        """Whether a link leads to conversations that were closed earlier."""
        return self.view == CLOSED and not self.filters.older and not self.more


def views_of(agent: Agent) -> dict[str, Words]:
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


def inbox(user: User, agent: Agent, view: str, filters: Filters = ALL, *, before: str = "", shown: int = PAGE) -> Inbox:
    """The tab's rows in their order; the tabs with their counts only with the first page."""
    now = timezone.now()
    size = min(max(shown, PAGE), MOST_AT_ONCE)
    if before and (following := _order(view, filters).after(before)) is not None:
        rows, more = _page(user, agent, view, filters, following, size, now)
        return Inbox(view, filters, rows, more)
    rows, more = _page(user, agent, view, filters, Q(), size, now)
    counts = _counts(user, agent, now)
    names = views_of(agent)
    tabs = [Tab(name, label, TITLES[name], counts[name], name == view) for name, label in names.items()]
    return Inbox(
        view, filters, rows, more, tabs, filters.chips(), counts["unread"] or 0, counts["snoozed"], verbs_for(agent)
    )


def _order(view: str, filters: Filters) -> Order:
    return CLOSED_LAST if view == CLOSED and filters.sort == NEWEST.name else ORDERS[filters.sort]


def _within(agent: Agent, now: datetime) -> dict[str, Q]:
    # A conversation does not move once it is closed: `state_since` is when that was, and has an index.
    closed_lately = Q(state=State.CLOSED, state_since__gte=now - CLOSED_FOR)
    joined = Q(pk__in=Conversation.objects.joined_by(agent).order_by().values("pk"))
    return {
        MINE: (Q(agent=agent) | joined) & ~Q(state=State.CLOSED),
        OPEN: Q(state=State.OPEN),
        ONGOING: Q(state__in=WITH_AN_AGENT),
        CLOSED: closed_lately,
    }


def _counts(user: User, agent: Agent, now: datetime) -> dict[str, int]:
    """How much is in each tab, whatever is filtered; what is snoozed is counted beside what is not."""
    within = {name: rows for name, rows in _within(agent, now).items() if name in views_of(agent)}
    of_interest = access.conversations_visible_to(user).filter(reduce(or_, within.values()))
    awake = {**within, MINE: within[MINE] & ~is_snoozed(now)}
    return of_interest.aggregate(
        **{name: Count("pk", filter=rows) for name, rows in awake.items()},
        unread=Sum("unread_count", filter=within[MINE] & Q(agent=agent)),
        snoozed=Count("pk", filter=within[MINE] & is_snoozed(now)),
    )


def _in_tab(agent: Agent, view: str, filters: Filters, now: datetime) -> Q:
    if view == CLOSED and filters.older:
        return Q(state=State.CLOSED)
    within = _within(agent, now)[view]
    return within & ~is_snoozed(now) if view == MINE and not filters.snoozed else within


def _page(
    user: User, agent: Agent, view: str, filters: Filters, following: Q, size: int, now: datetime
) -> tuple[list[Row], str]:
    order = _order(view, filters)
    found = access.conversations_visible_to(user).filter(_in_tab(agent, view, filters, now)).filter(filters.within(now))
    # Which ones first, then what they show: databases would else put that together for all that could be meant.
    chosen = list(order.of(found, now).filter(following).values_list("pk", flat=True)[: size + 1])
    shown = _with_file_type(Conversation.objects.filter(pk__in=chosen).for_inbox().as_seen_by(agent))
    conversations = list(order.of(shown.select_related("last_message__author", "work_stream"), now))
    rows = [_row(conversation, user, agent, now) for conversation in conversations[:size]]
    return rows, order.place_of(conversations[size - 1]) if len(conversations) > size else ""


def _with_file_type(conversations: ConversationQuerySet) -> ConversationQuerySet:
    first_file = Attachment.objects.filter(message=OuterRef("last_message"), position=0)
    of_type = Coalesce(NullIf("content_type", Value("")), "declared_type")
    return conversations.annotate(last_file_type=Subquery(first_file.values_list(of_type)[:1]))


def _row(conversation: Conversation, user: User, agent: Agent, now: datetime) -> Row:
    until = conversation.snoozed_until
    return Row(
        conversation=conversation,
        line=last_line(conversation, user),
        moment=short_moment(conversation.last_activity_at),
        left=TimeLeft.until(conversation.window_closes_at),
        is_given_out=conversation.state == State.OPEN and not may_take(conversation, agent),
        is_back=until is not None and until <= now,
    )
