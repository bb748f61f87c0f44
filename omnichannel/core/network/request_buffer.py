"""Buffering of request bodies: a request reaches Django's threads only when it is complete.

A thread that waits for the rest of a body serves nobody else; a few slow requests would block the server.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]

MAX_BODY_BYTES = 24 * 1024 * 1024  # WhatsApp takes files of up to 16 MB
BODY_TIMEOUT_SECONDS = 60.0
MAX_MEMORY_BYTES = 512 * 1024
CHUNK_BYTES = 256 * 1024


class BodyTooLargeError(Exception):
    """The request body exceeds MAX_BODY_BYTES."""


class RequestBufferMiddleware:
    """ASGI middleware that receives the whole body before it calls the application.

    Answers 408 when the body does not arrive within a minute, and 413 when it is larger than 24 MB.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: ASGIMessage, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(max_size=MAX_MEMORY_BYTES) as body:
            try:
                async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                    is_complete = await _receive_body(receive, body.write)
            except (TimeoutError, BodyTooLargeError) as error:
                await _send_error(send, 413 if isinstance(error, BodyTooLargeError) else 408)
                return
            if is_complete:
                size = body.tell()
                body.seek(0)
                await self.app(scope, _build_replay(body.read, size, receive), send)


async def _receive_body(receive: Receive, write: Callable[[bytes], object]) -> bool:
    """Write the body; return False when the client disconnects before it is complete."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise BodyTooLargeError
        write(message.get("body", b""))
        if not message.get("more_body", False):
            return True


def _build_replay(read: Callable[[int], bytes], size: int, receive: Receive) -> Receive:
    remaining = size
    is_finished = False

    async def replay() -> ASGIMessage:
        nonlocal remaining, is_finished
        if is_finished:
            return await receive()
        chunk = read(CHUNK_BYTES)
        remaining -= len(chunk)
        is_finished = remaining <= 0
        return {"type": "http.request", "body": chunk, "more_body": not is_finished}

    return replay


async def _send_error(send: Send, status: int) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
