"""Measure how many rows the database reads for a query."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

# Tables whose number of rows grows with each conversation.
GROWING_TABLES = (
    "conversations_conversation",
    "conversations_message",
    "conversations_contact",
    "channels_whatsapp_webhookdelivery",
)


@dataclass(frozen=True)
class RowsRead:
    """The rows that a query has read from growing tables, and those it has returned."""

    sql: str
    read: int
    returned: int


def run_and_measure(function: Any) -> list[RowsRead]:
    """Call the function, and measure each query with which it has read rows."""
    with CaptureQueriesContext(connection) as queries:
        function()
    statements = [query["sql"] for query in queries.captured_queries]
    return [measure(sql) for sql in statements if sql.startswith(("SELECT", "(SELECT"))]


def measure(sql: str) -> RowsRead:
    """Run a query again, with its plan.

    SQLite counts no rows: a table that it reads as a whole counts with all its rows, and others not.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {sql}")
            (result,) = cursor.fetchone()
            (explained,) = json.loads(result) if isinstance(result, str) else result
            plan = explained["Plan"]
            return RowsRead(sql, sum(_rows_of(node) for node in _nodes(plan)), int(plan["Actual Rows"]))
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        steps = [row[-1] for row in cursor.fetchall()]
    return RowsRead(sql, sum(_count_rows(sql, step) for step in steps), 0)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _rows_of(node: dict[str, Any]) -> int:
    """Return the rows that a scan of a table has read in all its loops."""
    if not node.get("Relation Name", "").startswith(GROWING_TABLES):
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return round((node["Actual Rows"] + removed) * node["Actual Loops"])


def _count_rows(sql: str, step: str) -> int:
    """Return the number of rows of the table that this step of SQLite's plan reads as a whole; else 0."""
    match = re.fullmatch(r"SCAN (\w+)", step)
    if match is None:
        return 0
    named = re.search(rf'"(\w+)"\s+(?:AS\s+)?"?{match[1]}"?(?=\W)', sql)
    table = match[1] if match[1] in connection.introspection.table_names() else named and named[1]
    if not str(table).startswith(GROWING_TABLES) or table not in connection.introspection.table_names():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608 (a name from the schema)
        return int(cursor.fetchone()[0])
