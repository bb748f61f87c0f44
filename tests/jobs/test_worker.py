"""The worker's loop with real threads and handlers of the tests."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from django.utils import timezone

from omnichannel.core.wakeups import Channel, start_listener, start_sender, stop_sender
from omnichannel.jobs.lanes import Lease, enqueue
from omnichannel.jobs.models import JobSchedule, Lane
from omnichannel.jobs.worker import LaneHandler, PeriodicJob, Worker
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT_SECONDS = 20.0


@contextlib.contextmanager
def run_workers(*workers: Worker) -> Iterator[list[threading.Thread]]:
    """Run the workers while the block runs; they must stop when told to."""

    def run(worker: Worker) -> None:
        try:
            worker.run_forever()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[worker], daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(TIMEOUT_SECONDS)
        assert not any(thread.is_alive() for thread in threads)


class RecordingHandler:
    """Record the leases and set an event after the expected number."""

    def __init__(self, expected_count: int, handler: Callable[[Lease, int], datetime | None] | None = None) -> None:
        self.leases: list[Lease] = []
        self.expected_count, self.done, self._call_numbers, self.handler = (
            expected_count,
            threading.Event(),
            count(1),
            handler,
        )

    def __call__(self, lease: Lease) -> datetime | None:
        self.leases.append(lease)
        try:
            return self.handler(lease, next(self._call_numbers)) if self.handler else None
        finally:
            if len(self.leases) >= self.expected_count:
                self.done.set()
            connection.close()


def test_lanes_are_worked_in_by_their_handlers() -> None:
    handler = RecordingHandler(3)
    for key in range(3):
        enqueue("send", key)
    enqueue("unknown", 1)
    with run_workers(Worker({"send": LaneHandler(handler)}, [])):
        assert handler.done.wait(TIMEOUT_SECONDS)
    assert sorted(lease.key for lease in handler.leases) == [0, 1, 2]
    assert [lane.kind for lane in Lane.objects.all()] == ["unknown"]


def test_one_lane_is_worked_in_by_one_at_a_time_however_many_workers_there_are() -> None:
    inside, overlaps = threading.Lock(), []

    def steps(lease: Lease, number: int) -> datetime | None:
        free = inside.acquire(blocking=False)
        overlaps.extend([] if free else [number])
        threading.Event().wait(0.01)
        if free:
            inside.release()
        return timezone.now() if number < 10 else None

    handler = RecordingHandler(10, steps)
    enqueue("send", 1)
    with run_workers(Worker({"send": LaneHandler(handler)}, []), Worker({"send": LaneHandler(handler)}, [])):
        assert handler.done.wait(TIMEOUT_SECONDS)
    assert (overlaps, len(handler.leases)) == ([], 10)


def test_a_handler_that_fails_is_tried_again_later() -> None:
    def fails(lease: Lease, number: int) -> datetime | None:
        raise RuntimeError("Something is wrong with this piece of work.")

    handler = RecordingHandler(1, fails)
    enqueue("send", 1)
    with run_workers(Worker({"send": LaneHandler(handler)}, [])):
        assert handler.done.wait(TIMEOUT_SECONDS)
    lane = Lane.objects.get()
    assert (lane.attempts, lane.owner) == (1, None)
    assert lane.due_at > timezone.now() - timedelta(seconds=1)


def test_failing_lane_does_not_block_others() -> None:
    def fails(lease: Lease, number: int) -> datetime | None:
        if lease.key == 1:
            raise RuntimeError
        return None

    handler = RecordingHandler(2, fails)
    enqueue("send", 1)
    enqueue("send", 2)
    with run_workers(Worker({"send": LaneHandler(handler)}, [])):
        assert handler.done.wait(TIMEOUT_SECONDS)
    assert [lane.key for lane in Lane.objects.all()] == [1]


def test_a_periodic_job_is_run_by_one_of_several_workers() -> None:
    runs, ran = [], threading.Event()

    def run() -> None:
        runs.append(threading.get_ident())
        ran.set()
        connection.close()

    JobSchedule.objects.create(name="sweep", next_at=timezone.now())
    jobs = [PeriodicJob("sweep", timedelta(hours=1), run)]
    with run_workers(*[Worker({}, jobs) for _ in range(3)]):
        assert ran.wait(TIMEOUT_SECONDS)
        threading.Event().wait(0.3)  # The other workers have had their chance.
    assert len(runs) == 1
    assert JobSchedule.objects.get().next_at > timezone.now() + timedelta(minutes=59)


def test_concurrent_workers_claim_a_periodic_job_once() -> None:
    now = timezone.now()
    job = PeriodicJob("sweep", timedelta(hours=1), lambda: None)
    JobSchedule.objects.create(name="sweep", next_at=now)
    assert sorted(run_concurrently(*[lambda: Worker._claim_job(job, now)] * 6)) == [False] * 5 + [True]


def test_failed_periodic_job_runs_again() -> None:
    runs, twice = count(1), threading.Event()

    def run() -> None:
        number = next(runs)
        connection.close()
        if number >= 2:
            twice.set()
        raise RuntimeError

    with run_workers(Worker({}, [PeriodicJob("sweep", timedelta(milliseconds=1), run)])):
        assert twice.wait(TIMEOUT_SECONDS)


def test_an_idle_worker_stops_promptly() -> None:
    worker = Worker({"send": LaneHandler(RecordingHandler(1))}, [])
    with run_workers(worker) as [thread]:
        worker.stop()
        thread.join(2)
        assert not thread.is_alive()


def test_a_worker_that_is_stopped_finishes_what_it_has_begun() -> None:
    handler_started, go_on, finished = threading.Event(), threading.Event(), threading.Event()

    def slowly(lease: Lease) -> datetime | None:
        handler_started.set()
        assert go_on.wait(TIMEOUT_SECONDS)
        finished.set()
        connection.close()
        return None

    enqueue("send", 1)
    worker = Worker({"send": LaneHandler(slowly)}, [])
    with run_workers(worker):
        assert handler_started.wait(TIMEOUT_SECONDS)
        worker.stop()
        go_on.set()
    assert finished.is_set()
    assert not Lane.objects.exists()


def test_a_worker_whose_connection_was_cut_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, claim, cut = RecordingHandler(1), Worker._start_due_work, threading.Event()

    def cut_off_once(self: Worker, pool: object) -> datetime | None:
        if not cut.is_set():
            cut.set()
            connection.ensure_connection()
            connection.connection.close()
        return claim(self, pool)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "_start_due_work", cut_off_once)
    enqueue("send", 1)
    with run_workers(Worker({"send": LaneHandler(handler)}, [])):
        assert handler.done.wait(TIMEOUT_SECONDS)


@pytest.fixture
def no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers look for work only after wake-ups and when work is due."""
    monkeypatch.setattr("omnichannel.jobs.worker.POLL_SECONDS", 3600.0)


