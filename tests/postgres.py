"""A PostgreSQL of the tests' own: made in a second, gone afterwards."""

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def binaries() -> Path:
    """The folder with initdb and pg_ctl, the newest version first. Raises FileNotFoundError with what to do."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]), reverse=True)
    path = found[0] if found else shutil.which("initdb")
    if not path:
        raise FileNotFoundError("PostgreSQL's server is not installed: `apt-get install postgresql`.")
    return Path(path).parent


def _unprivileged() -> list[str]:
    """How to run a command as somebody PostgreSQL accepts: it refuses root."""
    if os.geteuid() != 0:
        return []
    user = next(name for name in ("postgres", "nobody") if name in {p.pw_name for p in pwd.getpwall()})
    return ["runuser", "-u", user, "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def throw_away_cluster(*, durable: bool = True) -> Iterator[str]:
    """The address of a fresh PostgreSQL on loopback; it is stopped and deleted at the end.

    Not `durable`, it does not wait for the disk: a power cut would cost what tests have no use for.
    """
    folder, bin_folder, port, run = (
        Path(tempfile.mkdtemp(prefix="omnichannel-pg-")),
        binaries(),
        _free_port(),
        _unprivileged(),
    )
    if run:
        shutil.chown(folder, run[2])
    data, log = folder / "data", folder / "log"
    initdb = [bin_folder / "initdb", "--no-sync", "-A", "trust", "-U", "omnichannel", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*run, *initdb, "-D", data], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c max_connections=200"
    if not durable:
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    start = [bin_folder / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start"]
    subprocess.run([*run, *start], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"postgres://omnichannel@127.0.0.1:{port}/postgres"
    finally:
        stop = [bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run([*run, *stop], check=False, stdout=subprocess.DEVNULL, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":  # `python -m tests.postgres COMMAND…` runs a command beside a fresh PostgreSQL
    import sys

    with throw_away_cluster(durable=False) as address:
        outcome = subprocess.run(sys.argv[1:], env={**os.environ, "TEST_DATABASE_URL": address}, check=False)
    sys.exit(outcome.returncode)
