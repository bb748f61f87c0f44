"""Background worker: claims lanes and periodic jobs and runs their handlers."""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from omnichannel.jobs import lanes
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import JobSchedule

ItemT = TypeVar("ItemT")
logger = logging.getLogger(__name__)

# Processes the lane and returns when to process it again; None when no work is left.
LaneFunction = Callable[[Lease], datetime | None]

POLL_SECONDS = lanes.WAKEUP_HORIZON.total_seconds()  # without a wake-up
MIN_PAUSE_SECONDS = 0.01  # between two rounds, however many wake-ups there are
RETRY_SECONDS = 1.0
MAX_BACKOFF = timedelta(minutes=5)
MAX_ATTEMPTS = 7  # about a minute when each attempt fails immediately
# Work without progress for this long is considered stuck; no single call of a handler takes longer.
STUCK_AFTER_SECONDS = 300.0
NEVER_FINISHED_ERROR = "The job did not finish because the worker hung or stopped in each of the last attempts."


@dataclass(frozen=True)
class LaneHandler:
    """Handler for one kind of lane, and the policy when it keeps failing.

    Attributes:
        run: processes the lane.
        limits_attempts: give up after MAX_ATTEMPTS, so that an item (a file, a conversation) that fails, hangs or
            kills the worker does not do so for ever. False for replies and for lanes that serve all conversations.
        on_give_up: receives the lane's key and marks the item as failed; the lane is then deleted. Without it the lane
            stays, and the administration lists it.
    """

    run: LaneFunction
    limits_attempts: bool = True
    on_give_up: Callable[[int], object] | None = None


@dataclass(frozen=True)
class PeriodicJob:
    """A job that runs at an interval, in one worker at a time."""

    name: str
    interval: timedelta
    run: Callable[[], object]


@dataclass
class _RunningWork:
    """A piece of work in a thread, and when it last made progress (monotonic seconds)."""

    name: str
    progress_at: float = field(default_factory=time.monotonic)

    def record_progress(self) -> None:
        self.progress_at = time.monotonic()

    @property
    def is_stuck(self) -> bool:
        return time.monotonic() - self.progress_at > STUCK_AFTER_SECONDS


