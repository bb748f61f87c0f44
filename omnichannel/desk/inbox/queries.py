"""Queries of the inbox: the conversations of each tab and their numbers.

All tabs but Closed read open conversations only, whatever the number of closed ones. Closed reads the newest rows of
each queue from an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F, Func, IntegerField, Q, QuerySet, Subquery, TextChoices
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.access import Scope
from omnichannel.conversations.lifecycle.snooze import snoozed_q
from omnichannel.conversations.models import Conversation, ConversationQuerySet
from omnichannel.core.db import SubqueryCount
from omnichannel.desk.inbox.filters import InboxFilters
from omnichannel.desk.inbox.sorting import NEWEST_FIRST, RECENTLY_CLOSED_FIRST, SORT_ORDERS, SortOrder
from routing.models import Agent, State

CLOSED_VIEW_PERIOD: Final = timedelta(hours=24)
# Tabs show "99+" for more.
MAX_COUNT: Final = 100
# Closed conversations that filters and other sort orders look at.
MAX_CLOSED_CANDIDATES: Final = 2000
ASSIGNED_STATES: Final = (State.ACTIVE, State.WAITING, State.WRAP_UP)


class InboxView(TextChoices):
    """The views of the inbox, in the order of their tabs."""

    MINE = "my", _("Mine")
    OPEN = "open", _("Open")
    ONGOING = "ongoing", _("Ongoing")
    CLOSED = "closed", _("Closed")


def get_sort_order(view: InboxView, filters: InboxFilters) -> SortOrder:
    """Return the order of the view's rows."""
    is_closed_view = view == InboxView.CLOSED
    return RECENTLY_CLOSED_FIRST if is_closed_view and filters.sort == NEWEST_FIRST.name else SORT_ORDERS[filters.sort]


