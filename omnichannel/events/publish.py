"""Publish events."""

from collections.abc import Iterable, Sequence
from typing import Any

from omnichannel.core.wakeups import Channel, request_wakeup
from omnichannel.events.models import Event


def publish(
    kind: str,
    subject_id: int,
    *,
    topics: Iterable[str],
    part_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Publish an event in the caller's transaction; open pages receive it after the commit.

    Args:
        kind: kind of the object that changed.
        subject_id: its primary key.
        topics: names of the topics whose listeners receive the event.
        part_id: primary key of the changed part, such as a message of a conversation.
        data: small values for other programs that the object itself will not hold any more; never sent to pages.
    """
    _insert([_build(kind, subject_id, topics, part_id, data)])


def publish_many(kind: str, hints: Sequence[tuple[int, Iterable[str]]]) -> None:
    """Publish events for many objects of one kind, each with its topics, in one statement."""
    _insert([_build(kind, subject_id, topics, None, None) for subject_id, topics in hints])


def publish_parts(kind: str, hints: Sequence[tuple[int, int, Iterable[str]]]) -> None:
    """Publish events for many objects of one kind, each with its changed part and its topics, in one statement."""
    _insert([_build(kind, subject_id, topics, part_id, None) for subject_id, part_id, topics in hints])


def _build(
    kind: str, subject_id: int, topics: Iterable[str], part_id: int | None, data: dict[str, Any] | None
) -> Event:
    return Event(kind=kind, subject_id=subject_id, part_id=part_id, topics=sorted(set(topics)), data=data or {})


def _insert(events: list[Event]) -> None:
    if events:
        Event.objects.bulk_create(events)
        request_wakeup(Channel.EVENTS)
