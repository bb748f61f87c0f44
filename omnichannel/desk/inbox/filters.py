"""Filters and sort order of the inbox, as they are in the URL and remembered for each agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import urlencode

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.lifecycle.snooze import snoozed_q
from omnichannel.conversations.models import Label, Priority
from omnichannel.desk.inbox.sorting import NEWEST_FIRST, SORT_ORDERS
from omnichannel.desk.shared.paging import parse_int_or_zero
from routing.models import Agent, Queue, WorkStream

CLOSING_SOON_WITHIN: Final = timedelta(hours=2)
OBJECT_FILTERS: Final = ("queue", "work_stream", "label", "agent")
TOGGLE_FILTERS: Final = ("unread", "closing_soon", "snoozed", "include_older")


@dataclass(frozen=True)
class FilterChip:
    """An active filter: its label, and the query string without it."""

    name: str
    label: str | Promise
    query: str


@dataclass(frozen=True)
class InboxFilters:
    """Filters and sort order; 0 and False are off."""

    queue: int = 0
    work_stream: int = 0
    label: int = 0
    agent: int = 0
    priority: int = 0
    unread: bool = False
    closing_soon: bool = False
    snoozed: bool = False
    include_older: bool = False
    sort: str = NEWEST_FIRST.name

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """Return the filters of the query parameters; invalid ones are off."""
        numbers: dict[str, Any] = {
            name: min(parse_int_or_zero(params.get(name, "")), 2**31 - 1) for name in (*OBJECT_FILTERS, "priority")
        }
        toggles: dict[str, Any] = {name: params.get(name) == "1" for name in TOGGLE_FILTERS}
        sort = params.get("sort", "")
        numbers["priority"] *= numbers["priority"] in Priority.values
        return cls(**numbers, **toggles, sort=sort if sort in SORT_ORDERS else NEWEST_FIRST.name)

    @property
    def query_string(self) -> str:
        """Return the query string; `sort` is always in it, so that missing filters count as off."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode({name: int(value) if value is True else value for name, value in values.items() if value})

    def query_without(self, *names: str) -> str:
        """Return the query string with these filters off."""
        changes: dict[str, Any] = {name: False if name in TOGGLE_FILTERS else 0 for name in names}
        return replace(self, **changes).query_string

    def query_with_toggled(self, name: str) -> str:
        """Return the query string with this filter toggled."""
        changes: dict[str, Any] = {name: not getattr(self, name)}
        return replace(self, **changes).query_string

    @property
    def unread_query(self) -> str:
        return self.query_with_toggled("unread")

    @property
    def closing_soon_query(self) -> str:
        return self.query_with_toggled("closing_soon")

    @property
    def snoozed_query(self) -> str:
        return self.query_with_toggled("snoozed")

    @property
    def include_older_query(self) -> str:
        return self.query_with_toggled("include_older")

    @property
    def query_for_other_views(self) -> str:
        """Return the query string for the other views, without the filters that only one view has."""
        return self.query_without("snoozed", "include_older")

    @property
    def cleared_query(self) -> str:
        """Return the query string with every filter off and the same sort order."""
        return InboxFilters(sort=self.sort).query_string

    @property
    def sort_choices(self) -> list[tuple[str | Promise, str, bool]]:
        """Return the label and query string of each sort order, and whether it is the current one."""
        return [
            (order.label, replace(self, sort=name).query_string, name == self.sort)
            for name, order in SORT_ORDERS.items()
        ]

    @property
    def sort_label(self) -> str | Promise:
        return SORT_ORDERS[self.sort].label

    @property
    def has_active_filters(self) -> bool:
        """Return whether a filter may hide conversations."""
        return replace(self, sort=NEWEST_FIRST.name, include_older=False) != InboxFilters()

    def build_condition(self, now: datetime) -> Q:
        """Return the condition for the conversations that pass the filters."""
        lookups = {
            "queue": "queue",
            "work_stream": "work_stream",
            "label": "labels",
            "agent": "agent",
            "priority": "priority",
        }
        condition = Q(**{lookup: getattr(self, name) for name, lookup in lookups.items() if getattr(self, name)})
        if self.unread:
            condition &= Q(unread_count__gt=0)
        if self.closing_soon:
            condition &= Q(window_closes_at__gt=now, window_closes_at__lte=now + CLOSING_SOON_WITHIN)
        if self.snoozed:
            condition &= snoozed_q(now)
        return condition

    def active_chips(self) -> Sequence[FilterChip]:
        """Return the active filters that have no toggle of their own; names are looked up in one query."""
        names = _look_up_names({name: getattr(self, name) for name in OBJECT_FILTERS if getattr(self, name)})
        chips = [FilterChip(name, label, self.query_without(name)) for name, label in names.items()]
        if self.priority:
            chips.append(FilterChip("priority", Priority(self.priority).label, self.query_without("priority")))
        if self.snoozed:
            chips.append(FilterChip("snoozed", _("Snoozed"), self.query_without("snoozed")))
        if self.include_older:
            chips.append(FilterChip("include_older", _("Include older"), self.query_without("include_older")))
        return chips


def _look_up_names(pks: Mapping[str, int]) -> dict[str, str]:
    """Return the name of each filter's object, "?" for an unknown one, by the name of the filter."""
    if not pks:
        return {}
    sources: dict[str, tuple[QuerySet[Any], Any]] = {
        "queue": (Queue.objects.all(), F("name")),
        "work_stream": (WorkStream.objects.all(), F("name")),
        "label": (Label.objects.all(), F("name")),
        "agent": (Agent.objects.all(), Concat("user__first_name", Value(" "), "user__last_name")),
    }
    rows = [
        sources[name][0]
        .filter(pk=pk)
        .order_by()
        .annotate(
            filter_name=Value(name, output_field=CharField()),
            object_name=Cast(sources[name][1], CharField(max_length=200)),
        )
        .values_list("filter_name", "object_name")
        for name, pk in pks.items()
    ]
    object_names: dict[str, str] = dict(rows[0].union(*rows[1:], all=True))
    return {name: object_names.get(name, "").strip() or "?" for name in pks}
