"""`manage.py start_server`: everything in one: migrations, static files, server, worker; Ctrl-C stops all of it."""

import contextlib
import signal
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils.module_loading import import_string

from omnichannel.accounts.demo_accounts import get_active_demo_usernames
from omnichannel.environment import LOOPBACK_HOSTS
from omnichannel.first_administrator import get_setup_link
from omnichannel.jobs.worker_process import WorkerProcess

GRACEFUL_SHUTDOWN_SECONDS = 5  # seconds, those that are being answered when the server is told to stop
# The worker ends itself when it hangs; a worker that can't even do that is killed a little later.
WORKER_HEARTBEAT_TIMEOUT = settings.WORKER_HANG_TIMEOUT * 4 / 3


class ServerWithWorker(uvicorn.Server):
    """Uvicorn with a worker beside it. By itself it would wait for open event streams for ever."""

    def __init__(
        self,
        config: uvicorn.Config,
        worker: WorkerProcess | None,
        started: Callable[[], object],
        wind_down: Callable[[], object],
    ) -> None:
        super().__init__(config)
        self._worker, self._on_started, self._on_shutdown = worker, started, wind_down

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Ends the program when the port is taken: nothing else has been started by then.
        await super().startup(sockets)
        if self._worker is not None:
            self._worker.start()
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_shutdown()
        if self._worker is not None:
            self._worker.request_stop()
        await super().shutdown(sockets)


class Command(BaseCommand):
    help = "Bring the database up to date and run the server and a worker until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        own = urlsplit(settings.PUBLIC_URL)
        local = own.scheme == "http"
        parser.add_argument("--host", default="127.0.0.1", help="The address to listen on (default 127.0.0.1).")
        parser.add_argument("--port", type=int, default=(own.port or 80) if local else 8000, help="The port.")
        parser.add_argument("--no-worker", action="store_true", help="Only the server; run workers by themselves.")
        parser.add_argument("--no-migrate", action="store_true", help="Leave the database as it is.")

    def handle(self, *, host: str, port: int, no_worker: bool, no_migrate: bool, **options: Any) -> None:
        if settings.DEMO_ALLOWED and host not in LOOPBACK_HOSTS:
            raise CommandError(
                f"--host {host} would open the simulator and the demonstration's passwords to others. "
                "Set PUBLIC_URL to the https address of this server, or leave --host out."
            )
        # From here on SIGTERM is the same as Ctrl-C. Uvicorn takes both over while it runs, and raises them anew after.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        worker = None if no_worker else WorkerProcess(WORKER_HEARTBEAT_TIMEOUT.total_seconds())
        with contextlib.suppress(KeyboardInterrupt):
            try:
                self._prepare(migrate=not no_migrate)
                self._serve(host, port, worker)
            finally:
                if worker is not None:
                    worker.stop()
        self._print_report("Stopped.")

    def _prepare(self, *, migrate: bool) -> None:
        if migrate:
            self._print_report("Bringing the database up to date …")
            call_command("migrate", verbosity=0, interactive=False)
        if not settings.DEBUG:
            call_command("collectstatic", verbosity=0, interactive=False)

    def _serve(self, host: str, port: int, worker: WorkerProcess | None) -> None:
        # Imported only now: WhiteNoise lists the collected files once, when the application is imported.
        application = import_string("omnichannel.asgi.application")
        wind_down = import_string("omnichannel.asgi.begin_shutdown")
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        )
        address = self.style.SUCCESS(f"Omnichannel is at {settings.PUBLIC_URL} (Ctrl-C stops it).")
        started = "\n".join([*self._sign_in_notes(), address])
        ServerWithWorker(config, worker, lambda: self._print_report(started), wind_down).run()

    def _sign_in_notes(self) -> list[str]:
        """What whoever starts the server must know about signing in."""
        notes = []
        with contextlib.suppress(Error):  # a database that is away for a moment must not keep the server from starting
            if not settings.DEMO_ALLOWED and (names := ", ".join(get_active_demo_usernames())):
                notes.append(f"The demonstration accounts can't sign in here, everybody knows their password: {names}.")
            if link := get_setup_link():
                notes.append(f"There is no administrator yet. Create the first one within 24 hours: {link}")
        return notes

    def _print_report(self, text: str) -> None:
        """Print it now: into a file or a pipe it would otherwise wait until the end."""
        self.stdout.write(text)
        self.stdout.flush()
