"""Database functions that work on both SQLite and PostgreSQL."""

from functools import reduce
from typing import Any, Final

from django.db.models import Aggregate, CharField, IntegerField, Subquery, TextField, Transform

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
