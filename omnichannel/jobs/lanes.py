"""Lanes: enqueue work, claim due lanes, renew and finish leases."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, F, QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone

from omnichannel.core.wakeups import Channel, request_wakeup
from omnichannel.jobs.models import JobSchedule, Lane

LANE_TABLE, SCHEDULE_TABLE = Lane._meta.db_table, JobSchedule._meta.db_table

ENQUEUE_VALUES = "(%s, %s, %s, %s, 0, '')"
ENQUEUE_SQL = (
    f"INSERT INTO {LANE_TABLE} (kind, key, due_at, token, attempts, error) VALUES {ENQUEUE_VALUES}"  # noqa: S608 (no value in it)
    " ON CONFLICT (kind, key) DO UPDATE SET token = excluded.token,"
    # A lane that was given up gets one more attempt when new work comes in.
    f" attempts = CASE WHEN {LANE_TABLE}.given_up_at IS NULL"
    f" THEN {LANE_TABLE}.attempts ELSE {LANE_TABLE}.attempts - 1 END,"
    " given_up_at = NULL,"
    f" due_at = CASE WHEN excluded.due_at < {LANE_TABLE}.due_at THEN excluded.due_at ELSE {LANE_TABLE}.due_at END"
)
# `Lane.claimable_filter` and the due periodic jobs in plain SQL: a worker runs this after every wake-up, and building
# the query through the ORM would take most of the time.
DUE_WORK_SQL = (
    f"SELECT kind, 0, MIN(due_at) FROM {LANE_TABLE} WHERE due_at <= %s AND given_up_at IS NULL"  # noqa: S608 (as above)
    " AND (lease_until IS NULL OR lease_until < %s) GROUP BY kind"
    f" UNION ALL SELECT name, 1, next_at FROM {SCHEDULE_TABLE} WHERE next_at <= %s"
)
# Workers wait at most this long, and then look for work that is due later themselves.
WAKEUP_HORIZON = timedelta(seconds=1)


def enqueue(kind: str, key: int, *, at: datetime | None = None) -> None:
    """Enqueue work in a lane, in the caller's transaction. Calling it twice has the effect of one call.

    The earliest of several due times counts. A lane that is being processed is claimed again afterwards, when due.

    Args:
        kind: kind of lane, such as a LaneKind.
        key: primary key of the object the work concerns.
        at: due time; default now.
    """
    enqueue_many([(kind, key)], at=at)


def enqueue_many(lanes: Collection[tuple[str, int]], *, at: datetime | None = None) -> None:
    """Enqueue work in many lanes, given by kind and key, in one statement. See `enqueue`."""
    if not lanes:
        return
    now = timezone.now()
    due_at = _to_db_value("due_at", at or now)
    rows = [(kind, key, due_at, _to_db_value("token", uuid.uuid4())) for kind, key in sorted(set(lanes))]
    with connection.cursor() as cursor:
        cursor.execute(
            ENQUEUE_SQL.replace(ENQUEUE_VALUES, ", ".join([ENQUEUE_VALUES] * len(rows)), 1),
            [value for row in rows for value in row],
        )
    if at is None or at - now < WAKEUP_HORIZON:
        request_wakeup(Channel.LANES)


def _to_db_value(name: str, value: object) -> Any:
    column: Any = Lane._meta.get_field(name)
    return column.get_db_prep_value(value, connection)


@dataclass(frozen=True)
class Lease:
    """The right to work in one lane, until it lapses."""

    lane_id: int
    kind: str
    key: int
    owner: uuid.UUID
    token: uuid.UUID
    attempts: int  # including this one
    # Handlers call it between pieces of work; returns whether the worker has been asked to stop.
    is_stopping: Callable[[], bool] = field(default=lambda: False, compare=False)

    def renew(self) -> bool:
        """Renew the lease; return False when another worker holds the lane, and nothing more may be written."""
        return self._get_held_lane().update(lease_until=timezone.now() + settings.WORKER_LEASE_DURATION) == 1

    def finish(self, next_due: datetime | None, *, attempts: int = 0, error: str = "") -> None:
        """Release the lane: delete it when no work is left, else set when it is due.

        A lane that got new work meanwhile is kept, due at the earlier of both times.

        Args:
            next_due: when to process the lane again; None when no work is left.
            attempts: failed attempts so far.
            error: text of the last failure.
        """
        held = self._get_held_lane()
        unchanged = held.filter(token=self.token)
        released = {"owner": None, "lease_until": None, "attempts": attempts, "error": error}
        count = unchanged.delete()[0] if next_due is None else unchanged.update(due_at=next_due, **released)
        if not count:
            sooner = {} if next_due is None else {"due_at": Least("due_at", Value(next_due, DateTimeField()))}
            held.update(**released, **sooner)

    def give_up(self, error: str) -> None:
        """Stop retrying the lane; it stays with its error until an administrator or new work retries it."""
        released = {"owner": None, "lease_until": None, "attempts": self.attempts, "error": error}
        self._get_held_lane().update(**released, given_up_at=timezone.now())

    def _get_held_lane(self) -> QuerySet[Lane]:
        """Return a queryset of the lane, empty when this lease no longer holds it."""
        return Lane.objects.filter(pk=self.lane_id, owner=self.owner)


@dataclass(frozen=True)
class DueWork:
    """Kinds of lanes and names of periodic jobs that are due, and when the next ones will be.

    `next_at` is None when no others are due within WAKEUP_HORIZON.
    """

    kinds: frozenset[str]
    jobs: frozenset[str]
    next_at: datetime | None


def get_due_work() -> DueWork:
    """Return the work that is due now, without claiming it."""
    now = timezone.now()
    horizon = _to_db_value("due_at", now + WAKEUP_HORIZON)
    with connection.cursor() as cursor:
        cursor.execute(DUE_WORK_SQL, [horizon, _to_db_value("due_at", now), horizon])
        rows = [(name, is_job, _from_db_value(due_at)) for name, is_job, due_at in cursor.fetchall()]
    return DueWork(
        frozenset(name for name, is_job, due_at in rows if not is_job and due_at <= now),
        frozenset(name for name, is_job, due_at in rows if is_job and due_at <= now),
        min((due_at for _, _, due_at in rows if due_at > now), default=None),
    )


def _from_db_value(value: datetime | str) -> datetime:
    # SQLite returns the text of a time in UTC.
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def claim_lanes(kinds: Collection[str], limit: int) -> list[Lease]:
    """Lease up to `limit` due lanes, the longest due first.

    A leased lane's due time is the end of its lease; an enqueue meanwhile sets an earlier one.
    """
    now = timezone.now()
    if limit < 1:
        return []
    owner, until = uuid.uuid4(), now + settings.WORKER_LEASE_DURATION
    with transaction.atomic():
        due = Lane.objects.filter(Lane.claimable_filter(now), kind__in=kinds).order_by("due_at")
        lanes = list(due.select_for_update(skip_locked=True)[:limit])
        lease_fields = {"owner": owner, "lease_until": until, "due_at": until, "attempts": F("attempts") + 1}
        Lane.objects.filter(pk__in=[lane.pk for lane in lanes]).update(**lease_fields)
    return [Lease(lane.pk, lane.kind, lane.key, owner, lane.token, lane.attempts + 1) for lane in lanes]


def retry_lanes(lane_ids: Collection[int]) -> int:
    """Retry lanes that were given up, from the first attempt; return how many there were."""
    given_up = Lane.objects.filter(pk__in=lane_ids, given_up_at__isnull=False)
    count = given_up.update(given_up_at=None, attempts=0, due_at=timezone.now())
    request_wakeup(Channel.LANES)
    return count
