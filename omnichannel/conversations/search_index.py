"""Messages found by their words. The only module that knows how PostgreSQL and SQLite each do that.

PostgreSQL has an index over the words of every body, by its built-in full-text search; no extension is needed. SQLite
has an FTS5 table beside the messages, which triggers keep up to date. Both find words by how they begin, in any case.
"""

import re
import string
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import BooleanField, F, Func, Value

MESSAGES = "conversations_message"
WORDS = "conversations_messagewords"
WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 8

_MARKS = string.punctuation.replace("'", "''").replace("{", "{{").replace("}", "}}")  # goes through `format`
# Order numbers and addresses would be one word each, or a negative number: what stands between is a space to us.
_VECTOR = f"to_tsvector('simple'::regconfig, translate({{body}}, '{_MARKS}', '{' ' * len(string.punctuation)}'))"

_ROW = f"{WORDS}(rowid, body) VALUES (new.id, new.body)"
_GONE = f"{WORDS}({WORDS}, rowid, body) VALUES ('delete', old.id, old.body)"
_TRIGGERS = {
    f"{WORDS}_added": f"AFTER INSERT ON {MESSAGES} BEGIN INSERT INTO {_ROW}; END",
    f"{WORDS}_gone": f"AFTER DELETE ON {MESSAGES} BEGIN INSERT INTO {_GONE}; END",
    f"{WORDS}_changed": (
        f"AFTER UPDATE OF body ON {MESSAGES} WHEN old.body IS NOT new.body"
        f" BEGIN INSERT INTO {_GONE}; INSERT INTO {_ROW}; END"
    ),
}


def words_in(text: str) -> list[str]:
    """The words of what somebody looks for, as both databases take them."""
    return WORD.findall(text.lower())[:MOST_WORDS]


class HasWords(Func):
    """Whether a message's body has all of these words, or words that begin so."""

    output_field = BooleanField()

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(F("id"), F("body"), Value(" ".join(words)))
        self.words = words

    def __repr__(self) -> str:
        return f"HasWords({self.words})"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        pk, _ = compiler.compile(self.source_expressions[0])
        asked = " ".join(f'"{word}"*' for word in self._words())
        return f"{pk} IN (SELECT rowid FROM {WORDS} WHERE {WORDS} MATCH %s)", (asked,)  # noqa: S608 (a parameter)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        body, _ = compiler.compile(self.source_expressions[1])
        asked = " & ".join(f"{word}:*" for word in self._words())
        return f"{_VECTOR.format(body=body).replace('%', '%%')} @@ to_tsquery('simple'::regconfig, %s)", [asked]

    def _words(self) -> Sequence[str]:
        last: Any = self.source_expressions[2]
        return str(last.value).split()


def ensure(using: str = "default") -> None:
    """Make the index, or what is missing of it: SQLite drops triggers with a table that is rebuilt."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s)", [WORDS])
            if cursor.fetchone() == (None,):
                cursor.execute(f"CREATE INDEX {WORDS} ON {MESSAGES} USING gin ({_VECTOR.format(body='body')})")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        known = {name for (name,) in cursor.fetchall()}
        if known >= set(_TRIGGERS):
            return
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {WORDS} USING fts5(body, content='{MESSAGES}', content_rowid='id',"
            " tokenize='unicode61 remove_diacritics 0', prefix='2 3')"
        )
        for name, trigger in _TRIGGERS.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")
        cursor.execute(f"INSERT INTO {WORDS}({WORDS}) VALUES ('rebuild')")  # noqa: S608 (no value in it)
