"""What the migrations put into the tables, and how it comes back after a test that emptied them."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction


@dataclass(frozen=True)
class Rows:
    """The rows of one table, as the database's own driver gives and takes them."""

    table: str
    columns: list[str]
    values: list[tuple[Any, ...]]

    def put_back(self) -> None:
        names = ", ".join(map(connection.ops.quote_name, self.columns))
        places = ", ".join(["%s"] * len(self.columns))
        into = connection.ops.quote_name(self.table)
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {into} ({names}) VALUES ({places})", self.values)


def all_rows() -> list[Rows]:
    """Every table that has any; those that `flush` empties."""
    found = [_rows_of(table) for table in connection.introspection.django_table_names(include_views=False)]
    return [rows for rows in found if rows.values]


def _rows_of(table: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
        return Rows(table, [column[0] for column in cursor.description], cursor.fetchall())


def put_back(kept: list[Rows]) -> None:
    """In one transaction: what points at what is looked at when it ends."""
    with transaction.atomic():
        for rows in kept:
            rows.put_back()
