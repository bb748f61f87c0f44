"""A snapshot of the rows that migrations create, to restore after a test that empties the tables."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction


@dataclass(frozen=True)
class TableRows:
    """The rows of one table, in the types of the database driver."""

    table: str
    columns: list[str]
    values: list[tuple[Any, ...]]

    def restore(self) -> None:
        names = ", ".join(map(connection.ops.quote_name, self.columns))
        placeholders = ", ".join(["%s"] * len(self.columns))
        table = connection.ops.quote_name(self.table)
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({placeholders})", self.values)


def read_all_tables() -> list[TableRows]:
    """Return the rows of all tables that `flush` empties and that have any."""
    tables = [_read_table(table) for table in connection.introspection.django_table_names(include_views=False)]
    return [rows for rows in tables if rows.values]


def _read_table(table: str) -> TableRows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
        return TableRows(table, [column[0] for column in cursor.description], cursor.fetchall())


def restore_tables(snapshot: list[TableRows]) -> None:
    """Insert the rows in one transaction: foreign keys are checked when it ends."""
    with transaction.atomic():
        for rows in snapshot:
            rows.restore()
