"""The inbox: an agent's own conversations, open ones, ongoing ones and recently closed ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import quote

from django.db.models import OuterRef, Q, Subquery
from django.db.models.expressions import Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.assignment.pick import can_take
from omnichannel.conversations.models import Attachment, Conversation, ConversationQuerySet
from omnichannel.desk.dialogs.definitions import Dialog
from omnichannel.desk.inbox.bulk_actions import bulk_actions_for
from omnichannel.desk.inbox.filters import FilterChip, InboxFilters
from omnichannel.desk.inbox.queries import ASSIGNED_STATES, MAX_COUNT, InboxQueries, InboxView, get_sort_order
from omnichannel.desk.shared.message_preview import MessagePreview, preview_last_message
from omnichannel.desk.shared.times import TimeLeft, format_short_timestamp
from routing.models import Agent, State

DisplayText: TypeAlias = str | Promise

NO_FILTERS: Final = InboxFilters()
PAGE_SIZE: Final = 30
MAX_ROWS: Final = 240


VIEW_TITLES: dict[InboxView, DisplayText] = {
    InboxView.MINE: _("My work items"),
    InboxView.OPEN: _("Open work items"),
    InboxView.ONGOING: _("Ongoing work items"),
    InboxView.CLOSED: _("Closed work items"),
}


@dataclass(frozen=True)
class InboxTab:
    """A tab of the inbox: a view with its number of conversations."""

    name: InboxView
    label: DisplayText
    title: DisplayText
    count: int
    is_current: bool

    @property
    def count_label(self) -> str:
        """The number as the tab shows it; counting stops at 100."""
        return f"{MAX_COUNT - 1}+" if self.count >= MAX_COUNT else str(self.count)


@dataclass(frozen=True)
class InboxRow:
    """A conversation in the list.

    Attributes:
        is_awaiting_offer: The conversation is open and will be offered; the agent can't take it.
        is_snooze_over: The conversation was snoozed and its time is over.
    """

    conversation: Conversation
    preview: MessagePreview
    time_label: str
    time_left: TimeLeft
    is_awaiting_offer: bool
    is_snooze_over: bool

    @property
    def snoozed_label(self) -> str:
        """Until when a snoozed conversation is snoozed."""
        until = self.conversation.snoozed_until
        if until is None:
            return gettext("Snoozed until the customer replies")
        shown = date_format(timezone.localtime(until), gettext("D j M, H:i"))
        return gettext("Snoozed until %(until)s") % {"until": shown}

    @property
    def unread_label(self) -> str:
        """The number of unread messages, as the badge shows it."""
        count = self.conversation.unread_count
        return "99+" if count > 99 else str(count)


@dataclass(frozen=True)
class Inbox:
    """A page of one view of the inbox; `tabs` is empty for every page but the first."""

    view: InboxView
    filters: InboxFilters
    rows: Sequence[InboxRow]
    next_cursor: str
    tabs: Sequence[InboxTab] = ()
    chips: Sequence[FilterChip] = ()
    unread_count: int = 0
    snoozed_count: int = 0
    bulk_actions: Sequence[Dialog] = ()

    @property
    def title(self) -> DisplayText:
        """Return the heading of this view."""
        return VIEW_TITLES[self.view]

    @property
    def next_query(self) -> str:
        """The query string of the next page."""
        return f"view={self.view}&{self.filters.query_string}&before={quote(self.next_cursor, safe='')}"

    @property
    def shows_snoozed_link(self) -> bool:
        """Whether a link leads to the snoozed conversations, which this page leaves out."""
        return self.view == InboxView.MINE and self.snoozed_count > 0 and not self.filters.has_active_filters

    @property
    def shows_older_link(self) -> bool:
        """Whether a link leads to conversations that were closed earlier."""
        return self.view == InboxView.CLOSED and not self.filters.include_older and not self.next_cursor


def views_for(agent: Agent) -> list[InboxView]:
    """Return the agent's views; only supervisors have Ongoing, everybody's work."""
    return [view for view in InboxView if view != InboxView.ONGOING or access.can_supervise(agent)]


def get_view_or_default(name: str, agent: Agent) -> InboxView:
    """Return the view of that name, or the agent's own work when they have no such view."""
    return next((view for view in views_for(agent) if view == name), InboxView.MINE)


