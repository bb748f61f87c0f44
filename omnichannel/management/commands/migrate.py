"""`manage.py migrate`: Django's command without a time limit, which refuses databases of other versions."""

import contextlib
from typing import Any

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from omnichannel.core.private_files import set_private_umask


class Command(migrate.Command):
    """Migrate without the statement time limit: rebuilding a large index takes longer than any page may."""

    def handle(self, *args: Any, **options: Any) -> None:
        set_private_umask()  # before SQLite creates its file
        connection = connections[options["database"]]
        _refuse_unknown_migrations(connection)
        unlimited = getattr(connection, "without_statement_timeout", contextlib.nullcontext)
        with unlimited():
            super().handle(*args, **options)


def _refuse_unknown_migrations(connection: Any) -> None:
    """Raise CommandError when the database has migrations that this version lacks: its tables may not fit."""
    loader = MigrationLoader(connection)
    unknown = sorted(
        f"{app}.{name}"
        for app, name in set(loader.applied_migrations or ()) - set(loader.disk_migrations or ())
        if app in loader.migrated_apps
    )
    if unknown:
        raise CommandError(
            f"This database was created by another version of Omnichannel ({unknown[-1]} is unknown here). "
            "Nothing was changed. Use that version, or start with an empty database: on a machine with demonstration "
            "data only, delete the folder var/."
        )
