"""Hub: one reader of the event table for all event streams of this process."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import Error, close_old_connections, connection

from omnichannel.events import snapshots
from omnichannel.events.models import Event
from omnichannel.events.snapshots import Snapshot

ResultT = TypeVar("ResultT")
logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0  # without a wake-up
MIN_PAUSE_SECONDS = 0.02  # between two reads, however many wake-ups there are
RETRY_SECONDS = 1.0
MAX_NEW_EVENTS = 10_000  # events of one read; more end all streams, and the pages reload everything
BATCH_SIZE = 500  # events queued before the streams get time to write
MAX_MISSED_EVENTS = 1000  # events replayed to a page that reconnects; it reloads everything anyway
MAX_BACKLOG = 1000  # events a slow page may lag before its stream is ended; it then reconnects and resumes


@dataclass(frozen=True)
class Hint:
    """An event as it is sent to pages."""

    id: int
    kind: str
    subject_id: int
    part_id: int | None
    topics: frozenset[str]


@dataclass(eq=False)
class Listener:
    """One stream: its topics and the queue of hints to write to it. `None` in the queue ends the stream."""

    topics: set[str]
    queue: asyncio.Queue[Hint | None] = field(default_factory=lambda: asyncio.Queue(MAX_BACKLOG))
    session_checked_at: float = field(default_factory=time.monotonic)  # monotonic time of the last valid check

    def is_subscribed_to(self, hint: Hint) -> bool:
        """Return whether the hint has one of the listener's topics."""
        return not self.topics.isdisjoint(hint.topics)

    def push(self, hint: Hint | None) -> None:
        """Queue a hint; end a listener whose queue is full."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            hint = None
        self.queue.put_nowait(hint)


def _build_hint(event: Event) -> Hint:
    return Hint(event.pk, event.kind, event.subject_id, event.part_id, frozenset(event.topics))


def _fetch_new_hints(before: Snapshot) -> tuple[Snapshot, list[Hint]]:
    database_connection = connection.connection
    now = snapshots.take_snapshot()
    if connection.connection is not database_connection:  # it was lost, and Django has connected again
        before = before.rewind()
    events = [] if now == before else snapshots.fetch_new_events(before, now, limit=MAX_NEW_EVENTS + 1)
    return now, [_build_hint(event) for event in events]


def _fetch_missed_hints(position: int, now: Snapshot) -> list[Hint]:
    events = snapshots.fetch_events_after(position, now, limit=MAX_MISSED_EVENTS)
    return [_build_hint(event) for event in events]


def _run_in_reader_thread(function: Callable[..., ResultT], *arguments: object) -> ResultT:
    """Run a query with this thread's connection; replace the connection after an error.

    Django's connections belong to the thread that looks them up. `connection.close` looked up on the event loop would
    be the loop's connection, and Django refuses to close it here.
    """
    close_old_connections()
    try:
        return function(*arguments)
    except Error:
        connection.close()
        raise


class Hub:
    """Read new events while there are listeners, and pass each to the listeners of its topics.

    Each event is passed on as soon as it is visible. `snapshot` is that of the last read whose events have all been
    passed on; its position is where a page that has received them may resume.
    """

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.is_closed = False
        self.snapshot = Snapshot(0, 0)
        self._poll_task: asyncio.Task[None] | None = None
        # One thread, so one database connection, however many streams there are.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")
        # Held while the events of a read are passed on: who subscribes meanwhile would receive only some of them.
        self._subscribe_lock = asyncio.Lock()
        self._wakeup = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def subscribe(self, listener: Listener) -> Snapshot:
        """Add a listener; it receives every event that is not visible in the returned snapshot."""
        async with self._subscribe_lock:
            if self._poll_task is None or self._poll_task.done():
                self.snapshot = await self._run_query(snapshots.take_snapshot)
                self._loop = asyncio.get_running_loop()
                self._poll_task = asyncio.create_task(self._poll_events())
            self.listeners.add(listener)
            if self.is_closed:
                listener.push(None)
            return self.snapshot

    def wake(self) -> None:
        """Read new events now. May be called in any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: the server has stopped
                self._loop.call_soon_threadsafe(self._wakeup.set)

    async def get_missed_hints(self, position: int, now: Snapshot) -> list[Hint]:
        """Return the hints after a position that are visible in the snapshot, at most MAX_MISSED_EVENTS."""
        return await self._run_query(_fetch_missed_hints, position, now)

    async def find_position_before(self, moment: datetime) -> int | None:
        """Return the position before all events created since a moment; None when there are none."""
        return await self._run_query(snapshots.find_position_before, moment)

    def unsubscribe(self, listener: Listener) -> None:
        """Remove a listener."""
        self.listeners.discard(listener)

    def close(self) -> None:
        """End every stream, and every later one as soon as it subscribes."""
        self.is_closed = True
        self._end_streams()

    def _end_streams(self) -> None:
        for listener in self.listeners:
            listener.push(None)

    async def _run_query(self, function: Callable[..., ResultT], *arguments: object) -> ResultT:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _run_in_reader_thread, function, *arguments)

    async def _poll_events(self) -> None:
        """Pass events on while there are listeners. Errors must not end it: pages would get no more events."""
        while self.listeners:
            self._wakeup.clear()  # before the read: a wake-up during it leads to another one
            try:
                await self._poll_once()
            except Error as error:
                logger.warning("Could not read live events; trying again: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # keep polling whatever went wrong: nothing else would restart it
                logger.exception("Could not dispatch live events; trying again.")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(MIN_PAUSE_SECONDS)
                await self._wait_for_wakeup()

    async def _wait_for_wakeup(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wakeup.wait(), POLL_SECONDS)

    async def _poll_once(self) -> None:
        now, hints = await self._run_query(_fetch_new_hints, self.snapshot)
        async with self._subscribe_lock:
            if len(hints) > MAX_NEW_EVENTS:
                self._end_streams()
            else:
                await self._dispatch_all(hints)
            self.snapshot = now

    async def _dispatch_all(self, hints: Sequence[Hint]) -> None:
        for number, hint in enumerate(hints, start=1):
            self.dispatch(hint)
            if number % BATCH_SIZE == 0:
                await asyncio.sleep(0)  # let the streams write

    def dispatch(self, hint: Hint) -> None:
        """Push a hint to every listener of one of its topics."""
        for listener in self.listeners:
            if listener.is_subscribed_to(hint):
                listener.push(hint)
