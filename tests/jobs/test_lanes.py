"""Lanes are processed by one worker at a time, the holder of the lease."""

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from omnichannel.jobs.lanes import Lease, claim_lanes, enqueue
from omnichannel.jobs.models import Lane
from tests.concurrency import run_concurrently
from tests.conftest import NOON

pytestmark = pytest.mark.django_db

ONE_SECOND = dt.timedelta(seconds=1)


def claim_one() -> Lease:
    [lease] = claim_lanes(["send"], 1)
    return lease


def test_enqueueing_twice_creates_one_lane(clock: Any) -> None:
    enqueue("send", 7)
    enqueue("send", 7)
    assert [lease.key for lease in claim_lanes(["send"], 10)] == [7]
    assert claim_lanes(["send"], 10) == []


def test_each_kind_has_its_own_lane(clock: Any) -> None:
    enqueue("send", 7)
    enqueue("media", 7)
    assert [lease.kind for lease in claim_lanes(["media"], 10)] == ["media"]


def test_enqueue_is_rolled_back_with_its_transaction(clock: Any) -> None:
    with transaction.atomic():
        enqueue("send", 7)
        transaction.set_rollback(True)
    assert not Lane.objects.exists()


def test_the_longest_due_comes_first_and_no_more_than_asked_for(clock: Any) -> None:
    for key in (3, 1, 2):
        enqueue("send", key, at=NOON - key * ONE_SECOND)
    assert [lease.key for lease in claim_lanes(["send"], 2)] == [3, 2]
    assert claim_lanes(["send"], 0) == []


def test_lane_not_yet_due_is_not_claimed(clock: Any) -> None:
    enqueue("send", 7, at=NOON + ONE_SECOND)
    assert claim_lanes(["send"], 1) == []
    clock.shift(1)
    assert claim_one().key == 7


def test_finished_lane_is_deleted(clock: Any) -> None:
    enqueue("send", 7)
    claim_one().finish(None)
    assert not Lane.objects.exists()


def test_postponed_lane_is_due_at_its_time(clock: Any) -> None:
    enqueue("send", 7)
    claim_one().finish(NOON + 30 * ONE_SECOND)
    assert claim_lanes(["send"], 1) == []
    clock.shift(30)
    assert claim_one().key == 7


@pytest.mark.parametrize("due", [None, NOON + 3600 * ONE_SECOND])
def test_lane_enqueued_while_leased_runs_again(clock: Any, due: dt.datetime | None) -> None:
    enqueue("send", 7)
    lease = claim_one()
    enqueue("send", 7)
    assert claim_lanes(["send"], 1) == []
    lease.finish(due)
    assert claim_one().key == 7


@pytest.mark.parametrize("moments", [(5, 30), (30, 5)])
def test_of_several_moments_the_earliest_counts(clock: Any, moments: tuple[int, int]) -> None:
    for seconds in moments:
        enqueue("send", 7, at=NOON + seconds * ONE_SECOND)
    clock.shift(5)
    assert claim_one().key == 7


@pytest.mark.parametrize("due", [None, NOON + 3600 * ONE_SECOND])
def test_lane_enqueued_for_later_while_leased_is_due_then(clock: Any, due: dt.datetime | None) -> None:
    enqueue("send", 7)
    lease = claim_one()
    enqueue("send", 7, at=NOON + 5 * ONE_SECOND)
    lease.finish(due)
    assert claim_lanes(["send"], 1) == []
    clock.shift(5)
    assert claim_one().key == 7


def test_expired_lease_is_claimed_even_if_enqueued_for_later(clock: Any) -> None:
    enqueue("send", 7)
    claim_one()
    enqueue("send", 7, at=NOON + 3600 * ONE_SECOND)
    clock.shift(settings.WORKER_LEASE_DURATION + ONE_SECOND)
    assert claim_one().key == 7


def test_expired_lease_is_taken_over(clock: Any) -> None:
    enqueue("send", 7)
    dead = claim_one()
    clock.shift(settings.WORKER_LEASE_DURATION)
    assert claim_lanes(["send"], 1) == []
    clock.shift(ONE_SECOND)
    alive = claim_one()
    assert (dead.renew(), alive.renew()) == (False, True)


def test_renewed_lease_does_not_expire(clock: Any) -> None:
    enqueue("send", 7)
    lease = claim_one()
    for _ in range(5):
        clock.shift(settings.WORKER_LEASE_DURATION - ONE_SECOND)
        assert lease.renew()
    assert claim_lanes(["send"], 1) == []


@pytest.mark.parametrize("due", [None, NOON])
def test_a_stale_finish_is_harmless(clock: Any, due: dt.datetime | None) -> None:
    enqueue("send", 7)
    dead = claim_one()
    clock.shift(settings.WORKER_LEASE_DURATION + ONE_SECOND)
    alive = claim_one()
    dead.finish(due)
    assert Lane.objects.get().owner == alive.owner
    assert claim_lanes(["send"], 1) == []


def test_attempts_increase_on_claim_and_reset_after_success(clock: Any) -> None:
    enqueue("send", 7)
    claim_one().finish(NOON, attempts=3)
    lease = claim_one()
    assert lease.attempts == 4
    lease.finish(NOON)
    assert claim_one().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_claim_at_once_share_the_lanes_out() -> None:
    for key in range(30):
        enqueue("send", key)
    outcomes = run_concurrently(*[lambda: claim_lanes(["send"], 5)] * 6)
    keys = [lease.key for leases in outcomes for lease in leases]
    assert len(keys) == len(set(keys))
    keys += [lease.key for lease in claim_lanes(["send"], 30)]
    assert sorted(keys) == list(range(30))


@pytest.mark.django_db(transaction=True)
def test_many_that_enqueue_at_once_make_one_lane() -> None:
    assert run_concurrently(*[lambda: enqueue("send", 7)] * 12) == [None] * 12
    assert Lane.objects.get().due_at <= timezone.now()
