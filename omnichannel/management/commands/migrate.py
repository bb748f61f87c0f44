"""`manage.py migrate`: Django's command without the statement time limit."""

import contextlib
from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Migrate without the statement time limit: rebuilding a large index takes longer than any page may."""

    def handle(self, *args: Any, **options: Any) -> None:
        unlimited = getattr(connections[options["database"]], "without_statement_timeout", contextlib.nullcontext)
        with unlimited():
            super().handle(*args, **options)
