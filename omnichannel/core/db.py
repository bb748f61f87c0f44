"""Database functions that work on both SQLite and PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Aggregate, Model, TextField

SEPARATOR = "\x1f"  # the unit separator does not occur in text


class StringAgg(Aggregate):
    """Join the values of all rows with SEPARATOR; None when there are no rows."""

    function = "GROUP_CONCAT"
    name = "Joined"
    template = f"%(function)s(%(expressions)s, '{SEPARATOR}')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **extra)


def lock_transaction(namespace: int, key: int, *, is_waiting: bool) -> bool:
    """Take a lock that ends with the transaction; return whether it was taken.

    On SQLite a transaction excludes all others from its start, so it has the lock already.

    Args:
        namespace: a fixed number for the purpose of the lock.
        key: what is locked, such as a primary key.
        is_waiting: whether to wait for another transaction that holds the lock.
    """
    if connection.vendor != "postgresql":
        return True
    function = "pg_advisory_xact_lock" if is_waiting else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [namespace, key % 2**31])
        return cursor.fetchone()[0] is not False


def update_rows(model: type[Model], names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Set columns of many rows, to other values in each, in one statement.

    Args:
        model: the model of the rows.
        names: names of its fields.
        rows: for each row its primary key, then the values of these fields.
    """
    if not rows:
        return
    fields: list[Any] = [model._meta.pk, *map(model._meta.get_field, names)]
    table, *columns = map(connection.ops.quote_name, [model._meta.db_table, *(field.column for field in fields)])
    news = [_typed(f"new_rows.column{place}", field) for place, field in enumerate(fields, 1)]
    changes = ", ".join(f"{column} = {new}" for column, new in list(zip(columns, news, strict=True))[1:])
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    statement = (
        f"UPDATE {table} SET {changes} FROM (VALUES {places}) AS new_rows"  # noqa: S608 (names of columns only)
        f" WHERE {table}.{columns[0]} = {news[0]}"
    )
    values = [
        field.get_db_prep_save(value, connection) for row in rows for field, value in zip(fields, row, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _typed(value: str, field: Any) -> str:
    """Give a value its column's type: PostgreSQL takes a column of NULLs for text, SQLite would change dates."""
    return f"CAST({value} AS {field.cast_db_type(connection)})" if connection.vendor == "postgresql" else value
