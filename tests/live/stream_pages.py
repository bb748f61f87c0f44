"""Pages that run the event stream in this process, as a server does, and store the messages."""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.test import Client

from omnichannel.accounts.models import User
from omnichannel.live.stream import EventStream

Result = TypeVar("Result")
TIMEOUT_SECONDS = 10.0  # seconds


def session_cookie_for(user: User) -> str:
    """Return a session cookie of this user."""
    client = Client()
    client.force_login(user, backend="omnichannel.auth.AgentAuthBackend")
    return str(client.cookies["sessionid"].value)


async def run_in_db_thread(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Run a function in a thread with a database connection, and close the connection."""

    def call() -> Result:
        try:
            return function(*arguments, **named)
        finally:
            connection.close()

    return await asyncio.to_thread(call)


@dataclass(frozen=True)
class StreamEvent:
    """An event or a comment of the stream."""

    event: str
    position: int | None = None  # sent only when it has changed
    data: Any = None

    @property
    def id(self) -> int:
        """The id of the event in the table."""
        return int(self.data["event"])

    @classmethod
    def from_text(cls, text: str) -> "StreamEvent":
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
        position = int(fields["id"]) if "id" in fields else None
        if "event" not in fields:
            return cls("comment", position)
        return cls(fields["event"], position, json.loads(fields["data"]))


class StreamPage:
    """An open page: `async with StreamPage(stream, session) as page`.

    While `may_read` is cleared, the page does not read.
    """

    def __init__(
        self,
        event_stream: EventStream,
        session: str = "",
        *,
        position: int | None = None,
        rendered_at: float = 0,
        method: str = "GET",
    ) -> None:
        cookie = [(b"cookie", f"sessionid={session}".encode())] if session else []
        last_id_headers = [] if position is None else [(b"last-event-id", str(position).encode())]
        query = f"since={int(rendered_at)}".encode() if rendered_at else b""
        address = {"path": "/live/", "query_string": query}
        self.scope = {"type": "http", "method": method, **address, "headers": [*cookie, *last_id_headers]}
        self.stream, self.may_read, self.closed = event_stream, asyncio.Event(), asyncio.Event()
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.position = position  # what a browser would send back as Last-Event-ID
        self.may_read.set()

    async def __aenter__(self) -> "StreamPage":
        self.task = asyncio.create_task(self.stream(self.scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed.set()
        self.may_read.set()
        await asyncio.wait_for(self.task, TIMEOUT_SECONDS)

    async def _receive(self) -> dict[str, Any]:
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.may_read.wait()
        self.messages.put_nowait(message)

    async def status(self) -> int:
        return int((await asyncio.wait_for(self.messages.get(), TIMEOUT_SECONDS))["status"])

    async def next_event(self, *, comments: bool = False) -> StreamEvent:
        """Return the next event; comments are skipped unless `comments` is set."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                message = await self.messages.get()
                event = StreamEvent.from_text(message["body"].decode())
                self.position = self.position if event.position is None else event.position
                if comments or event.event != "comment":
                    return event

    async def receive_ids_until(self, event_id: int) -> list[int]:
        """Return the ids of all hints up to this one, in the order of their arrival."""
        received_ids = [0]
        while received_ids[-1] != event_id:
            received_ids.append((await self.next_event()).id)
        return received_ids[1:]

    async def wait_until_open(self) -> "StreamPage":
        """Wait for the first event and return the page."""
        assert await self.status() == 200
        assert (await self.next_event()).event == "hello"
        return self

    async def wait_until_ended(self) -> None:
        """Wait until the server ends the stream."""
        await asyncio.wait_for(asyncio.shield(self.task), TIMEOUT_SECONDS)


def close_pool_connections(pool: ThreadPoolExecutor, threads: int) -> None:
    """Close the database connections of the pool's threads and shut the pool down."""
    barrier = threading.Barrier(threads)

    def close() -> None:
        barrier.wait(TIMEOUT_SECONDS)
        connection.close()

    for future in [pool.submit(close) for _ in range(threads)]:
        future.result()
    pool.shutdown()