@dataclass(frozen=True)
class InboxQueries:
    """The queries of one request for an agent's inbox."""

    agent: Agent
    scope: Scope
    now: datetime

    def get_keys(self, view: InboxView, filters: InboxFilters, after: Q, limit: int) -> list[int]:
        """Return the keys of the first rows after the cursor.

        Args:
            after: The condition for the rows after the cursor; empty for the first page.
        """
        if view == InboxView.CLOSED:
            return self._get_closed_keys(filters, after, limit)
        conversations = self._in_view(view).filter(filters.build_condition(self.now))
        if view == InboxView.MINE and not filters.snoozed:
            conversations = conversations.exclude(snoozed_q(self.now))
        ordered = get_sort_order(view, filters).sort(conversations, self.now).filter(after)
        return list(ordered.values_list("pk", flat=True)[:limit])

    def count(self, views: Sequence[InboxView]) -> dict[str, int]:
        """Count the conversations in each view regardless of filters, up to MAX_COUNT.

        Snoozed ones and the unread messages of the agent's own conversations are counted exactly.
        """
        mine, is_snoozed = self._in_view(InboxView.MINE), snoozed_q(self.now)
        counted = {view.value: self._in_view(view) for view in views}
        counted[InboxView.MINE.value] = mine.exclude(is_snoozed)
        total = Func(F("unread_count"), function="SUM", output_field=IntegerField())
        row = Agent.objects.filter(pk=self.agent.pk).order_by()
        counts: Any = row.values(
            **{name: SubqueryCount(rows.values("pk")[:MAX_COUNT]) for name, rows in counted.items()},
            snoozed=SubqueryCount(mine.filter(is_snoozed).values("pk")),
            unread=Subquery(mine.filter(agent=self.agent).values(total=total)),
        ).get()
        return {name: count or 0 for name, count in counts.items()}

    def _in_view(self, view: InboxView) -> ConversationQuerySet:
        """Return the view's conversations, without an order; of Closed those of CLOSED_VIEW_PERIOD."""
        match view:
            case InboxView.MINE:
                mentioned = Q(pk__in=self.scope.mentioned_ids) & self.scope.build_condition()
                is_mine = Q(agent=self.agent) | Q(pk__in=self.scope.joined_ids) | mentioned
                return self._unclosed().filter(is_mine)
            case InboxView.OPEN:
                return self._unclosed().filter(state=State.OPEN)
            case InboxView.ONGOING:
                return self._unclosed().filter(state__in=ASSIGNED_STATES)
            case InboxView.CLOSED:
                closed = Conversation.objects.order_by().filter(state=State.CLOSED)
                recent = closed.filter(closed_at__gte=self.now - CLOSED_VIEW_PERIOD)
                return recent.filter(self.scope.build_condition())

    def _unclosed(self) -> ConversationQuerySet:
        return Conversation.objects.unclosed().order_by().filter(self.scope.build_condition())

    # -- Closed -------------------------------------------------------------------------------------------------------

    def _get_closed_keys(self, filters: InboxFilters, after: Q, limit: int) -> list[int]:
        arms = self._closed_arms(filters)
        order = get_sort_order(InboxView.CLOSED, filters)
        if not arms:
            return []
        if order == RECENTLY_CLOSED_FIRST and not _has_other_filters(filters, self.scope):
            return self._get_newest_closed([arm & after for arm in arms], filters, limit, limit)
        # Each queue contributes the same share, so that the number of rows read does not depend on their number.
        share = max(limit, MAX_CLOSED_CANDIDATES // len(arms))
        candidates = self._get_newest_closed(arms, filters, share, MAX_CLOSED_CANDIDATES)
        matching = Conversation.objects.filter(filters.build_condition(self.now), pk__in=candidates)
        return list(order.sort(matching, self.now).filter(after).values_list("pk", flat=True)[:limit])

    def _get_newest_closed(self, arms: Sequence[Q], filters: InboxFilters, share: int, limit: int) -> list[int]:
        """Return the keys of the conversations closed last; each arm contributes up to its share."""
        parts = [_limit_part(self._closed(filters).filter(arm), share) for arm in arms]
        rows = parts[0].union(*parts[1:]).order_by("-closed_at", "-pk")[:limit] if parts[1:] else parts[0]
        return [pk for pk, _ in rows]

    def _closed_arms(self, filters: InboxFilters) -> list[Q]:
        """Return conditions that each have an index by `closed_at`, together those of all visible conversations."""
        if self.scope.sees_all:
            return [_queue_or_agent(filters)]
        if not self.scope.may_work:
            return []
        if filters.queue in self.scope.queue_ids:
            return [Q(queue=filters.queue)]
        joined = [Q(pk__in=self.scope.joined_ids)] if self.scope.joined_ids else []
        queues = [] if filters.queue else [Q(queue=queue_id) for queue_id in self.scope.queue_ids]
        return [Q(agent=self.agent), *queues, *joined]

    def _closed(self, filters: InboxFilters) -> ConversationQuerySet:
        closed = Conversation.objects.filter(closed_at__isnull=False)
        return closed if filters.include_older else closed.filter(closed_at__gte=self.now - CLOSED_VIEW_PERIOD)


def _limit_part(conversations: ConversationQuerySet, limit: int) -> QuerySet[Conversation, Any]:
    """Return key and time of the conversations closed last, as a part of a union."""
    newest = conversations.order_by("-closed_at", "-pk").values_list("pk", "closed_at")[:limit]
    if connection.features.supports_slicing_ordering_in_compound:
        return newest
    keys = conversations.order_by("-closed_at", "-pk").values("pk")[:limit]
    return Conversation.objects.filter(pk__in=keys).order_by().values_list("pk", "closed_at")


def _queue_or_agent(filters: InboxFilters) -> Q:
    if filters.queue:
        return Q(queue=filters.queue)
    return Q(agent=filters.agent) if filters.agent else Q(state=State.CLOSED)


def _has_other_filters(filters: InboxFilters, scope: Scope) -> bool:
    """Return whether filters remain that the arms of the union do not contain."""
    others = replace(filters, queue=0) if scope.sees_all or filters.queue in scope.queue_ids else filters
    if scope.sees_all and not filters.queue:
        others = replace(others, agent=0)
    return others.has_active_filters
