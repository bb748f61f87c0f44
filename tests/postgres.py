"""Temporary PostgreSQL clusters for tests."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def find_postgres_binaries() -> Path:
    """Return the folder with the newest initdb and pg_ctl.

    Raises:
        FileNotFoundError: PostgreSQL is not installed; the message says how to install it.
    """
    paths = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]), reverse=True)
    path = paths[0] if paths else shutil.which("initdb")
    if not path:
        raise FileNotFoundError("PostgreSQL's server is not installed: `apt-get install postgresql`.")
    return Path(path).parent


def unprivileged_prefix() -> list[str]:
    """Return the command prefix to run as another user than root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    user = next(name for name in ("postgres", "nobody") if name in {p.pw_name for p in pwd.getpwall()})
    return ["runuser", "-u", user, "--"]


def find_free_port() -> int:
    """Return a TCP port of this machine that no process uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A PostgreSQL server on loopback with a folder of its own.

    With `durable=False` it does not wait for the disk, and a power cut would lose data that tests do not need.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._folder, self._binaries, self._port = (
            Path(tempfile.mkdtemp(prefix="omnichannel-pg-")),
            find_postgres_binaries(),
            find_free_port(),
        )
        self._prefix = unprivileged_prefix()
        self._data = self._folder / "data"
        self._options = f"-h 127.0.0.1 -p {self._port} -k {self._folder} -c max_connections=200"
        if not durable:
            self._options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        if self._prefix:
            shutil.chown(self._folder, self._prefix[2])
        initdb = ["initdb", "--no-sync", "-A", "trust", "-U", "omnichannel", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run(*initdb, "-D", str(self._data))

    @property
    def url(self) -> str:
        return f"postgres://omnichannel@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start the server, also after `kill`, and wait until it accepts connections."""
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._folder / "log"), "-w", "-o", self._options, "start")

    def kill(self) -> None:
        """Kill all its processes, as a power cut does."""
        pids = self._pids()
        self._signal(signal.SIGKILL, pids)
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            time.sleep(0.02)

    def freeze(self) -> None:
        """Stop all its processes: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP, self._pids())

    def thaw(self) -> None:
        """Continue stopped processes."""
        self._signal(signal.SIGCONT, self._pids())

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _pids(self) -> list[int]:
        """Return the server's process ids, the parent of all others first."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    @staticmethod
    def _signal(number: signal.Signals, pids: list[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [*self._prefix, str(self._binaries / program), *arguments]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd=self._folder)


@contextlib.contextmanager
def run_cluster(*, durable: bool = True) -> Iterator[Cluster]:
    """Run a new cluster and delete it at the end."""
    fresh = Cluster(durable=durable)
    fresh.start()
    try:
        yield fresh
    finally:
        fresh.thaw()
        fresh.remove()


@contextlib.contextmanager
def temporary_cluster_url(*, durable: bool = True) -> Iterator[str]:
    """Yield the URL of a new cluster on loopback; it is deleted at the end."""
    with run_cluster(durable=durable) as fresh:
        yield fresh.url


if __name__ == "__main__":  # `python -m tests.postgres COMMAND…` runs a command with a new cluster.
    import sys

    with temporary_cluster_url(durable=False) as address:
        outcome = subprocess.run(sys.argv[1:], env={**os.environ, "TEST_DATABASE_URL": address}, check=False)
    sys.exit(outcome.returncode)
