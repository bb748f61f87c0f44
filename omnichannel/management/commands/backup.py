"""`manage.py backup FOLDER`: back up the database and the received files while the server runs."""

import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from omnichannel.backups.create import create_backup, delete_old_backups
from omnichannel.backups.errors import DRIVER_ERRORS, BackupError
from omnichannel.core.private_files import set_private_umask


class Command(BaseCommand):
    """Create a backup."""

    help = "Back up the database and the received files into a new folder below FOLDER, while the server runs."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="Folder of the backups; it is created if it does not exist.")
        parser.add_argument("--keep", type=int, help="Afterwards delete all but this many of the newest backups.")

    def handle(self, *, folder: Path, keep: int | None, **options: Any) -> None:
        if keep is not None and keep < 1:
            raise CommandError(f"--keep must be 1 or more, not {keep}.")
        set_private_umask()
        # An exception, so that an interrupted backup is deleted.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            backup = create_backup(folder, now=timezone.now())
            deleted = delete_old_backups(folder, keep=keep) if keep else []
        except BackupError as error:
            raise CommandError(str(error)) from error
        except DRIVER_ERRORS as error:
            raise CommandError(f"The database cannot be used. Check DATABASE_URL. {error}".strip()) from error
        except OSError as error:
            raise CommandError(f"The backup could not be written: {error}.") from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted. The incomplete backup was deleted.") from None
        self.stdout.write(f"Backed up to {backup}")
        for path in deleted:
            self.stdout.write(f"Deleted {path}")
