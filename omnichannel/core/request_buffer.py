"""Requests reach Django's threads only when they have arrived whole.

A thread that waits for the rest of a body is lost to everybody else; a few such requests would stop the server.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]

MAX_BODY_BYTES = 24 * 1024 * 1024  # WhatsApp takes files of up to 16 MB
BODY_TIMEOUT_SECONDS = 60.0  # seconds
MAX_MEMORY_BYTES = 512 * 1024
CHUNK_BYTES = 256 * 1024


class BodyTooLargeError(Exception):
    """The body is larger than anything this product takes."""


class RequestBufferMiddleware:
    """An ASGI application that takes the whole body before it calls the one inside.

    408 for a body that does not arrive within a minute, 413 for one of more than 24 MB.
    """

    def __init__(self, inside: Any) -> None:
        self.app = inside

    async def __call__(self, scope: ASGIMessage, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(max_size=MAX_MEMORY_BYTES) as body:
            try:
                async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                    arrived = await _receive_body(receive, body.write)
            except (TimeoutError, BodyTooLargeError) as error:
                await _send_error(send, 413 if isinstance(error, BodyTooLargeError) else 408)
                return
            if arrived:
                size = body.tell()
                body.seek(0)
                await self.app(scope, _build_replay(body.read, size, receive), send)


async def _receive_body(receive: Receive, write: Callable[[bytes], object]) -> bool:
    """Whether the whole body came before the client was gone."""
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
    left = size
    is_over = False

    async def replay() -> ASGIMessage:
        nonlocal left, is_over
        if is_over:
            return await receive()
        chunk = read(CHUNK_BYTES)
        left -= len(chunk)
        is_over = left <= 0
        return {"type": "http.request", "body": chunk, "more_body": not is_over}

    return replay


async def _send_error(send: Send, status: int) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
