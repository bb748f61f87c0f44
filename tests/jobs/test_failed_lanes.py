"""Lanes of one item that keep failing are given up; lanes that serve all items never are."""

import datetime as dt
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from omnichannel.jobs.lanes import Lease, claim_lanes, enqueue, retry_lanes
from omnichannel.jobs.models import Lane
from omnichannel.jobs.worker import MAX_ATTEMPTS, NEVER_FINISHED_ERROR, LaneHandler, Worker, _RunningWork
from omnichannel.worker_jobs import create_worker

pytestmark = pytest.mark.django_db(transaction=True)


def raise_error(lease: Lease) -> dt.datetime | None:
    raise ValueError("The item is broken.")


def run_one_round(worker: Worker) -> None:
    """Run one round of the worker's loop and wait for its threads."""

    def disconnect() -> None:
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        worker._run_once(pool)
        pool.submit(disconnect)


def run_rounds(worker: Worker, clock: Any, rounds: int = 40) -> None:
    for _ in range(rounds):
        run_one_round(worker)
        clock.shift(600)


def claim_and_let_expire(clock: Any) -> None:
    """Claim the lane and let the lease expire, as a killed worker does."""
    assert len(claim_lanes(["item"], 1)) == 1
    clock.shift(settings.WORKER_LEASE_DURATION + dt.timedelta(seconds=1))


def test_item_failing_every_attempt_is_marked_failed_with_its_error(clock: Any) -> None:
    enqueue("item", 7)
    run_rounds(Worker({"item": LaneHandler(raise_error)}, []), clock)
    lane = Lane.objects.get()
    assert (lane.attempts, lane.error) == (MAX_ATTEMPTS, "ValueError: The item is broken.")
    assert lane.given_up_at is not None


def test_item_killing_its_worker_every_time_is_marked_failed_without_another_attempt(clock: Any) -> None:
    enqueue("item", 7)
    for _ in range(MAX_ATTEMPTS):
        claim_and_let_expire(clock)
    leases: list[Lease] = []
    run_one_round(Worker({"item": LaneHandler(lambda lease: leases.append(lease))}, []))
    lane = Lane.objects.get()
    assert (leases, lane.error) == ([], NEVER_FINISHED_ERROR)
    assert lane.given_up_at is not None


def test_on_give_up_handler_is_called_and_the_lane_is_deleted(clock: Any) -> None:
    enqueue("item", 7)
    shown: list[int] = []
    run_rounds(Worker({"item": LaneHandler(raise_error, on_give_up=shown.append)}, []), clock)
    assert (shown, Lane.objects.count()) == ([7], 0)


def test_lane_without_give_up_is_retried_forever(clock: Any) -> None:
    enqueue("everybody", 0)
    run_rounds(Worker({"everybody": LaneHandler(raise_error, limits_attempts=False)}, []), clock)
    lane = Lane.objects.get()
    assert lane.attempts > MAX_ATTEMPTS * 2
    assert lane.given_up_at is None


def test_send_assign_and_offers_lanes_never_give_up() -> None:
    handlers = create_worker().handlers
    assert {kind for kind, handler in handlers.items() if not handler.limits_attempts} == {
        "send",
        "assign",
        "offers",
    }


def test_failed_lane_is_not_claimed_until_it_is_retried(clock: Any) -> None:
    enqueue("item", 7)
    claim_lanes(["item"], 1)[0].give_up("Broken.")
    clock.shift(3600)
    assert claim_lanes(["item"], 1) == []
    assert retry_lanes([Lane.objects.get().pk]) == 1
    assert claim_lanes(["item"], 1)[0].attempts == 1


def test_enqueueing_a_failed_lane_allows_one_more_attempt(clock: Any) -> None:
    enqueue("item", 7)
    for _ in range(MAX_ATTEMPTS - 1):
        claim_and_let_expire(clock)
    claim_lanes(["item"], 1)[0].give_up("Broken.")
    enqueue("item", 7)
    assert claim_lanes(["item"], 1)[0].attempts == MAX_ATTEMPTS


def test_stuck_worker_sends_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[str] = []
    worker = Worker({}, [], send_heartbeat=lambda: beats.append("beat"))
    run_one_round(worker)
    assert beats == ["beat"]
    monkeypatch.setattr("omnichannel.jobs.worker.STUCK_AFTER_SECONDS", -1.0)
    enqueue("item", 7)
    worker._running_work[1] = _RunningWork("lane item 7")
    worker._leases[Future()] = claim_lanes(["item"], 1)[0]
    worker._next_renewal = 0.0
    run_one_round(worker)
    assert beats == ["beat"]
    assert worker.stop_requested
