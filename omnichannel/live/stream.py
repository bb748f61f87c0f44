"""The event stream: server-sent events to every open page, as a small ASGI application of its own.

Django's own streaming holds a thread and a database connection for every open response; this holds neither. Events are
hints; a page fetches what changed through the views that check access.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import Error, close_old_connections
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.live.hub import Hint, Hub, Listener

ASGIMessage = MutableMapping[str, Any]
Send = Callable[[ASGIMessage], Awaitable[None]]
Receive = Callable[[], Awaitable[ASGIMessage]]
TopicsFor = Callable[[Any], set[str]]  # handed a signed-in user
OnUserSeen = Callable[[Any], None]  # the same: one of their pages is open

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15.0
# While the database does not answer, a page keeps its stream: nothing can be read that it may not see. For so long.
SESSION_CHECK_TIMEOUT_SECONDS = 5.0
MAX_UNCHECKED_SECONDS = 120.0
WRITE_TIMEOUT_SECONDS = 10.0  # a page that does not take what is written to it for so long is given up
# What a page that has just been rendered may not show yet: its server may have looked a moment before it said when.
RENDER_MARGIN = timedelta(seconds=5)
MAX_PAGE_AGE = timedelta(minutes=1)  # an older page asks for everything anew
STREAM_LIFETIME_SECONDS = (300.0, 360.0)  # with jitter, so that not all pages come back at once
RESPONSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def get_session_user(cookies: str) -> AbstractBaseUser | None:
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

    With Last-Event-ID, everything after that event; with `?since=`, what a page rendered at that second may lack.
    The session is checked again at every keep-alive, so that a stream ends with the session and its topics follow what
    the user may see. `seen` is told then, and at the beginning, that this user has a page open.
    """

    def __init__(self, topics_for: TopicsFor, seen: OnUserSeen = lambda user: None) -> None:
        self.hub = Hub()
        self._get_topics_for_user, self._on_user_seen = topics_for, seen
        self._session_executor = ThreadPoolExecutor(2, thread_name_prefix="live-session")

    async def __call__(self, scope: ASGIMessage, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] != "GET":
            return await _send_empty_response(send, 405)
        try:
            topics = await self._get_topics(headers)
            if not topics or self.hub.is_closed:
                return await _send_empty_response(send, 503 if topics else 401)
            listener = Listener(topics)
            written, missed = await self._subscribe(listener, scope, headers)
        except Error as error:
            logger.warning("A page could not be told of live events because the database did not answer: %s", error)
            return await _send_empty_response(send, 503)
        gone = asyncio.create_task(_end_on_disconnect(receive, listener))
        try:
            await self._write_stream(listener, headers, send, written, missed)
        except OSError:
            pass  # the page has gone, or takes nothing any more
        finally:
            self.hub.unsubscribe(listener)
            gone.cancel()

    async def _get_topics(self, headers: dict[str, str]) -> set[str] | None:
        return await asyncio.get_running_loop().run_in_executor(
            self._session_executor, self._load_topics, headers.get("cookie", "")
        )

    def _load_topics(self, cookies: str) -> set[str] | None:
        close_old_connections()
        user = get_session_user(cookies)
        topics = self._get_topics_for_user(user) if user else None
        if topics:
            self._on_user_seen(user)
        return topics

    async def _subscribe(
        self, listener: Listener, scope: ASGIMessage, headers: dict[str, str]
    ) -> tuple[int, list[Hint]]:
        """Hand events to the listener from now on; returns the last event the page knows and what it missed since."""
        position = await self.hub.subscribe(listener)
        try:
            known = _get_last_event_id(headers)
            if known is None and (rendered := _get_rendered_at(scope)) is not None:
                known = await self.hub.get_last_id_before(rendered - RENDER_MARGIN)
            if known is None or known >= position:
                return position, []
            return known, await self.hub.get_events_after(known)
        except Error:
            self.hub.unsubscribe(listener)
            raise

    async def _write_stream(
        self, listener: Listener, headers: dict[str, str], send: Send, written: int, missed: list[Hint]
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": RESPONSE_HEADERS})
        await _send_event(send, "hello", {}, written)
        for hint in missed:
            written = hint.id
            if listener.is_subscribed_to(hint):
                await _send_hint(send, hint)
        await self._write_new_events(listener, headers, send, written)
        await _send_chunk(send, "event: bye\ndata: {}\n\n", more=False)

    async def _write_new_events(self, listener: Listener, headers: dict[str, str], send: Send, written: int) -> None:
        """Write hints as they come, until the end of the stream's life or of the session."""
        ends = time.monotonic() + random.uniform(*STREAM_LIFETIME_SECONDS)  # noqa: S311 (no secret)
        # The first time anywhere in between: pages that all came back at one moment are not all checked at one.
        check_at = time.monotonic() + random.uniform(0, KEEP_ALIVE_SECONDS)  # noqa: S311 (no secret)
        while (now := time.monotonic()) < ends:
            try:
                hint = await asyncio.wait_for(listener.queue.get(), check_at - now)
            except TimeoutError:
                if not await self._recheck_session(listener, headers):
                    return
                await _send_chunk(send, ": still here\n\n")
                check_at = time.monotonic() + KEEP_ALIVE_SECONDS
                continue
            if hint is None:
                return
            if hint.id > written:
                await _send_hint(send, hint)

    async def _recheck_session(self, listener: Listener, headers: dict[str, str]) -> bool:
        """Check the session again; while the database does not answer, the last check counts for a while."""
        try:
            topics = await asyncio.wait_for(self._get_topics(headers), SESSION_CHECK_TIMEOUT_SECONDS)
        except (Error, TimeoutError):
            logger.info("A page's session could not be checked because the database did not answer.")
            return time.monotonic() - listener.session_checked_at < MAX_UNCHECKED_SECONDS
        listener.topics, listener.session_checked_at = topics or set(), time.monotonic()
        return bool(topics)


def _get_last_event_id(headers: dict[str, str]) -> int | None:
    """The last event a page has seen that comes back."""
    return _parse_integer(headers.get("last-event-id", ""))


def _get_rendered_at(scope: ASGIMessage) -> datetime | None:
    """When the page was rendered that opens its stream for the first time; None for one that does not say."""
    (text,) = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("since", [""])[-1:]
    seconds, now = _parse_integer(text), timezone.now()
    if seconds is None or not (now - MAX_PAGE_AGE).timestamp() <= seconds <= now.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _parse_integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


async def _end_on_disconnect(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.push(None)


async def _send_hint(send: Send, hint: Hint) -> None:
    await _send_event(send, "hint", {"kind": hint.kind, "id": hint.subject_id, "part": hint.part_id}, hint.id)


async def _send_event(send: Send, name: str, data: dict[str, Any], event_id: int) -> None:
    await _send_chunk(send, f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n")


async def _send_chunk(send: Send, text: str, *, more: bool = True) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _send_empty_response(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
