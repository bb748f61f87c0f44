"""`python -m tests.processes.support.rpc_server SOCKET`: run functions for tests in the database of a running app.

Loading the app takes a second, so this process loads it once and forks for each app. Through the control socket, whose
file descriptor is the argument, it receives an app's environment and a socket. Each line on that socket is
`[name, arguments]` for a function of `rpc_functions`; the response is a line with the result as JSON.
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

from omnichannel.core.wakeups import start_sender, stop_sender

FUNCTIONS_MODULE = "tests.processes.support.rpc_functions"
MAX_ENVIRONMENT_BYTES = 1 << 18  # bytes of an environment


def main() -> None:
    """Fork a process for each environment until the control socket closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        environment, connection, _, _ = socket.recv_fds(control, MAX_ENVIRONMENT_BYTES, 1)
        if not environment:
            return
        setup_django_once(json.loads(environment))
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            apply_environment(json.loads(environment))
            serve_requests(socket.socket(fileno=connection[0]))
            return
        os.close(connection[0])


def setup_django_once(environment: Mapping[str, str]) -> None:
    """Load the app with the settings of the first environment."""
    if not apps.ready:
        os.environ.update(environment)
        django.setup()
        importlib.import_module(FUNCTIONS_MODULE)


def apply_environment(environment: Mapping[str, str]) -> None:
    """Reload the settings from this environment."""
    os.environ.clear()
    os.environ.update(environment)
    for name in ("omnichannel.settings", environment["DJANGO_SETTINGS_MODULE"]):
        importlib.reload(sys.modules[name])
    settings._setup()  # type: ignore[misc]  # Django has no public way to read the settings again
    for alias in connections:
        del connections[alias]
    del connections.settings
    connections._settings = None  # type: ignore[attr-defined]


def serve_requests(connection: socket.socket) -> None:
    """Run the requests until the client closes the connection."""
    functions = sys.modules[FUNCTIONS_MODULE]
    start_sender()  # as every process does whose changes others wait for
    with connection, connection.makefile("r") as requests, connection.makefile("w") as answers:
        for line in requests:
            name, arguments = json.loads(line)
            close_old_connections()
            answers.write(json.dumps(getattr(functions, name)(**arguments)) + "\n")
            answers.flush()
        stop_sender()
        connections.close_all()


if __name__ == "__main__":
    main()
