"""Tell open pages that something changed."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from omnichannel.live.models import LiveEvent

# Any fixed number: every publisher takes the same lock.
PUBLISH_LOCK_ID = 5_190_451


def publish(kind: str, subject_id: int, *, topics: Iterable[str], part_id: int | None = None) -> None:
    """Write the hint in the caller's transaction; readers see it when that commits.

    Call it last in the transaction: on PostgreSQL it takes a lock that is held until the commit, so that events commit
    in the order of their ids and a reader that asks for "all after 61" can never miss one.
    """
    publish_many(kind, [(subject_id, topics)], part_id=part_id)


def publish_many(kind: str, hints: Sequence[tuple[int, Iterable[str]]], *, part_id: int | None = None) -> None:
    """The same for many things of one kind, each with its topics; in one statement, however many there are."""
    if hints and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUBLISH_LOCK_ID])
    LiveEvent.objects.bulk_create(
        LiveEvent(kind=kind, subject_id=subject_id, part_id=part_id, topics=sorted(set(topics)))
        for subject_id, topics in hints
    )


def delete_old_events() -> None:
    """Delete events no page can still be waiting for: a page that was away that long fetches everything anew."""
    LiveEvent.objects.filter(created_at__lt=timezone.now() - timedelta(hours=1)).delete()