def view_containing(conversation: Conversation, agent: Agent) -> InboxView:
    """Return the view that lists this conversation."""
    if conversation.state == State.CLOSED:
        return InboxView.CLOSED
    if conversation.agent_id == agent.pk or conversation.participation_kind:
        return InboxView.MINE
    is_ongoing = conversation.state in ASSIGNED_STATES and access.can_supervise(agent)
    return InboxView.ONGOING if is_ongoing else InboxView.OPEN


def get_inbox(
    user: User,
    agent: Agent,
    view: InboxView,
    filters: InboxFilters = NO_FILTERS,
    *,
    cursor: str = "",
    row_count: int = PAGE_SIZE,
) -> Inbox:
    """Return a page of the view; the first page also has the tabs with their counts.

    Args:
        cursor: The last row shown; an invalid one yields the first page.
        row_count: The number of rows already on the page, from PAGE_SIZE to MAX_ROWS.
    """
    now = timezone.now()
    page_size = min(max(row_count, PAGE_SIZE), MAX_ROWS)
    queries = InboxQueries(agent, access.Scope.load(agent), now)
    if cursor and (condition := get_sort_order(view, filters).filter_after(cursor)) is not None:
        rows, next_cursor = _get_page(queries, user, view, filters, condition, page_size)
        return Inbox(view, filters, rows, next_cursor)
    rows, next_cursor = _get_page(queries, user, view, filters, Q(), page_size)
    counts = queries.count(views_for(agent))
    tabs = [InboxTab(tab, tab.label, VIEW_TITLES[tab], counts[tab], tab == view) for tab in views_for(agent)]
    return Inbox(
        view,
        filters,
        rows,
        next_cursor,
        tabs,
        filters.active_chips(),
        counts["unread"],
        counts["snoozed"],
        bulk_actions_for(agent),
    )


def _get_page(
    queries: InboxQueries, user: User, view: InboxView, filters: InboxFilters, after: Q, page_size: int
) -> tuple[list[InboxRow], str]:
    agent, now, order = queries.agent, queries.now, get_sort_order(view, filters)
    # Two queries: with one, databases compute the annotations of a row for every candidate before the limit applies.
    pks = queries.get_keys(view, filters, after, page_size + 1)
    annotated = _annotate_last_file_type(Conversation.objects.filter(pk__in=pks).for_inbox().annotate_for_agent(agent))
    conversations = list(order.sort(annotated.select_related("last_message__author", "work_stream"), now))
    rows = [_build_row(conversation, user, agent, now) for conversation in conversations[:page_size]]
    return rows, order.cursor_for(conversations[page_size - 1]) if len(conversations) > page_size else ""


def _annotate_last_file_type(conversations: ConversationQuerySet) -> ConversationQuerySet:
    first_file = Attachment.objects.filter(message=OuterRef("last_message"), position=0)
    content_type = Coalesce(NullIf("content_type", Value("")), "declared_type")
    return conversations.annotate(last_file_type=Subquery(first_file.values_list(content_type)[:1]))


def _build_row(conversation: Conversation, user: User, agent: Agent, now: datetime) -> InboxRow:
    snoozed_until = conversation.snoozed_until
    return InboxRow(
        conversation=conversation,
        preview=preview_last_message(conversation, user),
        time_label=format_short_timestamp(conversation.last_activity_at),
        time_left=TimeLeft.until(conversation.window_closes_at),
        is_awaiting_offer=conversation.state == State.OPEN and not can_take(conversation, agent),
        is_snooze_over=snoozed_until is not None and snoozed_until <= now,
    )
