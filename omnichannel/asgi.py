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

from omnichannel.core.request_buffer import WholeBody
from omnichannel.core.response_deadline import ResponseDeadline
from omnichannel.wsgi import application as django

# After Django is set up by the import above.
from channels_whatsapp.simulator import clock  # isort: skip
from omnichannel.conversations.access import topics_for  # isort: skip
from omnichannel.conversations.presence.sessions import seen  # isort: skip
from omnichannel.live.stream import EventStream  # isort: skip

THREADS = 8
# Twilio's deliveries have threads of their own: slow pages and downloads must not keep them waiting.
WEBHOOK_THREADS = 4
# The simulator has threads of its own: a page that waits for its Twilio must not keep that Twilio from answering.
SIMULATOR_THREADS = 24
# Twilio gives up after 15 seconds; a 5xx before that makes it try again.
WEBHOOK_SECONDS = 13.0
HEALTH_SECONDS = 5.0
JOIN_SECONDS = 3.0

Message = MutableMapping[str, Any]

stream = EventStream(topics_for, seen)
pages = WholeBody(WSGIMiddleware(cast("Any", django), workers=THREADS))
webhooks = WholeBody(
    ResponseDeadline(WSGIMiddleware(cast("Any", django), workers=WEBHOOK_THREADS), seconds=WEBHOOK_SECONDS)
)
# A thread each: neither slow webhooks nor a database that hangs keep the process from saying that it is alive.
liveness = WholeBody(WSGIMiddleware(cast("Any", django), workers=1))
readiness = WholeBody(ResponseDeadline(WSGIMiddleware(cast("Any", django), workers=1), seconds=HEALTH_SECONDS))
twilio = WholeBody(WSGIMiddleware(cast("Any", django), workers=SIMULATOR_THREADS))
stop_simulator = threading.Event()


def wind_down() -> None:
    """End the open streams and the simulator's clock, so that the server can stop; twice is as good as once."""
    stop_simulator.set()
    stream.hub.close()


# By the beginning of the path, the first match counts; everything else is a page.
APPLICATIONS = (
    ("/simulator/twilio/", twilio),
    ("/webhooks/", webhooks),
    ("/health/live", liveness),
    ("/health/", readiness),
)


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Pass a request on to the event stream, or to Django in the threads that its path has."""
    if scope["type"] == "lifespan":
        await _live_and_die(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/live/":
        await stream(scope, receive, send)
    elif scope["type"] == "http":
        inside = next((inside for path, inside in APPLICATIONS if scope["path"].startswith(path)), pages)
        await inside(scope, receive, send)


async def _live_and_die(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    # Twilio plays in the server's process, so that it goes on when the worker is stopped or killed.
    plays = threading.Thread(target=clock.run_forever, args=[stop_simulator], daemon=True, name="twilio")
    await receive()
    if settings.WHATSAPP_BACKEND == "simulator":
        plays.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    wind_down()
    if plays.is_alive():
        await asyncio.to_thread(plays.join, JOIN_SECONDS)
    await send({"type": "lifespan.shutdown.complete"})
