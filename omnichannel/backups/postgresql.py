"""Dump and restore a PostgreSQL database with its own programs, pg_dump and pg_restore.

They get the connection of the settings in a service file that only its owner may read: nothing of it, the password in
particular, is on a command line that other users of the machine can see.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from omnichannel.backups.errors import BackupError
from omnichannel.backups.inspection import Query

FILE_NAME: Final = "database.dump"
SERVICE_NAME: Final = "omnichannel"
LOCK_TIMEOUT: Final = "60s"  # a migration that runs meanwhile holds locks


def _get_parameters() -> dict[str, Any]:
    """Return the parameters of a direct connection: a pooler in transaction mode does not suit pg_dump."""
    if settings.DATABASE_DIRECT_URL:
        return dict(conninfo_to_dict(settings.DATABASE_DIRECT_URL))
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    parameters = connection.get_connection_params()
    return {name: value for name, value in parameters.items() if name in known and value is not None}


def _connect() -> "psycopg.Connection[tuple[Any, ...]]":
    try:
        return psycopg.connect(**_get_parameters())
    except psycopg.Error as error:
        raise BackupError(f"The database cannot be reached. Check DATABASE_URL. {error}".strip()) from error


def _build_query(database: "psycopg.Connection[tuple[Any, ...]]") -> Query:
    # psycopg's types allow literals only as text; the callers quote the names they put into statements.
    return lambda statement: database.execute(statement.encode()).fetchall()


def read_server_version() -> str:
    with _connect() as database:
        return str(database.info.server_version)


@contextmanager
def take_snapshot(target: Path) -> Iterator[Query]:
    """Write the database to a file and yield a function that queries the same snapshot."""
    with _connect() as database:
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        database.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        snapshot = database.execute("SELECT pg_export_snapshot()").fetchone()
        options = ("--format=custom", f"--file={target}", f"--lock-wait-timeout={LOCK_TIMEOUT}")
        run_program(
            "pg_dump", *options, f"--snapshot={snapshot[0] if snapshot else ''}", f"--dbname=service={SERVICE_NAME}"
        )
        yield _build_query(database)


def require_empty() -> None:
    """Raise BackupError unless the database of the settings has no tables."""
    statement = "SELECT count(*) FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
    with _connect() as database:
        name, tables = database.info.dbname, _build_query(database)(statement)[0][0]
    if tables:
        raise BackupError(
            f'The database "{name}" is not empty, and nothing was changed. Create an empty one, for example '
            f"`createdb {name}_restored`, set DATABASE_URL to it, and try again."
        )


def restore(source: Path) -> None:
    """Restore the dump into the database of the settings, in one transaction."""
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments")
    run_program("pg_restore", *options, f"--dbname=service={SERVICE_NAME}", str(source))
    with _connect() as database:
        database.autocommit = True
        database.execute("ANALYZE")  # the planner knows nothing of restored tables


@contextmanager
def open_database() -> Iterator[Query]:
    """Yield a function that queries the database of the settings."""
    with _connect() as database:
        yield _build_query(database)


def run_program(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs.

    Raises:
        BackupError: it is not installed, or it failed; the message has what it said.
    """
    path = shutil.which(program)
    if path is None:
        raise BackupError(f"{program} is not installed: `apt-get install postgresql-client`.")
    with tempfile.TemporaryDirectory(prefix="omnichannel-") as folder:
        result = subprocess.run(  # noqa: S603 (the arguments are ours)
            [path, *arguments], env=_build_environment(Path(folder)), capture_output=True, text=True, check=False
        )
    if result.returncode:
        raise BackupError(f"{program} failed: {result.stderr.strip() or result.returncode}")


def _build_environment(folder: Path) -> dict[str, str]:
    """Write the service file and return the environment that names it."""
    parameters = _get_parameters()
    # Spaces at the end of a line of a service file are lost, and a password may end with one.
    password = parameters.pop("password", "")
    service = folder / "service.conf"
    lines = [f"[{SERVICE_NAME}]", *(f"{name}={value}" for name, value in parameters.items())]
    service.touch(mode=0o600)
    service.write_text("\n".join(lines) + "\n", encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, "PGSERVICEFILE": str(service), **({"PGPASSWORD": str(password)} if password else {})}
