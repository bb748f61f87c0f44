"""The ASGI application: the event stream beside Django.

Django itself runs through WSGI in a bounded pool of threads: under ASGI it is two to four times slower and leaks
database connections.
"""

import os
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings

from omnichannel.wsgi import application as django

# After Django is set up by the import above.
from channels_whatsapp.simulator import clock  # isort: skip
from omnichannel.conversations.access import topics_for  # isort: skip
from omnichannel.live.stream import EventStream  # isort: skip

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnichannel.settings")

THREADS = 8

Message = MutableMapping[str, Any]

stream = EventStream(topics_for)
pages: Any = WSGIMiddleware(cast("Any", django), workers=THREADS)
stop_simulator = threading.Event()


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """`/live/` is the event stream; everything else is Django."""
    if scope["type"] == "lifespan":
        await _live_and_die(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/live/":
        await stream(scope, receive, send)
    elif scope["type"] == "http":
        await pages(scope, receive, send)


async def _live_and_die(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if settings.WHATSAPP_BACKEND == "simulator":
                # Twilio plays in the server's process, so that it goes on when the worker is stopped or killed.
                threading.Thread(target=clock.run_forever, args=[stop_simulator], daemon=True, name="twilio").start()
            await send({"type": "lifespan.startup.complete"})
        else:
            stop_simulator.set()
            stream.hub.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
