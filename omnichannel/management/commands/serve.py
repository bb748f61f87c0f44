"""`manage.py serve`: everything in one: migrations, server, worker; Ctrl-C stops all of it."""

import contextlib
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from omnichannel.asgi import application, wind_down

logger = logging.getLogger(__name__)

REQUESTS_MAY_TAKE = 5  # seconds, those that are being answered when the server is told to stop
WORKER_MAY_TAKE = 15  # seconds: a call to Twilio that is under way is waited for
RESTART_AFTER = 1.0


class WorkerProcess:
    """The worker beside the server: started again when it dies, stopped when the server stops."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and keep it running from now on."""
        self._process = self._spawn()
        threading.Thread(target=self._restart_when_it_dies, args=[self._process], daemon=True).start()

    @staticmethod
    def _spawn() -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C reaches the server alone, which then stops the worker. If the server is killed,
        # the pipe closes and the worker stops by itself. What Django checks at a start, it has just checked here: the
        # worker is there, and there again, in half the time.
        command = [sys.executable, sys.argv[0], "run_worker", "--until-stdin-closes", "--skip-checks"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 (our own command)

    def _restart_when_it_dies(self, process: "subprocess.Popen[bytes]") -> None:
        while True:
            code = process.wait()
            if self._stopping.wait(RESTART_AFTER):
                return
            logger.error("The worker ended with code %s; starting it again.", code)
            with self._one_at_a_time:
                if self._stopping.is_set():
                    return
                self._process = process = self._spawn()

    def tell_to_stop(self) -> None:
        """It finishes what it is doing; it is not started again."""
        self._stopping.set()
        with self._one_at_a_time:
            if self._process is not None:
                self._process.terminate()

    def stop(self) -> None:
        """Tell it to stop and wait until it has; killed when it takes too long, which loses nothing."""
        self.tell_to_stop()
        if self._process is not None:
            try:
                self._process.wait(WORKER_MAY_TAKE)
            except subprocess.TimeoutExpired:
                self._process.kill()


class Server(uvicorn.Server):
    """Uvicorn with a worker beside it. By itself it would wait for open event streams for ever."""

    def __init__(self, config: uvicorn.Config, worker: WorkerProcess | None, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._worker, self._say_started = worker, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Ends the program when the port is taken: nothing else has been started by then.
        await super().startup(sockets)
        if self._worker is not None:
            self._worker.start()
        self._say_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        wind_down()
        if self._worker is not None:
            self._worker.tell_to_stop()
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
        # From here on SIGTERM is the same as Ctrl-C. Uvicorn takes both over while it runs, and raises them anew after.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        worker = None if no_worker else WorkerProcess()
        with contextlib.suppress(KeyboardInterrupt):
            try:
                self._prepare(migrate=not no_migrate)
                self._serve(host, port, worker)
            finally:
                if worker is not None:
                    worker.stop()
        self._say("Stopped.")

    def _prepare(self, *, migrate: bool) -> None:
        if migrate:
            self._say("Bringing the database up to date …")
            call_command("migrate", verbosity=0, interactive=False)
        if not settings.DEBUG:
            call_command("collectstatic", verbosity=0, interactive=False)

    def _serve(self, host: str, port: int, worker: WorkerProcess | None) -> None:
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=REQUESTS_MAY_TAKE,
        )
        here = self.style.SUCCESS(f"Omnichannel is at {settings.PUBLIC_URL} (Ctrl-C stops it).")
        Server(config, worker, lambda: self._say(here)).run()

    def _say(self, text: str) -> None:
        """Print it now: into a file or a pipe it would otherwise wait until the end."""
        self.stdout.write(text)
        self.stdout.flush()
