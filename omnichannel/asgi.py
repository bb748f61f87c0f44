"""The ASGI application: the event stream, and Django in thread pools.

Django runs through WSGI in bounded thread pools: under ASGI it is two to four times slower and leaks database
connections.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings

from omnichannel.core.network.request_buffer import RequestBufferMiddleware
from omnichannel.core.network.response_deadline import ResponseDeadlineMiddleware
from omnichannel.core.wakeups import Channel, start_listener, start_sender, stop_sender
from omnichannel.wsgi import application as django

# These need Django to be set up, which the import above does.
from channels_whatsapp.simulator import scheduler  # isort: skip
from omnichannel.conversations.access import live_topics_for  # isort: skip
from omnichannel.conversations.presence.sessions import record_page_activity  # isort: skip
from omnichannel.live.stream import EventStream  # isort: skip

PAGE_THREADS = 8
# Webhooks have their own threads: slow pages and downloads must not delay them.
WEBHOOK_THREADS = 4
# The simulated Twilio has its own threads: pages that wait for it must not take the threads it answers in.
SIMULATOR_THREADS = 24
# Twilio gives up after 15 seconds, but retries after a 5xx response.
WEBHOOK_TIMEOUT_SECONDS = 13.0
HEALTH_TIMEOUT_SECONDS = 5.0
SIMULATOR_JOIN_TIMEOUT_SECONDS = 3.0

ASGIMessage = MutableMapping[str, Any]

event_stream = EventStream(live_topics_for, record_page_activity)
page_app = RequestBufferMiddleware(WSGIMiddleware(cast("Any", django), workers=PAGE_THREADS))
webhook_app = RequestBufferMiddleware(
    ResponseDeadlineMiddleware(
        WSGIMiddleware(cast("Any", django), workers=WEBHOOK_THREADS), seconds=WEBHOOK_TIMEOUT_SECONDS
    )
)
# One thread each: slow webhooks or a hanging database must not block the liveness check.
liveness_app = RequestBufferMiddleware(WSGIMiddleware(cast("Any", django), workers=1))
readiness_app = RequestBufferMiddleware(
    ResponseDeadlineMiddleware(WSGIMiddleware(cast("Any", django), workers=1), seconds=HEALTH_TIMEOUT_SECONDS)
)
simulated_twilio_app = RequestBufferMiddleware(WSGIMiddleware(cast("Any", django), workers=SIMULATOR_THREADS))
simulator_stop_event = threading.Event()


def begin_shutdown() -> None:
    """End open streams and the simulator's scheduler so that the server can stop. Safe to call twice."""
    simulator_stop_event.set()
    event_stream.hub.close()


# The first matching prefix counts; every other path is a page.
APPS_BY_PATH_PREFIX = (
    ("/simulator/twilio/", simulated_twilio_app),
    ("/webhooks/", webhook_app),
    ("/health/live", liveness_app),
    ("/health/", readiness_app),
)


async def application(
    scope: ASGIMessage, receive: Callable[[], Awaitable[ASGIMessage]], send: Callable[[ASGIMessage], Awaitable[None]]
) -> None:
    """Dispatch a request to the event stream, or to Django in the thread pool for its path."""
    if scope["type"] == "lifespan":
        await _handle_lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/live/":
        await event_stream(scope, receive, send)
    elif scope["type"] == "http":
        app = next((app for prefix, app in APPS_BY_PATH_PREFIX if scope["path"].startswith(prefix)), page_app)
        await app(scope, receive, send)


async def _handle_lifespan(
    receive: Callable[[], Awaitable[ASGIMessage]], send: Callable[[ASGIMessage], Awaitable[None]]
) -> None:
    # The simulator runs in the server process, so that it continues when the worker is stopped or killed.
    scheduler_thread = threading.Thread(
        target=scheduler.run_forever, args=[simulator_stop_event], daemon=True, name="twilio"
    )
    await receive()
    if settings.WHATSAPP_BACKEND == "simulator":
        scheduler_thread.start()
    start_sender()
    listener = start_listener({Channel.EVENTS}, event_stream.hub.wake)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    begin_shutdown()
    await asyncio.to_thread(listener.stop)
    if scheduler_thread.is_alive():
        await asyncio.to_thread(scheduler_thread.join, SIMULATOR_JOIN_TIMEOUT_SECONDS)
    await asyncio.to_thread(stop_sender)
    await send({"type": "lifespan.shutdown.complete"})
