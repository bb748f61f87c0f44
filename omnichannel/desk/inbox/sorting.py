"""Sort orders of the inbox, and cursors that mark the last row of a page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Case, DateTimeField, F, Q, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.models import Conversation, ConversationQuerySet

FAR_FUTURE = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SortKey:
    """A field the list is sorted by."""

    field: str
    is_descending: bool = False
    kind: type = datetime


@dataclass(frozen=True)
class SortOrder:
    """A sort order of the list; rows that are equal in it are ordered by id."""

    name: str
    label: str | Promise
    keys: tuple[SortKey, ...]

    def sort(self, conversations: ConversationQuerySet, now: datetime) -> ConversationQuerySet:
        """Return the conversations in this order."""
        ordering = [F(key.field).desc() if key.is_descending else F(key.field).asc() for key in self._keys_with_pk]
        names = {key.field for key in self.keys}
        annotations = {name: expression for name, expression in _sort_annotations(now).items() if name in names}
        return conversations.annotate(**annotations).order_by(*ordering)

    @property
    def _keys_with_pk(self) -> tuple[SortKey, ...]:
        return (*self.keys, SortKey("pk", self.keys[-1].is_descending, int))

    def cursor_for(self, conversation: Conversation) -> str:
        """Return the cursor of this row; the next page begins after it."""
        return json.dumps([_serialize_value(getattr(conversation, key.field)) for key in self._keys_with_pk])

    def filter_after(self, cursor: str) -> Q | None:
        """Return the condition for the rows after the cursor; None when it is not valid for this order."""
        values = self._parse_cursor(cursor)
        if values is None:
            return None
        first = self._keys_with_pk[0]
        # Implied by the rest: databases start there in an index.
        bound = Q(**{f"{first.field}__{'lte' if first.is_descending else 'gte'}": values[0]})
        condition, is_equal = Q(), Q()
        for key, value in zip(self._keys_with_pk, values, strict=True):
            condition |= is_equal & Q(**{f"{key.field}__{'lt' if key.is_descending else 'gt'}": value})
            is_equal &= Q(**{key.field: value})
        return bound & condition

    def _parse_cursor(self, cursor: str) -> Sequence[Any] | None:
        try:
            raw_values = json.loads(cursor)
        except (ValueError, RecursionError):
            return None
        if not isinstance(raw_values, list) or len(raw_values) != len(self._keys_with_pk):
            return None
        values = [_parse_value(key.kind, value) for key, value in zip(self._keys_with_pk, raw_values, strict=True)]
        return None if None in values else values


def _serialize_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _parse_value(kind: type, value: Any) -> Any:
    if kind is datetime and isinstance(value, str):
        try:
            timestamp = datetime.fromisoformat(value)
        except ValueError:
            return None
        return timestamp if timestamp.tzinfo else None
    if kind is int and (type(value) is not int or abs(value) >= 2**63):
        return None
    return value if isinstance(value, kind) and "\x00" not in str(value) else None


def _sort_annotations(now: datetime) -> Mapping[str, Any]:
    open_window = When(window_closes_at__gt=now, then=F("window_closes_at"))
    return {
        "waits_since": Coalesce("last_inbound_at", "queued_at"),
        "closes_first": Case(open_window, default=Value(FAR_FUTURE), output_field=DateTimeField()),
        "customer": Lower(
            Coalesce(
                NullIf("contact__name", Value("")),
                NullIf("contact__profile_name", Value("")),
                NullIf("contact__username", Value("")),
                "contact__address",
            )
        ),
    }


NEWEST_FIRST: Final = SortOrder("newest", _("Newest"), (SortKey("last_activity_at", is_descending=True),))
RECENTLY_CLOSED_FIRST: Final = SortOrder("newest", _("Newest"), (SortKey("closed_at", is_descending=True),))
SORT_ORDERS: Final = {
    order.name: order
    for order in (
        NEWEST_FIRST,
        SortOrder("waiting", _("Longest waiting"), (SortKey("waits_since"),)),
        SortOrder("window", _("Window ending first"), (SortKey("closes_first"),)),
        SortOrder(
            "priority",
            _("Highest priority"),
            (SortKey("priority", kind=int), SortKey("last_activity_at", is_descending=True)),
        ),
        SortOrder("created", _("Recently started"), (SortKey("created_at", is_descending=True),)),
        SortOrder("customer", _("Customer"), (SortKey("customer", kind=str),)),
    )
}
