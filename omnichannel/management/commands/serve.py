"""`manage.py serve`: everything in one: migrations, server, worker; Ctrl-C stops all of it."""

import logging
import subprocess
import sys
import threading
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from omnichannel.asgi import application, stream

logger = logging.getLogger(__name__)

WORKER_MAY_TAKE = 15  # seconds: a call to Twilio that is under way is waited for
RESTART_AFTER = 1.0


class Server(uvicorn.Server):
    """Uvicorn, which by itself would wait for open event streams for ever."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stream.hub.close()
        super().handle_exit(sig, frame)


class WorkerProcess:
    """The worker beside the server: started again when it dies, stopped when the server stops."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.process = self._start()
        self._watch = threading.Thread(target=self._restart_when_it_dies, daemon=True)
        self._watch.start()

    @staticmethod
    def _start() -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C reaches the server alone, which then stops the worker. If the server is killed,
        # the pipe closes and the worker stops by itself.
        command = [sys.executable, sys.argv[0], "run_worker", "--until-stdin-closes"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 (our own command)

    def _restart_when_it_dies(self) -> None:
        while not self.stopping.is_set():
            code = self.process.wait()
            if not self.stopping.wait(RESTART_AFTER):
                logger.error("The worker ended with code %s; starting it again.", code)
                self.process = self._start()

    def stop(self) -> None:
        self.stopping.set()
        self.process.terminate()
        try:
            self.process.wait(WORKER_MAY_TAKE)
        except subprocess.TimeoutExpired:
            self.process.kill()


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
        if not no_migrate:
            self.stdout.write("Bringing the database up to date …")
            call_command("migrate", verbosity=0, interactive=False)
        if not settings.DEBUG:
            call_command("collectstatic", verbosity=0, interactive=False)
        worker = None if no_worker else WorkerProcess()
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        self.stdout.write(self.style.SUCCESS(f"Omnichannel is at {settings.PUBLIC_URL} (Ctrl-C stops it)."))
        try:
            Server(config).run()
        finally:
            if worker is not None:
                worker.stop()
        self.stdout.write("Stopped.")
