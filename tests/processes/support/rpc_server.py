"""`python -m tests.processes.support.rpc_server SOCKET`: run functions for tests in the database of a running desk.

To load the product takes a second: it is done once, and a clerk is a fork. Through the door, a socket whose number this
program is given, come the environment of a desk and a socket of its clerk's own. In there a line is `[name, arguments]`
for a function in `clerk`; the line that comes back is what it returned, as JSON.
"""

import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping

import django
from django.apps import apps
from django.conf import settings
from django.db import close_old_connections, connections

FUNCTIONS_MODULE = "tests.processes.support.rpc_functions"
MAX_ENVIRONMENT_BYTES = 1 << 18  # bytes of an environment


def main() -> None:
    """Make a clerk for each desk that comes, until the door closes; nobody waits for a clerk's end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    door = socket.socket(fileno=int(sys.argv[1]))
    while True:
        environment, own, _, _ = socket.recv_fds(door, MAX_ENVIRONMENT_BYTES, 1)
        if not environment:
            return
        setup_django_once(json.loads(environment))
        if os.fork() == 0:
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            apply_environment(json.loads(environment))
            serve_requests(socket.socket(fileno=own[0]))
            return
        os.close(own[0])


def setup_django_once(environment: Mapping[str, str]) -> None:
    """Load the product, with the settings of the first desk."""
    if not apps.ready:
        os.environ.update(environment)
        django.setup()
        importlib.import_module(FUNCTIONS_MODULE)


def apply_environment(environment: Mapping[str, str]) -> None:
    """From now on this process has the settings of that desk, as if it had been started with them."""
    os.environ.clear()
    os.environ.update(environment)
    for name in ("omnichannel.settings", environment["DJANGO_SETTINGS_MODULE"]):
        importlib.reload(sys.modules[name])
    settings._setup()  # type: ignore[misc]  # Django has no public way to read the settings again
    for alias in connections:
        del connections[alias]
    del connections.settings
    connections._settings = None  # type: ignore[attr-defined]


def serve_requests(own: socket.socket) -> None:
    """Do what is said until nobody says anything any more."""
    clerk = sys.modules[FUNCTIONS_MODULE]
    with own, own.makefile("r") as requests, own.makefile("w") as answers:
        for line in requests:
            name, arguments = json.loads(line)
            close_old_connections()
            answers.write(json.dumps(getattr(clerk, name)(**arguments)) + "\n")
            answers.flush()
        connections.close_all()


if __name__ == "__main__":
    main()
