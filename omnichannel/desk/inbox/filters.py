"""What of a tab is shown: filters and order, as they stand in the address and are remembered for each agent."""

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
    """A filter that is on: what it says, and the address without it."""

    name: str
    label: str | Promise
    query: str


@dataclass(frozen=True)
class InboxFilters:
    """Filters and order; 0 and False are off."""

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
    def parse(cls, given: Mapping[str, str]) -> Self:
        """The filters of an address; whatever makes no sense in it is off."""
        numbers: dict[str, Any] = {
            name: min(parse_int_or_zero(given.get(name, "")), 2**31 - 1) for name in (*OBJECT_FILTERS, "priority")
        }
        switches: dict[str, Any] = {name: given.get(name) == "1" for name in TOGGLE_FILTERS}
        sort = given.get("sort", "")
        numbers["priority"] *= numbers["priority"] in Priority.values
        return cls(**numbers, **switches, sort=sort if sort in SORT_ORDERS else NEWEST_FIRST.name)

    @property
    def query_string(self) -> str:
        """As in an address; the order always stands in it, and says that this is all there is."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return urlencode({name: int(value) if value is True else value for name, value in values.items() if value})

    def query_without(self, *names: str) -> str:
        """The address's query without these."""
        off: dict[str, Any] = {name: False if name in TOGGLE_FILTERS else 0 for name in names}
        return replace(self, **off).query_string

    def query_with_toggled(self, name: str) -> str:
        """The address's query with this switch the other way."""
        other_way: dict[str, Any] = {name: not getattr(self, name)}
        return replace(self, **other_way).query_string

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
        """What goes along to another tab: not what only makes sense in one."""
        return self.query_without("snoozed", "include_older")

    @property
    def cleared_query(self) -> str:
        """The address's query with every filter off, in the same order."""
        return InboxFilters(sort=self.sort).query_string

    @property
    def sort_choices(self) -> list[tuple[str | Promise, str, bool]]:
        """Every order: its words, the address's query, whether it is the present one."""
        return [
            (one.label, replace(self, sort=name).query_string, name == self.sort) for name, one in SORT_ORDERS.items()
        ]

    @property
    def sort_label(self) -> str | Promise:
        return SORT_ORDERS[self.sort].label

    @property
    def has_active_filters(self) -> bool:
        """Whether anything is left out because of them."""
        return replace(self, sort=NEWEST_FIRST.name, include_older=False) != InboxFilters()

    def build_condition(self, now: datetime) -> Q:
        """The conversations they leave."""
        given = {
            "queue": "queue",
            "work_stream": "work_stream",
            "label": "labels",
            "agent": "agent",
            "priority": "priority",
        }
        found = Q(**{field: getattr(self, name) for name, field in given.items() if getattr(self, name)})
        if self.unread:
            found &= Q(unread_count__gt=0)
        if self.closing_soon:
            found &= Q(window_closes_at__gt=now, window_closes_at__lte=now + CLOSING_SOON_WITHIN)
        if self.snoozed:
            found &= snoozed_q(now)
        return found

    def active_chips(self) -> Sequence[FilterChip]:
        """What is on beyond the switches, in words; one query where names have to be looked up."""
        names = _look_up_names({name: getattr(self, name) for name in OBJECT_FILTERS if getattr(self, name)})
        chips = [FilterChip(name, label, self.query_without(name)) for name, label in names.items()]
        if self.priority:
            chips.append(FilterChip("priority", Priority(self.priority).label, self.query_without("priority")))
        if self.snoozed:
            chips.append(FilterChip("snoozed", _("Snoozed"), self.query_without("snoozed")))
        if self.include_older:
            chips.append(FilterChip("include_older", _("Also older"), self.query_without("include_older")))
        return chips


def _look_up_names(wanted: Mapping[str, int]) -> dict[str, str]:
    if not wanted:
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
            what=Value(name, output_field=CharField()), is_called=Cast(sources[name][1], CharField(max_length=200))
        )
        .values_list("what", "is_called")
        for name, pk in wanted.items()
    ]
    found: dict[str, str] = dict(rows[0].union(*rows[1:], all=True))
    return {name: found.get(name, "").strip() or "?" for name in wanted}
