"""The ASGI application: the event stream beside Django.

Django itself runs through WSGI in a bounded pool of threads: under ASGI it is two to four times slower and leaks
database connections.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings

from omnichannel.core.request_buffer import RequestBufferMiddleware
from omnichannel.core.response_deadline import ResponseDeadlineMiddleware
from omnichannel.wsgi import application as django

# After Django is set up by the import above.
from channels_whatsapp.simulator import scheduler  # isort: skip
from omnichannel.conversations.access import live_topics_for  # isort: skip
from omnichannel.conversations.presence.sessions import record_page_activity  # isort: skip
from omnichannel.live.stream import EventStream  # isort: skip

PAGE_THREADS = 8
# Twilio's deliveries have threads of their own: slow pages and downloads must not keep them waiting.
WEBHOOK_THREADS = 4
# The simulator has threads of its own: a page that waits for its Twilio must not keep that Twilio from answering.
SIMULATOR_THREADS = 24
# Twilio gives up after 15 seconds; a 5xx before that makes it try again.
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
# A thread each: neither slow webhooks nor a database that hangs keep the process from saying that it is alive.
liveness_app = RequestBufferMiddleware(WSGIMiddleware(cast("Any", django), workers=1))
readiness_app = RequestBufferMiddleware(
    ResponseDeadlineMiddleware(WSGIMiddleware(cast("Any", django), workers=1), seconds=HEALTH_TIMEOUT_SECONDS)
)
simulated_twilio_app = RequestBufferMiddleware(WSGIMiddleware(cast("Any", django), workers=SIMULATOR_THREADS))
simulator_stop_event = threading.Event()


def begin_shutdown() -> None:
    """End the open streams and the simulator's clock, so that the server can stop; twice is as good as once."""
    simulator_stop_event.set()
    event_stream.hub.close()


# By the beginning of the path, the first match counts; everything else is a page.
APPS_BY_PATH_PREFIX = (
    ("/simulator/twilio/", simulated_twilio_app),
    ("/webhooks/", webhook_app),
    ("/health/live", liveness_app),
    ("/health/", readiness_app),
)


async def application(
    scope: ASGIMessage, receive: Callable[[], Awaitable[ASGIMessage]], send: Callable[[ASGIMessage], Awaitable[None]]
) -> None:
    """Pass a request on to the event stream, or to Django in the threads that its path has."""
    if scope["type"] == "lifespan":
        await _handle_lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/live/":
        await event_stream(scope, receive, send)
    elif scope["type"] == "http":
        inside = next((inside for path, inside in APPS_BY_PATH_PREFIX if scope["path"].startswith(path)), page_app)
        await inside(scope, receive, send)


async def _handle_lifespan(
    receive: Callable[[], Awaitable[ASGIMessage]], send: Callable[[ASGIMessage], Awaitable[None]]
) -> None:
    # Twilio plays in the server's process, so that it goes on when the worker is stopped or killed.
    plays = threading.Thread(target=scheduler.run_forever, args=[simulator_stop_event], daemon=True, name="twilio")
    await receive()
    if settings.WHATSAPP_BACKEND == "simulator":
        plays.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    begin_shutdown()
    if plays.is_alive():
        await asyncio.to_thread(plays.join, SIMULATOR_JOIN_TIMEOUT_SECONDS)
    await send({"type": "lifespan.shutdown.complete"})
