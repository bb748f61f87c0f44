"""`manage.py serve`: migrate, collect static files, and run the server with its workers until Ctrl-C."""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils.module_loading import import_string

from omnichannel.accounts.demo_accounts import get_active_demo_usernames
from omnichannel.backups import media
from omnichannel.core.network.http_protocol import build_protocol
from omnichannel.core.private_files import list_database_files, make_private, make_tree_private, set_private_umask
from omnichannel.environment import LOOPBACK_HOSTS
from omnichannel.first_administrator import get_setup_link
from omnichannel.jobs.worker_process import WorkerProcess

GRACEFUL_SHUTDOWN_SECONDS = 5  # for requests in progress
# A worker that hangs ends itself; one that can't even do that is killed a little later.
WORKER_HEARTBEAT_TIMEOUT = settings.WORKER_HANG_TIMEOUT * 4 / 3


class ServerWithWorkers(uvicorn.Server):
    """Uvicorn together with worker processes.

    At shutdown it ends the open event streams, for which Uvicorn alone would wait for ever.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        workers: Sequence[WorkerProcess],
        on_started: Callable[[], object],
        on_shutdown: Callable[[], object],
    ) -> None:
        super().__init__(config)
        self._workers, self._on_started, self._on_shutdown = workers, on_started, on_shutdown

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # First: it ends the program when the port is in use, before anything else has been started.
        await super().startup(sockets)
        for worker in self._workers:
            worker.start()
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_shutdown()
        for worker in self._workers:
            worker.request_stop()
        await super().shutdown(sockets)


class Command(BaseCommand):
    """Run the server, a worker, and a worker for webhook deliveries."""

    help = "Migrate the database, then run the server and its workers until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        public_url = urlsplit(settings.PUBLIC_URL)
        is_local = public_url.scheme == "http"
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default 127.0.0.1).")
        parser.add_argument(
            "--port", type=int, default=(public_url.port or 80) if is_local else 8000, help="Port to listen on."
        )
        parser.add_argument("--no-worker", action="store_true", help="Run only the server. Start workers separately.")
        parser.add_argument("--no-migrate", action="store_true", help="Do not migrate the database.")
        parser.add_argument("--no-static", action="store_true", help="Do not collect the static files.")

    def handle(
        self, *, host: str, port: int, no_worker: bool, no_migrate: bool, no_static: bool = False, **options: Any
    ) -> None:
        if settings.DEMO_ALLOWED and host not in LOOPBACK_HOSTS:
            raise CommandError(
                f"--host {host} would expose the simulator and the demo passwords. "
                "Set PUBLIC_URL to the https address of this server, or omit --host."
            )
        if not 0 < port < 65536:
            raise CommandError(f"--port must be a number from 1 to 65535, not {port}.")
        set_private_umask()
        # Treat SIGTERM as Ctrl-C. Uvicorn handles both while it runs and raises them again afterwards.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        workers = [] if no_worker else self._create_workers()
        with contextlib.suppress(KeyboardInterrupt):
            try:
                self._prepare(migrate=not no_migrate, collect_static=not no_static and not settings.DEBUG)
                self._serve(host, port, workers)
            finally:
                for worker in workers:
                    worker.request_stop()
                for worker in workers:
                    worker.stop()
        self._print_report("Stopped.")

    @staticmethod
    def _create_workers() -> Sequence[WorkerProcess]:
        timeout = WORKER_HEARTBEAT_TIMEOUT.total_seconds()
        return [WorkerProcess(timeout), WorkerProcess(timeout, "--only", "deliveries")]

    def _prepare(self, *, migrate: bool, collect_static: bool) -> None:
        self._protect_folders()
        if migrate:
            self._print_report("Migrating the database…")
            try:
                call_command("migrate", verbosity=0, interactive=False)
            except Error as error:
                raise CommandError(f"The database cannot be used. Check DATABASE_URL. {error}".strip()) from error
            self._protect_database()
        if collect_static:
            call_command("collectstatic", verbosity=0, interactive=False)

    def _protect_folders(self) -> None:
        """Make private what earlier versions, or other programs, left readable for others: in our own folders only."""
        # MEDIA_ROOT itself may be a folder of other programs.
        for folder in (settings.VAR_DIR, *(settings.MEDIA_ROOT / name for name in media.FOLDERS)):
            make_private(folder)
            # In the background: there may be a million files. Their folder is private already.
            threading.Thread(target=make_tree_private, args=[folder], daemon=True, name="private-files").start()

    def _protect_database(self) -> None:
        """Do so for a SQLite database. Call it after the migration, which shows that the file is one, and ours."""
        database = settings.DATABASES["default"]
        for path in list_database_files(database["ENGINE"], str(database["NAME"])):
            make_private(path)

    def _serve(self, host: str, port: int, workers: Sequence[WorkerProcess]) -> None:
        # Import late: WhiteNoise lists the collected files once, when the application is imported.
        application = import_string("omnichannel.asgi.application")
        begin_shutdown = import_string("omnichannel.asgi.begin_shutdown")
        config = uvicorn.Config(
            application,
            http=build_protocol(settings.HEADER_TIMEOUT),
            host=host,
            port=port,
            forwarded_allow_ips=settings.TRUSTED_PROXIES,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        )
        address = self.style.SUCCESS(f"Omnichannel is running at {settings.PUBLIC_URL} (press Ctrl-C to stop).")
        report = "\n".join([*self._sign_in_notes(), address])
        ServerWithWorkers(config, workers, lambda: self._print_report(report), begin_shutdown).run()

    def _sign_in_notes(self) -> list[str]:
        """Return notes about sign-in for the operator who starts the server."""
        notes = []
        with contextlib.suppress(Error):  # a database outage must not prevent the start
            if not settings.DEMO_ALLOWED and (names := ", ".join(get_active_demo_usernames())):
                notes.append(f"Demo accounts can't sign in here because their passwords are public: {names}.")
            if link := get_setup_link():
                notes.append(f"No administrator yet. Create one within 24 hours: {link}")
        return notes

    def _print_report(self, text: str) -> None:
        """Print at once: output to a file or pipe would otherwise be buffered until the end."""
        self.stdout.write(text)
        self.stdout.flush()
