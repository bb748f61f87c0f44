"""Lanes: work that is done one piece at a time, by whichever worker holds the lease."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from omnichannel.jobs.lanes import Lease, claim_lanes, enqueue
from omnichannel.jobs.models import Lane
from tests.concurrency import at_once

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def one() -> Lease:
    [lease] = claim_lanes(["send"], 1)
    return lease


def test_enqueueing_twice_is_as_good_as_once(clock: Any) -> None:
    enqueue("send", 7)
    enqueue("send", 7)
    assert [lease.key for lease in claim_lanes(["send"], 10)] == [7]
    assert claim_lanes(["send"], 10) == []


def test_kinds_are_lanes_of_their_own(clock: Any) -> None:
    enqueue("send", 7)
    enqueue("media", 7)
    assert [lease.kind for lease in claim_lanes(["media"], 10)] == ["media"]


def test_what_is_enqueued_in_a_transaction_that_fails_was_never_enqueued(clock: Any) -> None:
    with transaction.atomic():
        enqueue("send", 7)
        transaction.set_rollback(True)
    assert not Lane.objects.exists()


def test_the_longest_due_comes_first_and_no_more_than_asked_for(clock: Any) -> None:
    for key in (3, 1, 2):
        enqueue("send", key, at=NOON - key * SECOND)
    assert [lease.key for lease in claim_lanes(["send"], 2)] == [3, 2]
    assert claim_lanes(["send"], 0) == []


def test_what_is_not_due_yet_is_left_alone(clock: Any) -> None:
    enqueue("send", 7, at=NOON + SECOND)
    assert claim_lanes(["send"], 1) == []
    clock.shift(1)
    assert one().key == 7


def test_finished_work_is_gone(clock: Any) -> None:
    enqueue("send", 7)
    one().finish(None)
    assert not Lane.objects.exists()


def test_work_that_has_to_wait_comes_back_at_its_time(clock: Any) -> None:
    enqueue("send", 7)
    one().finish(NOON + 30 * SECOND)
    assert claim_lanes(["send"], 1) == []
    clock.shift(30)
    assert one().key == 7


@pytest.mark.parametrize("due", [None, NOON + 3600 * SECOND])
def test_what_is_enqueued_while_it_is_worked_on_is_looked_at_again(clock: Any, due: dt.datetime | None) -> None:
    enqueue("send", 7)
    lease = one()
    enqueue("send", 7)
    assert claim_lanes(["send"], 1) == []
    lease.finish(due)
    assert one().key == 7


@pytest.mark.parametrize("moments", [(5, 30), (30, 5)])
def test_of_several_moments_the_earliest_counts(clock: Any, moments: tuple[int, int]) -> None:
    for seconds in moments:
        enqueue("send", 7, at=NOON + seconds * SECOND)
    clock.shift(5)
    assert one().key == 7


@pytest.mark.parametrize("due", [None, NOON + 3600 * SECOND])
def test_what_is_enqueued_for_later_while_it_is_worked_on_is_looked_at_then(
    clock: Any, due: dt.datetime | None
) -> None:
    enqueue("send", 7)
    lease = one()
    enqueue("send", 7, at=NOON + 5 * SECOND)
    lease.finish(due)
    assert claim_lanes(["send"], 1) == []
    clock.shift(5)
    assert one().key == 7


def test_what_a_dead_worker_held_is_looked_at_though_it_was_enqueued_for_later(clock: Any) -> None:
    enqueue("send", 7)
    one()
    enqueue("send", 7, at=NOON + 3600 * SECOND)
    clock.shift(settings.WORKER_LEASE + SECOND)
    assert one().key == 7


def test_a_lapsed_lease_is_taken_over(clock: Any) -> None:
    enqueue("send", 7)
    dead = one()
    clock.shift(settings.WORKER_LEASE)
    assert claim_lanes(["send"], 1) == []
    clock.shift(SECOND)
    alive = one()
    assert (dead.keep(), alive.keep()) == (False, True)


def test_a_kept_lease_does_not_lapse(clock: Any) -> None:
    enqueue("send", 7)
    lease = one()
    for _ in range(5):
        clock.shift(settings.WORKER_LEASE - SECOND)
        assert lease.keep()
    assert claim_lanes(["send"], 1) == []


@pytest.mark.parametrize("due", [None, NOON])
def test_a_stale_finish_is_harmless(clock: Any, due: dt.datetime | None) -> None:
    enqueue("send", 7)
    dead = one()
    clock.shift(settings.WORKER_LEASE + SECOND)
    alive = one()
    dead.finish(due)
    assert Lane.objects.get().owner == alive.owner
    assert claim_lanes(["send"], 1) == []


def test_attempts_are_counted_when_a_lane_is_taken_and_forgotten_after_success(clock: Any) -> None:
    enqueue("send", 7)
    one().finish(NOON, attempts=3)
    lease = one()
    assert lease.attempts == 4
    lease.finish(NOON)
    assert one().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_claim_at_once_share_the_lanes_out() -> None:
    for key in range(30):
        enqueue("send", key)
    outcomes = at_once(*[lambda: claim_lanes(["send"], 5)] * 6)
    keys = [lease.key for leases in outcomes for lease in leases]
    assert len(keys) == len(set(keys))
    keys += [lease.key for lease in claim_lanes(["send"], 30)]
    assert sorted(keys) == list(range(30))


@pytest.mark.django_db(transaction=True)
def test_many_that_enqueue_at_once_make_one_lane() -> None:
    assert at_once(*[lambda: enqueue("send", 7)] * 12) == [None] * 12
    assert Lane.objects.get().due_at <= timezone.now()
