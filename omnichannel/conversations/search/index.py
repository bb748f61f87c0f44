"""Full-text index of messages. All SQL that differs between PostgreSQL and SQLite is in this module.

PostgreSQL has an index over the words of every body, by its built-in full-text search; no extension is needed. SQLite
has an FTS5 table beside the messages, which triggers keep up to date. Both match words by prefix, ignoring case and the
accents of Latin letters.
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

# Letters that Unicode does not decompose, with the spelling people use without them on their keyboard.
_LETTER_REPLACEMENTS: Final[dict[str, str]] = {
    **{"ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"},
    **{"đ": "d", "Đ": "d", "ı": "i", "ё": "е", "Ё": "е"},
}
_LETTER_TRANSLATION: Final = {ord(letter): plain for letter, plain in _LETTER_REPLACEMENTS.items()}
_ACCENT_PATTERN: Final = re.compile("([A-Za-z])[\u0300-\u036f]+")


def fold_text(text: str) -> str:
    """Return the text in lower case, without accents on Latin letters: "Marín" becomes "marin"."""
    decomposed = unicodedata.normalize("NFD", text.translate(_LETTER_TRANSLATION))
    return unicodedata.normalize("NFC", _ACCENT_PATTERN.sub(r"\1", decomposed)).lower()


def _replace_letters_sql(body: str) -> str:
    """Return SQL that replaces the letters of _LETTER_REPLACEMENTS in an expression."""
    return reduce(lambda sql, pair: f"replace({sql}, '{pair[0]}', '{pair[1]}')", _LETTER_REPLACEMENTS.items(), body)


_UNACCENTED_SQL = (
    rf"regexp_replace(normalize({_replace_letters_sql('{text}')}, NFD), '([A-Za-z])[\u0300-\u036f]+', '\1', 'g')"
)
_FOLDED_SQL = f"normalize({_UNACCENTED_SQL}, NFC)"  # on PostgreSQL

_PUNCTUATION_SQL = (
    string.punctuation.replace("'", "''").replace("{", "{{").replace("}", "}}")
)  # passed to str.format below
# Replace punctuation with spaces: PostgreSQL would take "22-31" for a negative number and an address for one word.
_BLANKS_SQL = " " * len(string.punctuation)
_TSVECTOR_SQL = f"to_tsvector('simple'::regconfig, translate({_FOLDED_SQL}, '{_PUNCTUATION_SQL}', '{_BLANKS_SQL}'))"

# A contentless table: it stores only the words. The tokenizer removes accents.
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
    """Return the words of a search query, folded, at most MAX_WORDS."""
    return WORD_PATTERN.findall(fold_text(text))[:MAX_WORDS]


class HasWords(Func):
    """Expression that is true for messages whose body has a word with each of these prefixes."""

    output_field = BooleanField()

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(F("id"), F("body"), Value(" ".join(words)))
        self.words = words

    def __repr__(self) -> str:
        return f"HasWords({self.words})"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        pk, _ = compiler.compile(self.source_expressions[0])
        query = " ".join(f'"{word}"*' for word in self._words())
        return f"{pk} IN (SELECT rowid FROM {INDEX_NAME} WHERE {INDEX_NAME} MATCH %s)", (query,)  # noqa: S608 (a parameter)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        body, _ = compiler.compile(self.source_expressions[1])
        query = " & ".join(f"{word}:*" for word in self._words())
        return f"{_TSVECTOR_SQL.format(text=body).replace('%', '%%')} @@ to_tsquery('simple'::regconfig, %s)", [query]

    def _words(self) -> Sequence[str]:
        value: Any = self.source_expressions[2]
        return str(value.value).split()


class FoldedText(Func):
    """Expression for a text as `fold_text` returns it."""

    arity = 1
    function = "folded"  # on SQLite, see register_sqlite_functions
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        text, params = compiler.compile(self.source_expressions[0])
        return f"lower({_FOLDED_SQL.format(text=text)})", [*params]


def register_sqlite_functions(connection: Any, **kwargs: Any) -> None:
    """Register `folded` with a new SQLite connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("folded", 1, fold_text, deterministic=True)


def ensure_index(using: str = "default") -> None:
    """Create the index or its missing parts: SQLite drops the triggers of a table that it rebuilds."""
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
        triggers = {name for (name,) in cursor.fetchall()}
        if triggers >= set(_TRIGGER_SQL):
            return
        cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {_FTS_TABLE_SQL}")
        for name, trigger in _TRIGGER_SQL.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")
        cursor.execute(f"INSERT INTO {INDEX_NAME}({INDEX_NAME}) VALUES ('delete-all')")  # noqa: S608 (no value in it)
        rows = f"SELECT id, {_replace_letters_sql('body')} FROM {MESSAGE_TABLE}"  # noqa: S608
        cursor.execute(f"INSERT INTO {INDEX_NAME}(rowid, body) {rows}")


def drop_index(using: str = "default") -> None:
    """Drop the index, so that a migration can create it in another form."""
    connection = connections[using]
    objects = [f"INDEX IF EXISTS {INDEX_NAME}"]
    if connection.vendor == "sqlite":
        objects = [*(f"TRIGGER IF EXISTS {name}" for name in _TRIGGER_SQL), f"TABLE IF EXISTS {INDEX_NAME}"]
    with connection.cursor() as cursor:
        for name in objects:
            cursor.execute(f"DROP {name}")
