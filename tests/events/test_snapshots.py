"""A reader that keeps its last snapshot gets each event once."""

import pytest
from django.db import connection

from omnichannel.events import snapshots
from omnichannel.events.models import Event
from omnichannel.events.publish import publish
from omnichannel.events.snapshots import Snapshot

pytestmark = pytest.mark.django_db(transaction=True)


def subjects(events: list[Event]) -> list[int]:
    return [event.subject_id for event in events]


def test_what_is_published_between_two_snapshots_is_new() -> None:
    publish("message", 1, topics=["all"])
    before = snapshots.take_snapshot()
    publish("message", 2, topics=["all"])
    publish("message", 3, topics=["all"])
    now = snapshots.take_snapshot()
    publish("message", 4, topics=["all"])
    assert subjects(snapshots.fetch_new_events(before, now, limit=10)) == [2, 3]
    assert snapshots.fetch_new_events(now, now, limit=10) == []


def test_the_newest_events_after_a_position_are_returned_in_order() -> None:
    for number in range(4):
        publish("message", number, topics=["all"])
    now = snapshots.take_snapshot()
    assert subjects(snapshots.fetch_events_after(0, now, limit=3)) == [1, 2, 3]


def test_an_event_of_another_cluster_is_never_new() -> None:
    """A table restored from a dump has transaction ids of the cluster it was made in."""
    before = snapshots.take_snapshot()
    publish("message", 1, topics=["all"])
    if connection.vendor == "postgresql":
        Event.objects.update(transaction_id=10**15)
    else:
        before = snapshots.take_snapshot()
    publish("message", 2, topics=["all"])
    now = snapshots.take_snapshot()
    assert subjects(snapshots.fetch_new_events(before, now, limit=10)) == [2]


def test_the_position_is_before_the_oldest_transaction_in_progress() -> None:
    assert Snapshot(start=10, end=20, in_progress=(10, 15)).position == 9
