"""Read new events exactly once, although transactions that began earlier may commit later.

On PostgreSQL neither ids nor transaction ids are committed in order. A reader therefore keeps the snapshot of its last
read: which transactions were visible to it then. What is visible now and was not then is new. A snapshot also tells up
to which transaction nothing more can appear: the position from which a reader may go on after an interruption.

A server that was killed may assign again the ids of transactions that had been rolled back just before: after an outage
a reader goes back a little, and may get events twice.

SQLite has one writer at a time, so ids are committed in order, and the ids of events take the place of transaction ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db import connection
from django.db.models import F, Max, Min, Q, QuerySet

from omnichannel.events.models import Event

# More transactions than begin in 0.2 s, after which PostgreSQL has written their ids to disk at the latest.
REWOUND_TRANSACTIONS = 2000


@dataclass(frozen=True)
class Snapshot:
    """The events that a reader sees at a moment: those with a key below `end` that are not in progress.

    The key of an event is its transaction id, on SQLite its own id.

    Attributes:
        start: no event with a lower key will appear any more.
        end: the first key that was not assigned yet.
        in_progress: keys from `start` to `end` of transactions that had not ended.
    """

    start: int
    end: int
    in_progress: tuple[int, ...] = ()

    @property
    def position(self) -> int:
        """Return the last key up to which every event is visible, or its transaction was rolled back."""
        return self.start - 1

    def rewind(self) -> "Snapshot":
        """Return the snapshot to go on with after an outage of the database."""
        if connection.vendor != "postgresql":
            return self
        end = max(self.end - REWOUND_TRANSACTIONS, 0)
        return Snapshot(min(self.start, end), end, tuple(key for key in self.in_progress if key < end))

    def visible(self) -> Q:
        """Return the filter for events that are visible in the snapshot."""
        # A key from `end` on that is visible anyway is of another cluster, from which the table was restored.
        return Q(("key__lt", self.end)) & ~Q(("key__in", self.in_progress))


def _key_name() -> str:
    return "transaction_id" if connection.vendor == "postgresql" else "pk"


def _events_by_key() -> QuerySet[Event]:
    return Event.objects.alias(key=F(_key_name())).defer("data", "created_at")


def _sort(events: Iterable[Event]) -> list[Event]:
    # Not in the statement: PostgreSQL could then read the whole table in the order of ids.
    return sorted(events, key=attrgetter("pk"))


def take_snapshot() -> Snapshot:
    """Return the snapshot of this moment."""
    if connection.vendor != "postgresql":
        end = (Event.objects.aggregate(newest=Max("pk"))["newest"] or 0) + 1
        return Snapshot(end, end)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        start, end, in_progress = cursor.fetchone()[0].split(":")
    return Snapshot(int(start), int(end), tuple(int(key) for key in in_progress.split(",") if key))


def fetch_new_events(before: Snapshot, now: Snapshot, *, limit: int) -> list[Event]:
    """Return the events that have become visible between two snapshots, in the order of their ids.

    Args:
        before: the snapshot of the last read.
        now: a later snapshot.
        limit: the most to return; the others would be lost to a reader that goes on with `now`.
    """
    # The first range ends at `now.end` so that an index reads nothing beyond it.
    appeared = Q(key__gte=before.end, key__lt=now.end) | Q(key__in=before.in_progress)
    return _sort(_events_by_key().filter(appeared, now.visible())[:limit])


def fetch_events_after(position: int, now: Snapshot, *, limit: int) -> list[Event]:
    """Return the newest visible events after a position, in the order of their ids.

    They include those that a reader at this position has received from transactions that were not the last.
    """
    events = _events_by_key().filter(now.visible(), Q(("key__gt", position)))
    return _sort(events.order_by(F("key").desc())[:limit])


def find_position_before(moment: datetime) -> int | None:
    """Return the position before all events created since a moment; None when there are none."""
    first = Event.objects.filter(created_at__gte=moment).aggregate(first=Min(_key_name()))["first"]
    return None if first is None else first - 1
