"""Messages found by their words. The only module that knows how PostgreSQL and SQLite each do that.

PostgreSQL has an index over the words of every body, by its built-in full-text search; no extension is needed. SQLite
has an FTS5 table beside the messages, which triggers keep up to date. Both find words by how they begin, in any case,
with or without the accents of Latin letters.
"""

import re
import string
import unicodedata
from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

from django.db import connections
from django.db.models import BooleanField, CharField, F, Func, Value

MESSAGE_TABLE = "conversations_message"
INDEX_NAME = "conversations_messagewords"
WORD_PATTERN = re.compile(r"[^\W_]+")
MAX_WORDS = 8

# Letters that are none with an accent to Unicode, and what people write who do not have them on their keyboard.
_LETTER_REPLACEMENTS: Final[dict[str, str]] = {
    **{"ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"},
    **{"đ": "d", "Đ": "d", "ı": "i", "ё": "е", "Ё": "е"},
}
_LETTER_TRANSLATION: Final = {ord(letter): plain for letter, plain in _LETTER_REPLACEMENTS.items()}
_ACCENT_PATTERN: Final = re.compile("([A-Za-z])[\u0300-\u036f]+")


def fold_text(text: str) -> str:
    """In small letters, Latin ones without accents: "Marín" and "marin" are the same to who looks for them."""
    plain = unicodedata.normalize("NFD", text.translate(_LETTER_TRANSLATION))
    return unicodedata.normalize("NFC", _ACCENT_PATTERN.sub(r"\1", plain)).lower()


def _replace_letters_sql(body: str) -> str:
    """SQL for the same of `body`, but for accents and capitals."""
    return reduce(lambda sql, pair: f"replace({sql}, '{pair[0]}', '{pair[1]}')", _LETTER_REPLACEMENTS.items(), body)


_UNACCENTED_SQL = (
    rf"regexp_replace(normalize({_replace_letters_sql('{text}')}, NFD), '([A-Za-z])[\u0300-\u036f]+', '\1', 'g')"
)
_FOLDED_SQL = f"normalize({_UNACCENTED_SQL}, NFC)"  # on PostgreSQL

_PUNCTUATION_SQL = string.punctuation.replace("'", "''").replace("{", "{{").replace("}", "}}")  # goes through `format`
# Order numbers and addresses would be one word each, or a negative number: what stands between is a space to us.
_TSVECTOR_SQL = f"to_tsvector('simple'::regconfig, translate({_FOLDED_SQL}, '{_PUNCTUATION_SQL}', '{' ' * len(string.punctuation)}'))"

# The table keeps no text, only the words: SQLite itself leaves out the accents.
_FTS_TABLE_SQL = f"{INDEX_NAME} USING fts5(body, content='', tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
_INSERT_ROW_SQL = f"{INDEX_NAME}(rowid, body) VALUES (new.id, {_replace_letters_sql('new.body')})"
_DELETE_ROW_SQL = (
    f"{INDEX_NAME}({INDEX_NAME}, rowid, body) VALUES ('delete', old.id, {_replace_letters_sql('old.body')})"
)
_TRIGGER_SQL = {
    f"{INDEX_NAME}_added": f"AFTER INSERT ON {MESSAGE_TABLE} BEGIN INSERT INTO {_INSERT_ROW_SQL}; END",
    f"{INDEX_NAME}_gone": f"AFTER DELETE ON {MESSAGE_TABLE} BEGIN INSERT INTO {_DELETE_ROW_SQL}; END",
    f"{INDEX_NAME}_changed": (
        f"AFTER UPDATE OF body ON {MESSAGE_TABLE} WHEN old.body IS NOT new.body"
        f" BEGIN INSERT INTO {_DELETE_ROW_SQL}; INSERT INTO {_INSERT_ROW_SQL}; END"
    ),
}


def split_words(text: str) -> list[str]:
    """The words of what somebody looks for, as both databases take them."""
    return WORD_PATTERN.findall(fold_text(text))[:MAX_WORDS]


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
        return f"{pk} IN (SELECT rowid FROM {INDEX_NAME} WHERE {INDEX_NAME} MATCH %s)", (asked,)  # noqa: S608 (a parameter)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        body, _ = compiler.compile(self.source_expressions[1])
        asked = " & ".join(f"{word}:*" for word in self._words())
        return f"{_TSVECTOR_SQL.format(text=body).replace('%', '%%')} @@ to_tsquery('simple'::regconfig, %s)", [asked]

    def _words(self) -> Sequence[str]:
        last: Any = self.source_expressions[2]
        return str(last.value).split()


class FoldedText(Func):
    """A name as `folded` writes it."""

    arity = 1
    function = "folded"  # on SQLite; every connection is taught it
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        text, given = compiler.compile(self.source_expressions[0])
        return f"lower({_FOLDED_SQL.format(text=text)})", [*given]


def register_sqlite_functions(connection: Any, **kwargs: Any) -> None:
    """Let a new connection to SQLite leave out accents."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("folded", 1, fold_text, deterministic=True)


def ensure_index(using: str = "default") -> None:
    """Make the index, or what is missing of it: SQLite drops triggers with a table that is rebuilt."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s)", [INDEX_NAME])
            if cursor.fetchone() == (None,):
                cursor.execute(
                    f"CREATE INDEX {INDEX_NAME} ON {MESSAGE_TABLE} USING gin ({_TSVECTOR_SQL.format(text='body')})"
                )
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        known = {name for (name,) in cursor.fetchall()}
        if known >= set(_TRIGGER_SQL):
            return
        cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {_FTS_TABLE_SQL}")
        for name, trigger in _TRIGGER_SQL.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")
        cursor.execute(f"INSERT INTO {INDEX_NAME}({INDEX_NAME}) VALUES ('delete-all')")  # noqa: S608 (no value in it)
        words = f"SELECT id, {_replace_letters_sql('body')} FROM {MESSAGE_TABLE}"  # noqa: S608
        cursor.execute(f"INSERT INTO {INDEX_NAME}(rowid, body) {words}")


def drop_index(using: str = "default") -> None:
    """Take the index away, to be made anew in another way."""
    connection = connections[using]
    gone = [f"INDEX IF EXISTS {INDEX_NAME}"]
    if connection.vendor == "sqlite":
        gone = [*(f"TRIGGER IF EXISTS {name}" for name in _TRIGGER_SQL), f"TABLE IF EXISTS {INDEX_NAME}"]
    with connection.cursor() as cursor:
        for one in gone:
            cursor.execute(f"DROP {one}")