class ObservedWorker(Worker):
    """A worker that says when it waits."""

    def __init__(self, handlers: Mapping[str, LaneHandler]) -> None:
        super().__init__(handlers, [])
        self.is_waiting = threading.Event()

    def _wait_for_wakeup(self, seconds: float) -> None:
        self.is_waiting.set()
        super()._wait_for_wakeup(seconds)
        self.is_waiting.clear()


@contextlib.contextmanager
def run_waiting_worker(worker: ObservedWorker) -> Iterator[None]:
    """Run the worker as `run_worker` does; the block begins when it has found nothing to do and waits."""
    is_listening = threading.Event()

    def wake() -> None:
        worker.wake()
        is_listening.set()

    start_sender()
    listener = start_listener({Channel.LANES}, wake)
    try:
        with run_workers(worker):
            assert is_listening.wait(TIMEOUT_SECONDS)
            worker.is_waiting.clear()
            worker.wake()
            assert worker.is_waiting.wait(TIMEOUT_SECONDS)
            yield
    finally:
        listener.stop()
        stop_sender()


@pytest.mark.usefixtures("no_polling")
def test_a_waiting_worker_is_woken_by_new_work() -> None:
    handler = RecordingHandler(1)
    with run_waiting_worker(ObservedWorker({"send": LaneHandler(handler)})):
        with transaction.atomic():
            enqueue("send", 1)
        assert handler.done.wait(TIMEOUT_SECONDS)
    assert [lease.key for lease in handler.leases] == [1]


@pytest.mark.usefixtures("no_polling")
def test_a_waiting_worker_starts_work_when_it_is_due() -> None:
    handler = RecordingHandler(1)
    enqueue("send", 1, at=timezone.now() + timedelta(milliseconds=300))
    with run_workers(Worker({"send": LaneHandler(handler)}, [])):
        assert handler.done.wait(TIMEOUT_SECONDS)
    assert [lease.key for lease in handler.leases] == [1]


@pytest.mark.usefixtures("no_polling")
def test_work_that_waits_for_a_thread_starts_when_one_is_free() -> None:
    handler = RecordingHandler(5)
    for key in range(5):
        enqueue("send", key)
    with run_workers(Worker({"send": LaneHandler(handler)}, [], threads=1)):
        assert handler.done.wait(TIMEOUT_SECONDS)
    assert sorted(lease.key for lease in handler.leases) == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("no_polling")
def test_a_worker_that_can_start_nothing_of_what_is_due_waits() -> None:
    rounds = count()

    class CountingWorker(Worker):
        def _run_once(self, pool: ThreadPoolExecutor) -> float:
            next(rounds)
            return super()._run_once(pool)

    go_on, handler_started = threading.Event(), threading.Event()

    def wait(lease: Lease) -> datetime | None:
        handler_started.set()
        go_on.wait(TIMEOUT_SECONDS)
        connection.close()
        return None

    enqueue("unknown", 1)
    enqueue("send", 1)
    with run_workers(CountingWorker({"send": LaneHandler(wait)}, [], threads=1)):
        assert handler_started.wait(TIMEOUT_SECONDS)
        enqueue("send", 2)
        go_on.wait(0.3)  # time for a worker that does not wait
        go_on.set()
    assert next(rounds) < 10
