"""Requests that never arrive completely use no worker thread."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from omnichannel.core.network import request_buffer
from omnichannel.core.network.request_buffer import RequestBufferMiddleware

Message = MutableMapping[str, Any]


def send_request(parts: list[Message], *, then_wait: bool = False) -> tuple[list[bytes], list[Message]]:
    """Return the requests the application received and the response of the client."""
    got: list[bytes] = []
    answered: list[Message] = []

    async def inside(scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        got.append(body)

    async def run() -> None:
        waiting = iter(parts)

        async def receive() -> Message:
            if then_wait and len(parts) == read_count[0]:
                await asyncio.Event().wait()
            read_count[0] += 1
            return next(waiting)

        async def send(message: Message) -> None:
            answered.append(message)

        read_count = [0]
        await RequestBufferMiddleware(inside)({"type": "http"}, receive, send)

    asyncio.run(run())
    return got, answered


def body_message(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_reaches_the_application_whole() -> None:
    big = b"x" * (request_buffer.CHUNK_BYTES + 5)
    got, answered = send_request(
        [body_message(b"To=", more=True), body_message(big, more=True), body_message(b"", more=False)]
    )
    assert (got, answered) == ([b"To=" + big], [])


def test_a_request_without_a_body_passes() -> None:
    assert send_request([body_message(b"", more=False)])[0] == [b""]


def test_incomplete_request_body_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_buffer, "BODY_TIMEOUT_SECONDS", 0.01)
    got, answered = send_request([body_message(b"half", more=True)], then_wait=True)
    assert (got, answered[0]["status"]) == ([], 408)


def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_buffer, "MAX_BODY_BYTES", 10)
    got, answered = send_request([body_message(b"12345678", more=True), body_message(b"12345678", more=True)])
    assert (got, answered[0]["status"]) == ([], 413)


def test_a_client_that_goes_away_is_forgotten() -> None:
    assert send_request([body_message(b"half", more=True), {"type": "http.disconnect"}]) == ([], [])
