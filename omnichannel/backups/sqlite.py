"""Copy a SQLite database with its online backup API, while others write to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from django.db import connection

from omnichannel.backups.errors import BackupError
from omnichannel.backups.inspection import Query

FILE_NAME: Final = "database.sqlite3"
BUSY_TIMEOUT_SECONDS: Final = 60.0


def _open(path: Path, mode: str) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_SECONDS))


def _database_path() -> Path:
    return Path(connection.settings_dict["NAME"])


def _build_query(database: sqlite3.Connection) -> Query:
    return lambda statement: database.execute(statement).fetchall()


def read_server_version() -> str:
    return sqlite3.sqlite_version


@contextmanager
def take_snapshot(target: Path) -> Iterator[Query]:
    """Write the database to a file and yield a function that queries what was written."""
    if not _database_path().exists():
        raise BackupError(f"There is no database {_database_path()}.")
    with _open(_database_path(), "rw") as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)  # in one step: in WAL mode writers do not wait for it
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm
        _check_integrity(copy, target)
        yield _build_query(copy)


def _check_integrity(database: sqlite3.Connection, path: Path) -> None:
    results: list[tuple[Any, ...]] = database.execute("PRAGMA quick_check(1)").fetchall()
    if results != [("ok",)]:
        raise BackupError(f"{path} is damaged: {results[0][0]}.")


def require_empty() -> None:
    """Raise BackupError unless the database of the settings has no tables."""
    path = _database_path()
    if not path.exists():
        return
    with _open(path, "rw") as database:
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables:
        raise BackupError(
            f"The database {path} is not empty, and nothing was changed. Stop the server, move the file away with its "
            "-wal and -shm, or set DATABASE_URL to a file that does not exist. Then try again."
        )


def restore(source: Path) -> None:
    """Copy the file into the database of the settings, in one transaction."""
    with _open(source, "ro") as backup, _open(_database_path(), "rwc") as database:
        _check_integrity(backup, source)
        backup.backup(database)


@contextmanager
def open_database() -> Iterator[Query]:
    """Yield a function that queries the database of the settings."""
    with _open(_database_path(), "rw") as database:
        yield _build_query(database)
