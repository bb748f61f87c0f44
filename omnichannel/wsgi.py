"""The WSGI application: everything but the live event stream."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from omnichannel.core.network.request_guard import RequestGuard
from omnichannel.core.private_files import set_private_umask
from omnichannel.core.wakeups import start_sender

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnichannel.settings")

set_private_umask()
_guarded_django = RequestGuard(get_wsgi_application())


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request in a process that wakes others after its commits.

    The sender starts with the first request: a server may import this module before it forks.
    """
    start_sender()
    return _guarded_django(environ, start_response)
