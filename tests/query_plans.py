"""Measure how many rows the database reads for a query."""

import json
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
    """Run a query again, with its plan, on PostgreSQL; SQLite does not count rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {sql}")
        (result,) = cursor.fetchone()
    (explained,) = json.loads(result) if isinstance(result, str) else result
    plan = explained["Plan"]
    return RowsRead(sql, sum(_rows_of(node) for node in _nodes(plan)), int(plan["Actual Rows"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _rows_of(node: dict[str, Any]) -> int:
    """Return the rows that a scan of a table has read in all its loops."""
    if not node.get("Relation Name", "").startswith(GROWING_TABLES):
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])
