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
    id: int = 0
    data: Any = None

    @classmethod
    def from_text(cls, text: str) -> "StreamEvent":
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
        if not fields:
            return cls("comment")
        return cls(fields["event"], int(fields.get("id", 0)), json.loads(fields["data"]))


class StreamPage:
    """An open page: `async with StreamPage(stream, session) as page`.

    While `may_read` is cleared, the page does not read.
    """

    def __init__(
        self,
        event_stream: EventStream,
        session: str = "",
        *,
        last_id: int = 0,
        rendered_at: float = 0,
        method: str = "GET",
    ) -> None:
        cookie = [(b"cookie", f"sessionid={session}".encode())] if session else []
        last_id_headers = [(b"last-event-id", str(last_id).encode())] if last_id else []
        query = f"since={int(rendered_at)}".encode() if rendered_at else b""
        address = {"path": "/live/", "query_string": query}
        self.scope = {"type": "http", "method": method, **address, "headers": [*cookie, *last_id_headers]}
        self.stream, self.may_read, self.closed = event_stream, asyncio.Event(), asyncio.Event()
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
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
                if comments or event.event != "comment":
                    return event

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
