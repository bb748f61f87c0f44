"""The event stream: server-sent events to every open page, as a small ASGI application of its own.

Django's own streaming holds a thread and a database connection for every open response; this holds neither. Events are
hints; a page fetches what changed through the views that check access.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import close_old_connections
from django.http import HttpRequest

from omnichannel.live.hub import Hint, Hub, Listener

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
TopicsFor = Callable[[Any], set[str]]  # handed a signed-in user

KEEP_ALIVE_SECONDS = 15.0
LIFE_SECONDS = (300.0, 360.0)  # with jitter, so that not all pages come back at once
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def signed_in_user(cookies: str) -> AbstractBaseUser | None:
    """Who the session cookie belongs to, checked as Django checks it: the session, the password's hash, is_active."""
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if morsel is None:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(morsel.value)
    user = get_user(request)
    return user if isinstance(user, AbstractBaseUser) else None


class EventStream:
    """`GET /live/`: the hints of every topic the signed-in user may see; 401 for anybody else.

    The session is checked again at every keep-alive, so that a stream ends with the session and its topics follow what
    the user may see.
    """

    def __init__(self, topics_for: TopicsFor) -> None:
        self.hub = Hub()
        self._topics_for = topics_for
        self._checks = ThreadPoolExecutor(2, thread_name_prefix="live-session")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] != "GET":
            return await _refuse(send, 405)
        topics = await self._topics(headers)
        if topics is None or self.hub.closed:
            return await _refuse(send, 503 if topics is not None else 401)
        listener = Listener(topics)
        gone = asyncio.create_task(_until_disconnect(receive))
        try:
            await self.hub.join(listener)
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._write(listener, headers, gone, send)
            await send({"type": "http.response.body", "body": b"event: bye\ndata: {}\n\n", "more_body": False})
        except OSError:
            pass  # the page has gone
        finally:
            self.hub.leave(listener)
            gone.cancel()

    async def _topics(self, headers: dict[str, str]) -> set[str] | None:
        return await asyncio.get_running_loop().run_in_executor(self._checks, self._look_up, headers.get("cookie", ""))

    def _look_up(self, cookies: str) -> set[str] | None:
        close_old_connections()
        user = signed_in_user(cookies)
        return self._topics_for(user) if user else None

    async def _write(self, listener: Listener, headers: dict[str, str], gone: "asyncio.Task[None]", send: Send) -> None:
        written = self.hub.position
        last_id = headers.get("last-event-id", "")
        missed: Iterable[Hint] = await self.hub.since(int(last_id)) if last_id.isdecimal() and len(last_id) < 18 else ()
        await _event(send, "hello", {}, written)
        for hint in missed:
            if listener.wants(hint):
                await _hint(send, hint)
            written = max(written, hint.id)
        ends = time.monotonic() + random.uniform(*LIFE_SECONDS)  # noqa: S311 (no secret)
        while not gone.done() and time.monotonic() < ends:
            try:
                next_hint = await asyncio.wait_for(listener.waiting.get(), KEEP_ALIVE_SECONDS)
            except TimeoutError:
                topics = await self._topics(headers)
                if not topics:
                    return
                listener.topics = topics
                await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})
                continue
            if next_hint is None:
                return
            if next_hint.id > written:
                await _hint(send, next_hint)


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hint(send: Send, hint: Hint) -> None:
    await _event(send, "hint", {"kind": hint.kind, "id": hint.subject_id, "part": hint.part_id}, hint.id)


async def _event(send: Send, name: str, data: dict[str, Any], event_id: int) -> None:
    text = f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
