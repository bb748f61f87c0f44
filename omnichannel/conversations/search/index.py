"""Full-text index of messages. All SQL that differs between PostgreSQL and SQLite is in this module.

`Message.search_text` has the words of every body, from `omnichannel.core.text.search_words`. PostgreSQL has an index
over these words, by its built-in full-text search; no extension is needed. SQLite has an FTS5 table of the messages,
which triggers keep up to date.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.db import connections
from django.db.models import BooleanField, F, Func, QuerySet, Value

from omnichannel.core.text.search_words import build_search_text, get_required_words

MESSAGE_TABLE: Final = "conversations_message"
WORDS_COLUMN: Final = "search_text"
INDEX_NAME: Final = "conversations_messagesearch"
BATCH_SIZE: Final = 1000

# The words as they are: PostgreSQL's parser would split them by the rules of the database's locale. The high cost, and
# a language that is not inlined, make the planner use the index: it would take reading all messages for cheap.
_FUNCTION_NAME: Final = "conversations_search_vector"
_FUNCTION_SQL: Final = (
    f"CREATE OR REPLACE FUNCTION {_FUNCTION_NAME}(words text) RETURNS tsvector"
    " LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000"
    " AS 'BEGIN RETURN array_to_tsvector(string_to_array(words, '' '')); END'"
)

# A contentless table: it stores only the words. Its tokenizer splits at spaces, because words have no punctuation.
_FTS_TABLE_SQL: Final = f"{INDEX_NAME} USING fts5(words, content='', tokenize='ascii', prefix='2 3')"
_INSERT_ROW_SQL: Final = f"{INDEX_NAME}(rowid, words) VALUES (new.id, coalesce(new.{WORDS_COLUMN}, ''))"
_DELETE_ROW_SQL: Final = (
    f"{INDEX_NAME}({INDEX_NAME}, rowid, words) VALUES ('delete', old.id, coalesce(old.{WORDS_COLUMN}, ''))"
)
_TRIGGER_SQL: Final = {
    f"{INDEX_NAME}_added": f"AFTER INSERT ON {MESSAGE_TABLE} BEGIN INSERT INTO {_INSERT_ROW_SQL}; END",
    f"{INDEX_NAME}_deleted": f"AFTER DELETE ON {MESSAGE_TABLE} BEGIN INSERT INTO {_DELETE_ROW_SQL}; END",
    f"{INDEX_NAME}_changed": (
        f"AFTER UPDATE OF {WORDS_COLUMN} ON {MESSAGE_TABLE} WHEN old.{WORDS_COLUMN} IS NOT new.{WORDS_COLUMN}"
        f" BEGIN INSERT INTO {_DELETE_ROW_SQL}; INSERT INTO {_INSERT_ROW_SQL}; END"
    ),
}


class HasWords(Func):
    """Expression that is true for messages with each of these words, as split_words returns them."""

    output_field = BooleanField()

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(F("id"), F(WORDS_COLUMN), Value(" ".join(words)))
        self.words = words

    def __repr__(self) -> str:
        return f"HasWords({self.words})"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        pk, _ = compiler.compile(self.source_expressions[0])
        query = " ".join(f'"{word}"*' if is_prefix else f'"{word}"' for word, is_prefix in self._required_words())
        return f"{pk} IN (SELECT rowid FROM {INDEX_NAME} WHERE {INDEX_NAME} MATCH %s)", (query,)  # noqa: S608 (a parameter)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        words, _ = compiler.compile(self.source_expressions[1])
        query = " & ".join(f"'{word}':*" if is_prefix else f"'{word}'" for word, is_prefix in self._required_words())
        return f"{_FUNCTION_NAME}({words}) @@ %s::tsquery", [query]

    def _required_words(self) -> Iterator[tuple[str, bool]]:
        value: Any = self.source_expressions[2]
        for query_word in str(value.value).split():
            words, are_prefixes = get_required_words(query_word)
            yield from ((word, are_prefixes) for word in words)


def ensure_index(using: str = "default") -> None:
    """Create the index or its missing parts: SQLite drops the triggers of a table that it rebuilds."""
    connection = connections[using]
    if _index_exists(connection):
        return
    messages = apps.get_model("conversations", "Message").objects.using(using)
    for _count in rebuild_search_texts(messages.filter(search_text=None)):
        pass
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION_SQL)
            cursor.execute(f"CREATE INDEX {INDEX_NAME} ON {MESSAGE_TABLE} USING gin ({_FUNCTION_NAME}({WORDS_COLUMN}))")
            return
        cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {_FTS_TABLE_SQL}")
        for name, trigger in _TRIGGER_SQL.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")
        cursor.execute(f"INSERT INTO {INDEX_NAME}({INDEX_NAME}) VALUES ('delete-all')")  # noqa: S608 (no value in it)
        rows = f"SELECT id, coalesce({WORDS_COLUMN}, '') FROM {MESSAGE_TABLE}"  # noqa: S608
        cursor.execute(f"INSERT INTO {INDEX_NAME}(rowid, words) {rows}")


def _index_exists(connection: Any) -> bool:
    """Return whether the index is complete, or cannot be created because a migration was undone."""
    with connection.cursor() as cursor:
        columns = {column.name for column in connection.introspection.get_table_description(cursor, MESSAGE_TABLE)}
        if WORDS_COLUMN not in columns:
            return True
        if connection.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s)", [INDEX_NAME])
            return bool(cursor.fetchone() != (None,))
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in cursor.fetchall()} >= set(_TRIGGER_SQL)


def rebuild_search_texts(messages: QuerySet[Any]) -> Iterator[int]:
    """Store the words of these messages where they differ, batch by batch; yield the number of messages read."""
    rows, last_pk = messages.order_by("pk").only("pk", "body", WORDS_COLUMN), 0
    while batch := list(rows.filter(pk__gt=last_pk)[:BATCH_SIZE]):
        last_pk = batch[-1].pk
        changed = []
        for message in batch:
            words = build_search_text(message.body)
            if words != message.search_text:
                message.search_text = words
                changed.append(message)
        messages.model.objects.using(messages.db).bulk_update(changed, [WORDS_COLUMN])
        yield len(batch)
