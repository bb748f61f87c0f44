"""Hub: one reader of the event table for all event streams of this process."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import Error, close_old_connections, connection
from django.db.models import Max

from omnichannel.live.models import LiveEvent

ResultT = TypeVar("ResultT")
logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
RETRY_SECONDS = 1.0
BATCH_SIZE = 500
MAX_MISSED_EVENTS = 1000  # events replayed to a page that reconnects; it reloads everything anyway
MAX_BACKLOG = 1000  # events a slow page may lag before its stream is ended; it then reconnects and resumes


@dataclass(frozen=True)
class Hint:
    """A live event as it is sent to pages."""

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


def _build_hint(row: LiveEvent) -> Hint:
    return Hint(row.pk, row.kind, row.subject_id, row.part_id, frozenset(row.topics))


def _fetch_events(after: int) -> list[Hint]:
    rows = LiveEvent.objects.filter(pk__gt=after).order_by("pk")[:BATCH_SIZE]
    return [_build_hint(row) for row in rows]


def _fetch_missed_events(after: int) -> list[Hint]:
    newest = LiveEvent.objects.filter(pk__gt=after).order_by("-pk")[:MAX_MISSED_EVENTS]
    return [_build_hint(row) for row in reversed(newest)]


def _fetch_last_id_before(moment: datetime) -> int | None:
    first = LiveEvent.objects.filter(created_at__gte=moment).order_by("pk").values_list("pk", flat=True).first()
    return None if first is None else first - 1


def _fetch_newest_id() -> int:
    return LiveEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0


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
    """Poll the event table while there are listeners, and pass each event to the listeners of its topics."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.is_closed = False
        self.last_event_id = 0
        self._poll_task: asyncio.Task[None] | None = None
        # One thread, so one database connection, however many streams there are.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._start_lock = asyncio.Lock()

    async def subscribe(self, listener: Listener) -> int:
        """Add a listener; it receives every event after the returned id."""
        async with self._start_lock:
            if self._poll_task is None or self._poll_task.done():
                self.last_event_id = await self._run_query(_fetch_newest_id)
                self._poll_task = asyncio.create_task(self._poll_events())
            self.listeners.add(listener)
            if self.is_closed:
                listener.push(None)
            return self.last_event_id

    async def get_events_after(self, after: int) -> list[Hint]:
        """Return the events published after this one, at most MAX_MISSED_EVENTS."""
        return await self._run_query(_fetch_missed_events, after)

    async def get_last_id_before(self, moment: datetime) -> int | None:
        """Return the id of the last event before a moment; None when nothing has been published since."""
        return await self._run_query(_fetch_last_id_before, moment)

    def unsubscribe(self, listener: Listener) -> None:
        """Remove a listener."""
        self.listeners.discard(listener)

    def close(self) -> None:
        """End every stream, and every later one as soon as it subscribes."""
        self.is_closed = True
        for listener in self.listeners:
            listener.push(None)

    async def _run_query(self, function: Callable[..., ResultT], *arguments: object) -> ResultT:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _run_in_reader_thread, function, *arguments)

    async def _poll_events(self) -> None:
        """Dispatch events while there are listeners. Errors must not end it: pages would get no more events."""
        while self.listeners:
            try:
                is_behind = await self._poll_once()
            except Error as error:
                logger.warning("Could not read live events; trying again: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # keep polling whatever went wrong: nothing else would restart it
                logger.exception("Could not dispatch live events; trying again.")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(0 if is_behind else POLL_SECONDS)

    async def _poll_once(self) -> bool:
        """Dispatch the next events; return whether there may be more."""
        hints: list[Hint] = await self._run_query(_fetch_events, self.last_event_id)
        for hint in hints:
            self.dispatch(hint)
        return len(hints) == BATCH_SIZE

    def dispatch(self, hint: Hint) -> None:
        """Push a hint to every listener of one of its topics."""
        self.last_event_id = hint.id
        for listener in self.listeners:
            if listener.is_subscribed_to(hint):
                listener.push(hint)
