"""Read what a manifest says about a database: its migrations, its rows, and the keys that decrypt it."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from channels_whatsapp.encrypted_fields import ENCRYPTED_PREFIX, EncryptedTextField
from omnichannel.backups.errors import BackupError

MIGRATIONS_TABLE: Final = "django_migrations"
KEY_CHECK_TEXT: Final = b"omnichannel"

# Runs a statement and returns its rows.
Query = Callable[[str], list[tuple[Any, ...]]]


def list_tables(query: Query) -> list[str]:
    """Return the tables of Omnichannel that exist in the database."""
    if connection.vendor == "sqlite":
        statement = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        statement = "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
    existing = {str(name) for (name,) in query(statement)}
    return sorted(existing & {*connection.introspection.django_table_names(), MIGRATIONS_TABLE})


def count_rows(query: Query, tables: list[str]) -> dict[str, int]:
    """Return the number of rows of each table."""
    quote = connection.ops.quote_name
    # S608: the names are those of tables that exist, quoted.
    return {table: query(f"SELECT count(*) FROM {quote(table)}")[0][0] for table in tables}  # noqa: S608


def list_migrations(query: Query) -> list[str]:
    """Return the applied migrations as `app.name`."""
    return [f"{app}.{name}" for app, name in query(f"SELECT app, name FROM {MIGRATIONS_TABLE} ORDER BY app, name")]  # noqa: S608


def find_unknown_migrations(migrations: list[str]) -> list[str]:
    """Return the migrations that this version of Omnichannel does not have."""
    loader = MigrationLoader(None)
    known = {f"{app}.{name}" for app, name in {*loader.disk_migrations, *loader.replacements}}
    return sorted(name for name in migrations if name not in known and name.split(".")[0] in loader.migrated_apps)


def has_pending_migrations(migrations: list[str]) -> bool:
    """Return whether this version has migrations that are not among these."""
    return not {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or {}} <= set(migrations)


# -- Keys -----------------------------------------------------------------------------------------------------------


def create_key_checks(query: Query) -> list[str]:
    """Return a known text encrypted with each of ENCRYPTION_KEYS that encrypted something in the database.

    Raises:
        BackupError: a stored value cannot be decrypted with any of them.
    """
    keys = {_find_key(value) for value in _list_encrypted_values(query)}
    if None in keys:
        raise BackupError(
            "ENCRYPTION_KEYS cannot decrypt everything that is stored, so a backup could not be used. Add the key that "
            "is missing, or enter the tokens anew in the administration."
        )
    return [Fernet(key).encrypt(KEY_CHECK_TEXT).decode("ascii") for key in sorted(filter(None, keys))]


def verify_keys(key_checks: list[str]) -> None:
    """Check that ENCRYPTION_KEYS include all keys that the database of a backup needs.

    Raises:
        BackupError: one is missing.
    """
    if any(_find_key(value) is None for value in key_checks):
        raise BackupError(
            "ENCRYPTION_KEYS cannot decrypt this backup. Set them to the keys of the server that made it, which are "
            "kept apart from the backup."
        )


def _find_key(value: str) -> str | None:
    """Return the key that decrypts the value."""
    for key in settings.ENCRYPTION_KEYS:
        try:
            Fernet(key).decrypt(value)
        except InvalidToken:
            continue
        return str(key)
    return None


def _list_encrypted_values(query: Query) -> Iterator[str]:
    quote, tables = connection.ops.quote_name, set(list_tables(query))
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField) and model._meta.db_table in tables:
                column = quote(str(field.column))
                rows = query(f"SELECT {column} FROM {quote(model._meta.db_table)} WHERE {column} <> ''")  # noqa: S608
                yield from (str(value).removeprefix(ENCRYPTED_PREFIX) for (value,) in rows)
