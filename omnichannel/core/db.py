"""Database functions that work on both SQLite and PostgreSQL."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

from django.db import connection
from django.db.models import Aggregate, CharField, IntegerField, Model, Subquery, TextField, Transform

from omnichannel.core.text.search_words import DIGIT_REPLACEMENTS, IGNORED_MARKS, LETTER_REPLACEMENTS, fold_text

SEPARATOR = "\x1f"  # the unit separator does not occur in text


class StringAgg(Aggregate):
    """Join the values of all rows with SEPARATOR; None when there are no rows."""

    function = "GROUP_CONCAT"
    name = "Joined"
    template = f"%(function)s(%(expressions)s, '{SEPARATOR}')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **extra)


class SubqueryCount(Subquery):
    """Count the rows of a query; slice it to count no more rows than that."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted_rows)"
    output_field = IntegerField()


def _build_folded_sql() -> str:
    """Return SQL that folds the expression `{text}` as `fold_text` does, for PostgreSQL."""
    single = {char: plain for char, plain in (LETTER_REPLACEMENTS | DIGIT_REPLACEMENTS).items() if len(plain) == 1}
    several = {char: plain for char, plain in LETTER_REPLACEMENTS.items() if len(plain) > 1}
    lower = "lower(normalize({text}, NFKD))"
    replaced = reduce(lambda sql, pair: f"replace({sql}, '{pair[0]}', '{pair[1]}')", several.items(), lower)
    translated = f"translate({replaced}, '{''.join(single)}', '{''.join(single.values())}')"
    return f"normalize(regexp_replace({translated}, '{IGNORED_MARKS}', '\\1', 'g'), NFC)"


_FOLDED_SQL: Final = _build_folded_sql()


@CharField.register_lookup
@TextField.register_lookup
class FoldedText(Transform):
    """Expression for a text as `fold_text` returns it; also the lookup `name__folded__contains`."""

    lookup_name = "folded"
    function = "folded"  # on SQLite, see register_sqlite_functions
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        text, params = compiler.compile(self.source_expressions[0])
        return f"lower({_FOLDED_SQL.format(text=text)})", [*params]


def register_sqlite_functions(connection: Any, **kwargs: Any) -> None:
    """Register `folded` with a new SQLite connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("folded", 1, _fold_or_none, deterministic=True)


def _fold_or_none(text: str | None) -> str | None:
    return None if text is None else fold_text(text)


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
