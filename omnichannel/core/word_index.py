"""Index of the words of texts, by which the newest texts with some words are found at the same cost in any number.

A table has one row per text: its key and its words. Each word begins with the number of the block of keys that the text
is in, so that the newest block is searched without reading what older blocks have. PostgreSQL has a GIN index over the
words, SQLite a contentless FTS5 table that triggers keep up to date. All SQL that differs between the two is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db import connections, models

BLOCK_BITS: Final = 15  # a block has 32,768 keys
# The newest rows are compared one by one: a word that many of them have is found without reading its whole block.
NEWEST_ROWS: Final = 4096
BLOCK_MARK: Final = "#"  # in a template of a condition, where the number of the block belongs; no word contains it


class RequiredWord(NamedTuple):
    """A word that a text must have, or the beginning of one."""

    word: str
    is_prefix: bool


Alternatives = Sequence[Sequence[RequiredWord]]


class WordsField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """The words of a text with the number of their block, as `WordIndex` stores them; never edited."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"


@dataclass(frozen=True)
class WordIndex:
    """The index over the rows of a table with a key and a `WordsField` named `words`.

    Words consist of letters, marks, digits, emoji and the characters `@+&_.-`.
    """

    table: str
    key: str

    @property
    def name(self) -> str:
        """Return the name of the GIN index or of the FTS5 table."""
        return f"{self.table}_index"

    # -- Create -------------------------------------------------------------------------------------------------------

    def create(self, using: str = "default") -> None:
        """Create the index or its missing parts: SQLite drops the triggers of a table that it rebuilds."""
        connection = connections[using]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                self._create_on_postgresql(cursor)
            elif not self._is_complete_on_sqlite(cursor):
                self._create_on_sqlite(cursor)

    def _create_on_postgresql(self, cursor: Any) -> None:
        cursor.execute("SELECT to_regclass(%s)", [self.name])
        if cursor.fetchone() == (None,):
            # Without fastupdate: its list of pending rows is read as a whole for every block of a search.
            cursor.execute(f"CREATE INDEX {self.name} ON {self.table} USING gin (words) WITH (fastupdate = off)")

    def _is_complete_on_sqlite(self, cursor: Any) -> bool:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE %s", [f"{self.name}%"])
        return {name for (name,) in cursor.fetchall()} >= {self.name, *self._triggers}

    def _create_on_sqlite(self, cursor: Any) -> None:
        options = "content='', tokenize=\"ascii tokenchars ':@+&_.-'\""
        cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {self.name} USING fts5(words, {options})")
        for name, trigger in self._triggers.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {trigger}")
        cursor.execute(f"INSERT INTO {self.name}({self.name}) VALUES ('delete-all')")  # noqa: S608 (no value in it)
        cursor.execute(f"INSERT INTO {self.name}(rowid, words) SELECT {self.key}, words FROM {self.table}")  # noqa: S608

    @property
    def _triggers(self) -> dict[str, str]:
        """Return name and definition of the triggers by which SQLite's index follows the table."""
        add = f"INSERT INTO {self.name}(rowid, words) VALUES (new.{self.key}, new.words)"  # noqa: S608 (names)
        remove = f"INSERT INTO {self.name}({self.name}, rowid, words) VALUES ('delete', old.{self.key}, old.words)"  # noqa: S608
        return {
            f"{self.name}_added": f"AFTER INSERT ON {self.table} BEGIN {add}; END",
            f"{self.name}_deleted": f"AFTER DELETE ON {self.table} BEGIN {remove}; END",
            f"{self.name}_changed": f"AFTER UPDATE OF words ON {self.table} BEGIN {remove}; {add}; END",
        }

    # -- Store --------------------------------------------------------------------------------------------------------

    def store(self, words: Mapping[int, Sequence[str]], *, using: str = "default", add: bool = False) -> None:
        """Store the words of these texts, in one statement on PostgreSQL.

        Args:
            words: the different words of each text, by its key.
            using: the database.
            add: keep the words that a text already has.
        """
        if not words:
            return
        connection = connections[using]
        rows = {key: " ".join(f"{key >> BLOCK_BITS:x}:{word}" for word in words[key]) for key in sorted(words)}
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    self._store_sql(_POSTGRESQL_ROWS, "||" if add else ""), [list(rows), list(rows.values())]
                )
            else:
                # One row a statement: SQLite prepares it once, and the rows of a transaction are cheap.
                cursor.executemany(
                    self._store_sql("SELECT %s, %s WHERE true", "|| ' ' ||" if add else ""), list(rows.items())
                )

    def _store_sql(self, rows: str, concatenation: str) -> str:
        """Return the statement that inserts rows of key and words, or replaces their words."""
        words = f"{self.table}.words {concatenation} excluded.words" if concatenation else "excluded.words"
        return (
            f"INSERT INTO {self.table} ({self.key}, words) {rows}"  # noqa: S608 (names)
            f" ON CONFLICT ({self.key}) DO UPDATE SET words = {words}"
        )

    # -- Find ---------------------------------------------------------------------------------------------------------

    def find(
        self, alternatives: Alternatives, *, limit: int, before: int | None = None, using: str = "default"
    ) -> list[int]:
        """Return the keys of the newest texts that have all words of one of the alternatives, newest first.

        Args:
            alternatives: lists of words, none of them empty.
            limit: the highest number of keys.
            before: only smaller keys are returned.
            using: the database.
        """
        connection = connections[using]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                return self._find_on_postgresql(cursor, _build_tsquery(alternatives), limit, before)
            return self._find_on_sqlite(cursor, _build_fts5_query(alternatives), limit, before)

    def _find_on_postgresql(self, cursor: Any, condition: str, limit: int, before: int | None) -> list[int]:
        if before is None and len(keys := self._find_among_newest(cursor, condition, limit)) == limit:
            return keys
        before = 1 << 62 if before is None else before
        cursor.execute(
            # noqa: S608 below (names): the blocks that have rows, newest first, read one after the other until `limit`
            # rows are found. Sums of zero keep the planner from walking through the primary key instead.
            f"""
            WITH RECURSIVE block(number) AS (
                SELECT (SELECT max({self.key}) FROM {self.table} WHERE {self.key} < %s) >> {BLOCK_BITS}
                UNION ALL
                SELECT (SELECT max({self.key}) FROM {self.table} WHERE {self.key} < number << {BLOCK_BITS})
                    >> {BLOCK_BITS} FROM block WHERE number IS NOT NULL
            )
            SELECT match.key FROM block CROSS JOIN LATERAL (
                SELECT {self.key} AS key FROM {self.table}
                WHERE words @@ replace(%s, '{BLOCK_MARK}', to_hex(number))::tsquery AND {self.key} + 0 < %s
                ORDER BY {self.key} + 0 DESC LIMIT %s
            ) match LIMIT %s
            """,  # noqa: S608
            [before, condition, before, limit, limit],
        )
        return [key for (key,) in cursor.fetchall()]

    def _find_among_newest(self, cursor: Any, condition: str, limit: int) -> list[int]:
        cursor.execute(
            f"SELECT key FROM (SELECT {self.key} AS key, words FROM {self.table} ORDER BY {self.key} DESC LIMIT %s)"  # noqa: S608
            f" newest WHERE words @@ replace(%s, '{BLOCK_MARK}', to_hex(key >> {BLOCK_BITS}))::tsquery"
            " ORDER BY key DESC LIMIT %s",
            [NEWEST_ROWS, condition, limit],
        )
        return [key for (key,) in cursor.fetchall()]

    def _find_on_sqlite(self, cursor: Any, condition: str, limit: int, before: int | None) -> list[int]:
        keys: list[int] = []
        before = 1 << 62 if before is None else before
        while len(keys) < limit and (newest := self._get_newest_key(cursor, before)) is not None:
            block = newest >> BLOCK_BITS
            cursor.execute(
                f"SELECT rowid FROM {self.name} WHERE {self.name} MATCH %s AND rowid < %s"  # noqa: S608 (names)
                " ORDER BY rowid DESC LIMIT %s",
                [condition.replace(BLOCK_MARK, f"{block:x}"), before, limit - len(keys)],
            )
            keys += [key for (key,) in cursor.fetchall()]
            before = block << BLOCK_BITS
        return keys

    def _get_newest_key(self, cursor: Any, before: int) -> int | None:
        cursor.execute(f"SELECT max({self.key}) FROM {self.table} WHERE {self.key} < %s", [before])  # noqa: S608 (names)
        newest: int | None = cursor.fetchone()[0]
        return newest


_POSTGRESQL_ROWS: Final = (
    "SELECT key, array_to_tsvector(string_to_array(words, ' '))"
    " FROM unnest(CAST(%s AS bigint[]), CAST(%s AS text[])) AS rows(key, words)"
)


def _build_tsquery(alternatives: Alternatives) -> str:
    """Return the condition in PostgreSQL's syntax, with BLOCK_MARK for the block."""
    return " | ".join(
        "(" + " & ".join(f"'{BLOCK_MARK}:{word}'" + (":*" if is_prefix else "") for word, is_prefix in words) + ")"
        for words in alternatives
    )


def _build_fts5_query(alternatives: Alternatives) -> str:
    """Return the condition in SQLite's syntax, with BLOCK_MARK for the block."""
    return " OR ".join(
        "(" + " AND ".join(f'"{BLOCK_MARK}:{word}"' + ("*" if is_prefix else "") for word, is_prefix in words) + ")"
        for words in alternatives
    )
