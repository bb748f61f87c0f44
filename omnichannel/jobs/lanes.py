"""Enqueue work in a lane, claim lanes that are due, keep and finish a lease."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from omnichannel.jobs.models import Lane


def enqueue(kind: str, key: int, *, at: datetime | None = None) -> None:
    """Say that there is work in this lane, in the caller's transaction; twice is as good as once.

    A lane that is being worked in is looked at again afterwards.
    """
    Lane.objects.bulk_create(
        [Lane(kind=kind, key=key, due_at=at or timezone.now(), token=uuid.uuid4())],
        update_conflicts=True,
        unique_fields=["kind", "key"],
        update_fields=["due_at", "token"],
    )


@dataclass(frozen=True)
class Lease:
    """The right to work in one lane, until it lapses."""

    lane_id: int
    kind: str
    key: int
    owner: uuid.UUID
    token: uuid.UUID
    failures: int
    # Asked between two pieces of work: whether the worker was told to stop.
    is_stopping: Callable[[], bool] = field(default=lambda: False, compare=False)

    def keep(self) -> bool:
        """Renew the lease; False when another worker has the lane by now, and nothing more may be written."""
        mine = Lane.objects.filter(pk=self.lane_id, owner=self.owner)
        return mine.update(lease_until=timezone.now() + settings.WORKER_LEASE) == 1

    def finish(self, next_due: datetime | None, *, failures: int = 0) -> None:
        """Give the lane back: gone when nothing is left, due later, or due at once when more came in meanwhile."""
        mine = Lane.objects.filter(pk=self.lane_id, owner=self.owner)
        unchanged = mine.filter(token=self.token)
        free = {"owner": None, "lease_until": None, "failures": failures}
        done = unchanged.delete()[0] if next_due is None else unchanged.update(due_at=next_due, **free)
        if not done:
            mine.update(**free)


# `Lane.free` in plain SQL: an idle worker asks this five times a second, and building the query would cost it most.
DUE_KINDS = (
    f"SELECT DISTINCT kind FROM {Lane._meta.db_table}"  # noqa: S608 (no value in it)
    " WHERE due_at <= %s AND (lease_until IS NULL OR lease_until < %s)"
)


def due_kinds(kinds: Collection[str]) -> list[str]:
    """Those of the kinds in which a lane is due; only a read."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(DUE_KINDS, [now, now])
        due = {kind for (kind,) in cursor.fetchall()}
    return [kind for kind in kinds if kind in due]


def claim(kinds: Collection[str], limit: int) -> list[Lease]:
    """Lease up to `limit` lanes that are due, the longest due first."""
    now = timezone.now()
    due = Lane.objects.filter(Lane.free(now), kind__in=kinds)
    # A read first: on SQLite an idle worker must not take the write lock five times a second.
    if limit < 1 or not due.exists():
        return []
    owner = uuid.uuid4()
    with transaction.atomic():
        lanes = list(due.select_for_update(skip_locked=True).order_by("due_at")[:limit])
        Lane.objects.filter(pk__in=[lane.pk for lane in lanes]).update(
            owner=owner, lease_until=now + settings.WORKER_LEASE
        )
    return [Lease(lane.pk, lane.kind, lane.key, owner, lane.token, lane.failures) for lane in lanes]
