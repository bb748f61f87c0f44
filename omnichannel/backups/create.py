"""Create a backup while the server runs."""

import os
import platform
import re
import shutil
import tempfile
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Final

import django
from django.db import connection

from omnichannel.backups import inspection, media, postgresql, sqlite
from omnichannel.backups.errors import BackupError
from omnichannel.backups.manifest import MANIFEST_NAME, Manifest, compute_checksum, write_checksums

NAME_FORMAT: Final = "omnichannel-%Y-%m-%dT%H-%M-%SZ"
NAME_PATTERN: Final = re.compile(r"omnichannel-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
INCOMPLETE_PREFIX: Final = ".incomplete-"


def get_database_module() -> ModuleType:
    """Return the module for the database of the settings."""
    return sqlite if connection.vendor == "sqlite" else postgresql


def create_backup(parent: Path, *, now: datetime) -> Path:
    """Create a backup in a new folder below `parent` and return it.

    It is written to a hidden folder, which is renamed when it is complete. Files are copied after the database: what a
    row refers to was stored before the row, so every file of the backup's rows is there.

    Args:
        parent: created if it does not exist.
        now: the time in UTC that names the folder.

    Raises:
        BackupError: it could not be made; nothing is left of it.
    """
    target = parent / now.strftime(NAME_FORMAT)
    if target.exists():
        raise BackupError(f"{target} exists already.")
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=INCOMPLETE_PREFIX, dir=parent))
    try:
        _write_backup(draft, now)
        os.sync()  # the rename says that everything is on disk
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target


def _write_backup(folder: Path, now: datetime) -> None:
    database = get_database_module()
    database_file = folder / database.FILE_NAME
    with database.take_snapshot(database_file) as query:
        tables = inspection.list_tables(query)
        if inspection.MIGRATIONS_TABLE not in tables:
            raise BackupError("The database has no tables of Omnichannel: there is nothing to back up.")
        migrations, row_counts = inspection.list_migrations(query), inspection.count_rows(query, tables)
        key_checks = inspection.create_key_checks(query)
    media_checksums = list(media.copy_files(folder))
    database_checksum = (database_file.name, compute_checksum(database_file))
    Manifest(
        created_at=now.isoformat(timespec="seconds"),
        vendor=connection.vendor,
        database_file=database_file.name,
        versions=_list_versions(database.read_server_version()),
        migrations=migrations,
        row_counts=row_counts,
        key_checks=key_checks,
        media_files=len(media_checksums),
        checksums=write_checksums(folder, chain([database_checksum], media_checksums)),
    ).write(folder)


def _list_versions(database: str) -> dict[str, str]:
    return {"python": platform.python_version(), "django": django.get_version(), "database": database}


def delete_old_backups(parent: Path, *, keep: int) -> list[Path]:
    """Delete all complete backups below `parent` but the newest; return the deleted folders."""
    backups = sorted(
        path for path in parent.iterdir() if NAME_PATTERN.fullmatch(path.name) and (path / MANIFEST_NAME).exists()
    )
    old = backups[: max(len(backups) - keep, 0)]
    for path in old:
        shutil.rmtree(path)
    return old
