"""Time limit for responses.

Twilio waits 15 seconds for a webhook and tries again after a 5xx, but not after a timeout. A health check that hangs
is of no use to its probe.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]

UNAVAILABLE_HEADERS = [(b"content-length", b"0"), (b"retry-after", b"5")]


class ResponseDeadlineMiddleware:
    """ASGI middleware that answers 503 when the application has not begun to answer after `seconds`.

    The application keeps running: a webhook stored late is recognized as a repeat when Twilio delivers it again.
    """

    def __init__(self, app: Any, seconds: float) -> None:
        self._app, self._timeout = app, seconds

    async def __call__(self, scope: ASGIMessage, receive: Receive, send: Send) -> None:
        has_begun = has_expired = False

        async def send_in_time(message: ASGIMessage) -> None:
            nonlocal has_begun
            if not has_expired:
                has_begun = True
                await send(message)

        task = asyncio.create_task(self._app(scope, receive, send_in_time))
        try:
            await asyncio.wait({task}, timeout=self._timeout)
            if not has_begun and not task.done():
                has_expired = True
                await send({"type": "http.response.start", "status": 503, "headers": UNAVAILABLE_HEADERS})
                await send({"type": "http.response.body", "body": b""})
            await task
        finally:
            task.cancel()
