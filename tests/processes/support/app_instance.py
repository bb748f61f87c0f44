"""The app as real processes, with its own database, port and keys."""

import os
import re
import signal
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from cryptography.fernet import Fernet

from tests.postgres import find_free_port
from tests.processes.support.databases import TemporaryDatabase
from tests.processes.support.managed_process import ManagedProcess, is_running, wait_until
from tests.processes.support.rpc_client import RpcClient

START_TIMEOUT = 40.0  # seconds, on a machine that may be busy with other work
STOP_TIMEOUT = 12.0
_open = build_opener(ProxyHandler({})).open


def build_environment(folder: Path, database: TemporaryDatabase, url: str = "http://127.0.0.1") -> dict[str, str]:
    """Return the environment of the app's processes."""
    return {
        **{name: value for name, value in os.environ.items() if name not in {"TEST_DATABASE_URL", "PYTHONUNBUFFERED"}},
        "DJANGO_SETTINGS_MODULE": "tests.process_settings",
        "DEBUG": "true",
        "PUBLIC_URL": url,
        "WHATSAPP_BACKEND": "simulator",
        "SECRET_KEY": "tests-only-" + "x" * 50,
        "ENCRYPTION_KEYS": Fernet.generate_key().decode("ascii"),
        "MEDIA_ROOT": str(folder / "media"),
        "DATABASE_URL": database.url,
    }


def create_template_database(folder: Path) -> TemporaryDatabase:
    """Create a migrated database that is copied for each app."""
    database = TemporaryDatabase(folder)
    database.migrate(build_environment(folder, database))
    return database


class AppInstance:
    """A context manager that kills the processes that still run at the end."""

    def __init__(
        self, folder: Path, *, template: TemporaryDatabase | None = None, database: TemporaryDatabase | None = None
    ) -> None:
        self.folder = folder
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = database or TemporaryDatabase(folder, template=template)
        self.processes: list[ManagedProcess] = []
        self.environment = build_environment(folder, self.database, self.url)
        self._rpc_client: RpcClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self.processes:
            if not program.has_exited:
                program.kill()
        for pid in [*self.worker_pids(), *self.delivery_worker_pids()]:
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
        if self._rpc_client is not None:
            self._rpc_client.close()
        self.database.drop()

    # -- Programs ---------------------------------------------------------------------------------------------------

    def start_command(self, *arguments: str) -> ManagedProcess:
        """Start `manage.py` with these arguments."""
        log = self.folder / f"{len(self.processes)}-{arguments[0]}.log"
        self.processes.append(ManagedProcess(self.environment, log, *arguments))
        return self.processes[-1]

    def start_server(self, *arguments: str) -> ManagedProcess:
        """Start the server and wait until it is ready."""
        server = self.start_command("serve", *arguments)
        wait_until(lambda: self.is_ready() or server.has_exited, START_TIMEOUT, "the server takes work")
        assert not server.has_exited, server.read_output()
        return server

    def is_ready(self) -> bool:
        try:
            with _open(f"{self.url}/health/ready/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers that the server started, the newest last."""
        return self._find_pids("The worker is running")

    def delivery_worker_pids(self) -> list[int]:
        """Return the process ids of the workers for deliveries that the server started, the newest last."""
        return self._find_pids("The delivery worker is running")

    def _find_pids(self, report: str) -> list[int]:
        servers = [program for program in self.processes if "-serve" in program.log.name]
        matches = [re.findall(rf"{report} \(process (\d+)", server.read_output()) for server in servers]
        return [int(pid) for pids in matches for pid in pids]

    def worker_is_running(self) -> bool:
        return any(is_running(pid) for pid in self.worker_pids())

    def delivery_worker_is_running(self) -> bool:
        return any(is_running(pid) for pid in self.delivery_worker_pids())

    def wait_until_applied(self, seconds: float = START_TIMEOUT) -> None:
        """Wait until every delivery that is stored is applied."""
        wait_until(lambda: self.call("count_due_deliveries") == 0, seconds, "every stored delivery is applied")

    # -- Its database -----------------------------------------------------------------------------------------------

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of `tests.processes.support.rpc_functions` in a process with this app's settings."""
        self._rpc_client = self._rpc_client or RpcClient(self.environment)
        return self._rpc_client.call(function, arguments)
