"""`manage.py restore FOLDER`: restore a backup into an empty database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from omnichannel.backups.errors import DRIVER_ERRORS, BackupError
from omnichannel.backups.restore import restore_backup
from omnichannel.core.private_files import set_private_umask


class Command(BaseCommand):
    """Restore a backup."""

    help = "Restore a backup into the empty database and the empty MEDIA_ROOT of the settings."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="Folder of one backup, as `manage.py backup` printed it.")

    def handle(self, *, folder: Path, **options: Any) -> None:
        set_private_umask()
        try:
            restored = restore_backup(folder)
        except BackupError as error:
            raise CommandError(str(error)) from error
        except DRIVER_ERRORS as error:
            raise CommandError(f"The database cannot be used. Check DATABASE_URL. {error}".strip()) from error
        except OSError as error:
            raise CommandError(f"The backup could not be restored: {error}.") from error
        self.stdout.write(
            f"Restored {restored.rows} rows of {restored.tables} tables and {restored.media_files} files. "
            "Rows, checksums and keys agree with the backup."
        )
        if restored.needs_migration:
            self.stdout.write("The backup is of an older version: run `manage.py migrate` before the start.")
