"""Publish live events."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from omnichannel.live.models import LiveEvent

# Any fixed number: every publisher takes the same lock.
PUBLISH_LOCK_ID = 5_190_451


def publish(kind: str, subject_id: int, *, topics: Iterable[str], part_id: int | None = None) -> None:
    """Publish an event in the caller's transaction; pages receive it after the commit.

    Call it last in the transaction: on PostgreSQL it takes a lock that is held until the commit, so that events commit
    in the order of their ids and a reader of "all after 61" can never miss one.

    Args:
        kind: kind of the object that changed.
        subject_id: its primary key.
        topics: names of the topics whose listeners receive the event.
        part_id: primary key of the changed part, such as a message of a conversation.
    """
    publish_many(kind, [(subject_id, topics)], part_id=part_id)


def publish_many(kind: str, hints: Sequence[tuple[int, Iterable[str]]], *, part_id: int | None = None) -> None:
    """Publish events for many objects of one kind, each with its topics, in one statement."""
    if hints and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUBLISH_LOCK_ID])
    LiveEvent.objects.bulk_create(
        LiveEvent(kind=kind, subject_id=subject_id, part_id=part_id, topics=sorted(set(topics)))
        for subject_id, topics in hints
    )


def publish_parts(kind: str, hints: Sequence[tuple[int, int, Iterable[str]]]) -> None:
    """Publish events for many objects of one kind, each with its changed part and its topics, in one statement."""
    if hints and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUBLISH_LOCK_ID])
    LiveEvent.objects.bulk_create(
        LiveEvent(kind=kind, subject_id=subject_id, part_id=part_id, topics=sorted(set(topics)))
        for subject_id, part_id, topics in hints
    )


def delete_old_events() -> None:
    """Delete events older than an hour: a page that was offline that long reloads everything."""
    LiveEvent.objects.filter(created_at__lt=timezone.now() - timedelta(hours=1)).delete()
