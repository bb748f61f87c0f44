"""Restore a backup into an empty database and an empty folder of files."""

from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from omnichannel.backups import inspection, media
from omnichannel.backups.create import get_database_module
from omnichannel.backups.errors import BackupError
from omnichannel.backups.manifest import MEDIA_FOLDER, Manifest, read_manifest, verify_files

DATABASE_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class RestoredBackup:
    """Result of a restore."""

    rows: int
    tables: int
    media_files: int
    needs_migration: bool


def restore_backup(folder: Path) -> RestoredBackup:
    """Restore the backup in this folder.

    Everything is checked before anything is written. Files are restored first: without the rows, which follow in one
    transaction, nothing refers to them.

    Raises:
        BackupError: the backup is damaged or does not fit, or the place is not empty; nothing was changed.
    """
    manifest, database = read_manifest(folder), get_database_module()
    _verify_fit(manifest)
    inspection.verify_keys(manifest.key_checks)
    database.require_empty()
    media.require_empty()
    names = verify_files(folder, manifest)
    stored = media.restore_files(folder, (name for name in names if name.startswith(f"{MEDIA_FOLDER}/")))
    try:
        database.restore(folder / manifest.database_file)
    except BaseException:
        media.delete_files(stored)
        raise
    _verify_database(manifest)
    rows = manifest.row_counts
    needs_migration = inspection.has_pending_migrations(manifest.migrations)
    return RestoredBackup(sum(rows.values()), len(rows), len(stored), needs_migration)


def _verify_fit(manifest: Manifest) -> None:
    """Raise BackupError if the backup is for another database, or of a newer version of Omnichannel."""
    if manifest.vendor != connection.vendor:
        made, set_up = (DATABASE_NAMES.get(vendor, vendor) for vendor in (manifest.vendor, connection.vendor))
        raise BackupError(f"This is a backup of {made}, but DATABASE_URL names {set_up}. Set it to an empty {made}.")
    if unknown := inspection.find_unknown_migrations(manifest.migrations):
        raise BackupError(
            f"This backup was made by another version of Omnichannel ({unknown[-1]} is unknown here). "
            "Install that version or a newer one."
        )


def _verify_database(manifest: Manifest) -> None:
    """Compare the restored database with the manifest."""
    with get_database_module().open_database() as query:
        counts = inspection.count_rows(query, list(manifest.row_counts))
        inspection.create_key_checks(query)
    different = [table for table, count in manifest.row_counts.items() if counts[table] != count]
    if different:
        raise BackupError(
            f"The restored database differs from the backup in {', '.join(different)}. Do not use it: start again with "
            "an empty one, and make sure that no server runs meanwhile."
        )
