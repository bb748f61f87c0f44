"""Event stream: an ASGI application that sends server-sent events to open pages.

Django's streaming responses hold a thread and a database connection each; this application holds neither. Events are
hints; a page fetches what changed through views that check access.
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
from omnichannel.live.topics import SESSION_KIND, user_topic

ASGIMessage = MutableMapping[str, Any]
Send = Callable[[ASGIMessage], Awaitable[None]]
Receive = Callable[[], Awaitable[ASGIMessage]]
TopicsFor = Callable[[Any], set[str]]  # takes a user
OnUserSeen = Callable[[Any], None]  # takes a user who has a page open

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15.0
SESSION_CHECK_TIMEOUT_SECONDS = 5.0
# While the database does not answer, a page keeps its stream this long: no event can be read meanwhile.
MAX_UNCHECKED_SECONDS = 120.0
WRITE_TIMEOUT_SECONDS = 10.0  # a page that accepts no data for this long is disconnected
# Replay events from before the render time: the page may have been queried a moment before its timestamp was taken.
RENDER_MARGIN = timedelta(seconds=5)
MAX_PAGE_AGE = timedelta(minutes=1)  # an older page reloads everything
STREAM_LIFETIME_SECONDS = (300.0, 360.0)  # with jitter, so that pages do not all reconnect at once
RESPONSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def get_session_user(cookies: str) -> AbstractBaseUser | None:
    """Return the user of the session cookie, or None.

    Checks the session, the password hash and `is_active`, as Django does.
    """
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
    """`GET /live/`: stream the hints of every topic the user may see; 401 without a valid session.

    The `id` that pages send back as Last-Event-ID is a position: every event up to it has been written to the page, or
    was not for it. It follows once no earlier transaction can still publish an event, so a page that reconnects gets
    those after its position, some perhaps again. With `?since=`, it gets those that a page rendered at that second may
    lack. The session is checked again at every keep-alive, and at once when a session of the user was ended, so
    that a stream ends with its session and its topics follow the user's permissions.
    """

    def __init__(self, topics_for: TopicsFor, on_user_seen: OnUserSeen = lambda user: None) -> None:
        """Create the application.

        Args:
            topics_for: returns the topics a user may see.
            on_user_seen: called at each session check of a user with an open page.
        """
        self.hub = Hub()
        self._get_topics_for_user, self._on_user_seen = topics_for, on_user_seen
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
            position, missed = await self._subscribe(listener, scope, headers)
        except Error as error:
            logger.warning("Could not open an event stream because the database did not answer: %s", error)
            return await _send_empty_response(send, 503)
        disconnect_task = asyncio.create_task(_end_on_disconnect(receive, listener))
        try:
            await self._write_stream(listener, headers, send, position, missed)
        except OSError:
            pass  # the page has disconnected or accepts no more data
        finally:
            self.hub.unsubscribe(listener)
            disconnect_task.cancel()

    async def _get_topics(self, headers: dict[str, str]) -> set[str] | None:
        return await asyncio.get_running_loop().run_in_executor(
            self._session_executor, self._load_topics, headers.get("cookie", "")
        )

    def _load_topics(self, cookies: str) -> set[str] | None:
        close_old_connections()
        user = get_session_user(cookies)
        topics = self._get_topics_for_user(user) if user else None
        if user is None or not topics:
            return None
        self._on_user_seen(user)
        return topics | {user_topic(user.pk)}

    async def _subscribe(
        self, listener: Listener, scope: ASGIMessage, headers: dict[str, str]
    ) -> tuple[int, list[Hint]]:
        """Subscribe the listener; return the position the page is at and the hints it missed since."""
        snapshot = await self.hub.subscribe(listener)
        try:
            position = _get_last_position(headers)
            if position is None and (rendered_at := _get_rendered_at(scope)) is not None:
                position = await self.hub.find_position_before(rendered_at - RENDER_MARGIN)
            if position is None or position >= snapshot.end:
                return snapshot.position, []
            return position, await self.hub.get_missed_hints(position, snapshot)
        except Error:
            self.hub.unsubscribe(listener)
            raise

    async def _write_stream(
        self, listener: Listener, headers: dict[str, str], send: Send, position: int, missed: list[Hint]
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": RESPONSE_HEADERS})
        await _send_chunk(send, f"id: {position}\nevent: hello\ndata: {{}}\n\n")
        for hint in missed:
            if listener.is_subscribed_to(hint) and hint.kind != SESSION_KIND:
                await _send_hint(send, hint)
        await self._write_new_events(listener, headers, send)
        await _send_chunk(send, "event: reconnect\ndata: {}\n\n", more=False)

    async def _write_new_events(self, listener: Listener, headers: dict[str, str], send: Send) -> None:
        """Write hints as they arrive, until the stream's lifetime or the session ends."""
        ends_at = time.monotonic() + random.uniform(*STREAM_LIFETIME_SECONDS)  # noqa: S311 (no secret)
        # Random first check: pages that reconnect together must not all be checked together.
        check_at: float = time.monotonic() + random.uniform(0, KEEP_ALIVE_SECONDS)  # noqa: S311 (no secret)
        while (now := time.monotonic()) < ends_at:
            try:
                hint = await asyncio.wait_for(listener.queue.get(), check_at - now)
            except TimeoutError:
                if not await self._recheck_session(listener, headers):
                    return
                await _send_chunk(send, f": still here\n{self._position_line(listener)}\n")
                check_at = time.monotonic() + KEEP_ALIVE_SECONDS
                continue
            if hint is None:
                return
            if hint.kind == SESSION_KIND:
                check_at = 0
            else:
                await _send_hint(send, hint, self._position_line(listener))

    def _position_line(self, listener: Listener) -> str:
        """Return the line with the position of a page to which all queued hints are written; else none."""
        return f"id: {self.hub.snapshot.position}\n" if listener.queue.empty() else ""

    async def _recheck_session(self, listener: Listener, headers: dict[str, str]) -> bool:
        """Return whether the session is valid; in a database outage the last check counts for a while."""
        try:
            topics = await asyncio.wait_for(self._get_topics(headers), SESSION_CHECK_TIMEOUT_SECONDS)
        except (Error, TimeoutError):
            logger.info("Could not check the session of an event stream because the database did not answer.")
            return time.monotonic() - listener.session_checked_at < MAX_UNCHECKED_SECONDS
        listener.topics, listener.session_checked_at = topics or set(), time.monotonic()
        return bool(topics)


def _get_last_position(headers: dict[str, str]) -> int | None:
    """Return the position of a page that reconnects; None for a new page."""
    return _parse_integer(headers.get("last-event-id", ""))


def _get_rendered_at(scope: ASGIMessage) -> datetime | None:
    """Return when the page was rendered, from `?since=`; None when missing, too old or in the future."""
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


async def _send_hint(send: Send, hint: Hint, position_line: str = "") -> None:
    data = {"kind": hint.kind, "id": hint.subject_id, "part": hint.part_id, "event": hint.id}
    await _send_chunk(send, f"{position_line}event: hint\ndata: {json.dumps(data)}\n\n")


async def _send_chunk(send: Send, text: str, *, more: bool = True) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _send_empty_response(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