class Worker:
    """Run handlers in threads until asked to stop. Any number of workers may run at once.

    Each kind of lane has its own `threads`, and each periodic job has one: slow media, or a job that waits for Twilio,
    never delays a reply. `send_heartbeat` is called while the loop runs and no work is stuck; the watchdog ends the
    process when the heartbeats stop.
    """

    def __init__(
        self,
        handlers: Mapping[str, LaneHandler],
        periodic: Sequence[PeriodicJob],
        *,
        threads: int = 8,
        send_heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        self.handlers, self.periodic, self.threads = handlers, periodic, threads
        self.stop_requested = False
        self._send_heartbeat = send_heartbeat
        self._leases: dict[Future[None], Lease] = {}
        self._job_futures: dict[str, Future[None]] = {}
        self._running_work: dict[int, _RunningWork] = {}
        self._next_renewal = 0.0
        # Not a threading.Event: a signal handler that sets it while the same thread waits for it can deadlock.
        self._wakeups: SimpleQueue[None] = SimpleQueue()

    def wake(self) -> None:
        """Look for work now. May be called in any thread and in a signal handler."""
        self._wakeups.put(None)

    def stop(self) -> None:
        """Let running work finish, then return from `run_forever`."""
        self.stop_requested = True
        self.wake()

    def run_forever(self) -> None:
        """Claim and run work until `stop`; keep trying while the database does not answer."""
        threads = self.threads * len(self.handlers) + len(self.periodic)
        with ThreadPoolExecutor(threads, thread_name_prefix="work") as pool:
            while not self.stop_requested or self._has_running_work():
                try:
                    pause = self._run_once(pool)
                except Error:
                    logger.exception("The database did not answer; trying again.")
                    connection.close()
                    time.sleep(RETRY_SECONDS)
                    pause = 0.0
                time.sleep(MIN_PAUSE_SECONDS)
                self._wait_for_wakeup(pause)

    def _wait_for_wakeup(self, seconds: float) -> None:
        """Wait for one; take all there are, because the next round looks for everything."""
        with contextlib.suppress(Empty):
            self._wakeups.get(timeout=seconds)
            while True:
                self._wakeups.get_nowait()

    def _run_once(self, pool: ThreadPoolExecutor) -> float:
        """Renew leases and start due work; after `stop`, only renew leases.

        Returns:
            The seconds until more work is due, at most POLL_SECONDS.
        """
        self._send_heartbeat_unless_stuck()
        now = time.monotonic()
        if now >= self._next_renewal:
            self._renew_leases()
            self._add_missing_jobs()
            self._next_renewal = now + settings.WORKER_LEASE_DURATION.total_seconds() / 4
        next_at = None if self.stop_requested else self._start_due_work(pool)
        return POLL_SECONDS if next_at is None else max((next_at - timezone.now()).total_seconds(), 0)

    def _send_heartbeat_unless_stuck(self) -> None:
        stuck = [work for work in list(self._running_work.values()) if work.is_stuck]
        if not stuck:
            self._send_heartbeat()
        elif not self.stop_requested:
            names = ", ".join(work.name for work in stuck)
            logger.critical("No progress for %.0f s in: %s. The worker will be replaced.", STUCK_AFTER_SECONDS, names)
            self.stop()

    def _has_running_work(self) -> bool:
        self._leases = {future: lease for future, lease in self._leases.items() if not future.done()}
        self._job_futures = {name: future for name, future in self._job_futures.items() if not future.done()}
        return bool(self._leases or self._job_futures)

    def _renew_leases(self) -> None:
        for future, lease in list(self._leases.items()):
            if not future.done():
                lease.renew()
                self._send_heartbeat_unless_stuck()

    def _start_due_work(self, pool: ThreadPoolExecutor) -> datetime | None:
        """Start what is due; return when more will be, None when not soon."""
        due = lanes.get_due_work()
        if due.kinds or due.jobs:
            self._has_running_work()
        for kind in due.kinds & self.handlers.keys():
            busy = sum(lease.kind == kind for lease in self._leases.values())
            for lease in lanes.claim_lanes([kind], self.threads - busy):
                self._leases[self._submit(pool, self._run_lane, lease)] = lease
        for job in self.periodic:
            if job.name in due.jobs and job.name not in self._job_futures and self._claim_job(job, timezone.now()):
                self._job_futures[job.name] = self._submit(pool, self._run_job, job)
        return due.next_at

    def _submit(self, pool: ThreadPoolExecutor, function: Callable[[ItemT], None], item: ItemT) -> "Future[None]":
        """Run the function in a thread; afterwards there may be more work in the lane, and a thread for it."""
        future = pool.submit(function, item)
        future.add_done_callback(lambda _: self.wake())
        return future

    def _add_missing_jobs(self) -> None:
        known = set(JobSchedule.objects.values_list("name", flat=True))
        missing = [JobSchedule(name=job.name, next_at=timezone.now()) for job in self.periodic if job.name not in known]
        JobSchedule.objects.bulk_create(missing, ignore_conflicts=True)

    @staticmethod
    def _claim_job(job: PeriodicJob, now: datetime) -> bool:
        due = JobSchedule.objects.filter(name=job.name, next_at__lte=now)
        return due.update(next_at=now + job.interval) == 1

    def _run_lane(self, lease: Lease) -> None:
        close_old_connections()
        handler, running = self.handlers[lease.kind], _RunningWork(f"lane {lease.kind} {lease.key}")
        self._running_work[id(running)] = running

        def is_stopping() -> bool:
            running.record_progress()
            return self.stop_requested

        try:
            if handler.limits_attempts and lease.attempts > MAX_ATTEMPTS:
                self._give_up(handler, lease, NEVER_FINISHED_ERROR)
            else:
                lease.finish(handler.run(replace(lease, is_stopping=is_stopping)))
        except Exception as error:  # whatever went wrong, the lane must be released and retried
            logger.exception("Work in lane %s %s failed.", lease.kind, lease.key)
            connection.close()
            self._schedule_retry(handler, lease, f"{type(error).__name__}: {error}"[:1000])
        finally:
            del self._running_work[id(running)]

    def _schedule_retry(self, handler: LaneHandler, lease: Lease, error: str) -> None:
        if handler.limits_attempts and lease.attempts >= MAX_ATTEMPTS:
            self._give_up(handler, lease, error)
            return
        back_off = min(timedelta(seconds=2 ** min(lease.attempts - 1, 20)), MAX_BACKOFF)
        lease.finish(timezone.now() + back_off, attempts=lease.attempts, error=error)

    @staticmethod
    def _give_up(handler: LaneHandler, lease: Lease, error: str) -> None:
        logger.error("Work in lane %s %s is given up after %s attempts.", lease.kind, lease.key, MAX_ATTEMPTS)
        if handler.on_give_up is None:
            lease.give_up(error)
        else:
            handler.on_give_up(lease.key)
            lease.finish(None)

    def _run_job(self, job: PeriodicJob) -> None:
        close_old_connections()
        running = _RunningWork(f"periodic job {job.name}")
        self._running_work[id(running)] = running
        try:
            job.run()
        except Exception:  # one failing job must not end the worker; it runs again at its interval
            logger.exception("The periodic job %s failed.", job.name)
            connection.close()
        finally:
            del self._running_work[id(running)]
