"""The orders in which the list is read, and where a page of it ends."""

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
    """One order of the list."""

    name: str
    label: str | Promise
    keys: tuple[SortKey, ...]

    def sort(self, conversations: ConversationQuerySet, now: datetime) -> ConversationQuerySet:
        """The conversations in this order; the same moment and name by the time they began."""
        marks = [F(one.field).desc() if one.is_descending else F(one.field).asc() for one in self._keys_with_pk]
        wanted = {
            name: mark for name, mark in _sort_annotations(now).items() if name in {one.field for one in self.keys}
        }
        return conversations.annotate(**wanted).order_by(*marks)

    @property
    def _keys_with_pk(self) -> tuple[SortKey, ...]:
        return (*self.keys, SortKey("pk", self.keys[-1].is_descending, int))

    def cursor_for(self, conversation: Conversation) -> str:
        """Where this row stands, to go on from there."""
        return json.dumps([_serialize_value(getattr(conversation, one.field)) for one in self._keys_with_pk])

    def filter_after(self, place: str) -> Q | None:
        """What follows that place; None when it is none in this order."""
        values = self._parse_cursor(place)
        if values is None:
            return None
        found, same = Q(), Q()
        for key, value in zip(self._keys_with_pk, values, strict=True):
            found |= same & Q(**{f"{key.field}__{'lt' if key.is_descending else 'gt'}": value})
            same &= Q(**{key.field: value})
        return found

    def _parse_cursor(self, place: str) -> Sequence[Any] | None:
        try:
            written = json.loads(place)
        except (ValueError, RecursionError):
            return None
        if not isinstance(written, list) or len(written) != len(self._keys_with_pk):
            return None
        values = [_parse_value(key.kind, value) for key, value in zip(self._keys_with_pk, written, strict=True)]
        return None if None in values else values


def _serialize_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _parse_value(kind: type, value: Any) -> Any:
    if kind is datetime and isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return at if at.tzinfo else None
    if kind is int and (type(value) is not int or abs(value) >= 2**63):
        return None
    return value if isinstance(value, kind) and "\x00" not in str(value) else None


def _sort_annotations(now: datetime) -> Mapping[str, Any]:
    is_ahead = When(window_closes_at__gt=now, then=F("window_closes_at"))
    return {
        "waits_since": Coalesce("last_inbound_at", "queued_at"),
        "closes_first": Case(is_ahead, default=Value(FAR_FUTURE), output_field=DateTimeField()),
        "customer": Lower(
            Coalesce(NullIf("contact__name", Value("")), NullIf("contact__profile_name", Value("")), "contact__address")
        ),
    }


NEWEST_FIRST: Final = SortOrder("newest", _("Newest"), (SortKey("last_activity_at", is_descending=True),))
# A closed conversation does not move any more: by when it was closed, for which there is an index.
RECENTLY_CLOSED_FIRST: Final = SortOrder("newest", _("Newest"), (SortKey("state_since", is_descending=True),))
SORT_ORDERS: Final = {
    order.name: order
    for order in (
        NEWEST_FIRST,
        SortOrder("waiting", _("Longest waiting"), (SortKey("waits_since"),)),
        SortOrder("window", _("Window closing"), (SortKey("closes_first"),)),
        SortOrder(
            "priority",
            _("Most urgent"),
            (SortKey("priority", kind=int), SortKey("last_activity_at", is_descending=True)),
        ),
        SortOrder("created", _("Latest begun"), (SortKey("created_at", is_descending=True),)),
        SortOrder("customer", _("Customer"), (SortKey("customer", kind=str),)),
    )
}
