"""A time limit of its own for queries that people wait for and can narrow, such as a search."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import OperationalError, connections, transaction

INSTRUCTIONS_BETWEEN_CHECKS: Final = 10_000  # of SQLite's virtual machine, well under a millisecond
QUERY_CANCELED: Final = "57014"  # PostgreSQL's SQLSTATE after statement_timeout


class QueryTimeoutError(Exception):
    """The database did not finish a query in time."""


@contextmanager
def time_limited_queries(seconds: float, using: str = "default") -> Iterator[None]:
    """Limit the time of the queries in a block, which only read.

    On PostgreSQL each statement has the limit, and its planner uses indexes wherever there are any: its estimates for
    words are guesses. On SQLite the block has the limit as a whole.

    Raises:
        QueryTimeoutError: a query took longer. The connection and the transaction around the block can be used.
    """
    connection = connections[using]
    limit = _limit_on_postgresql if connection.vendor == "postgresql" else _limit_on_sqlite
    try:
        with limit(connection, seconds):
            yield
    except OperationalError as error:
        if _is_timeout(error):
            raise QueryTimeoutError from error
        raise


@contextmanager
def _limit_on_postgresql(connection: Any, seconds: float) -> Iterator[None]:
    settings = {"statement_timeout": f"{1000 * seconds:.0f}ms", "enable_seqscan": "off", "jit": "off"}
    with transaction.atomic(connection.alias):  # a rollback restores the settings
        previous = _exchange_settings(connection, settings)
        yield
        _exchange_settings(connection, previous)


def _exchange_settings(connection: Any, settings: dict[str, str]) -> dict[str, str]:
    """Set these settings for the transaction and return their former values."""
    with connection.cursor() as cursor:
        columns = ", ".join("current_setting(%s), set_config(%s, %s, true)" for _ in settings)
        cursor.execute(f"SELECT {columns}", [text for name, value in settings.items() for text in (name, name, value)])  # noqa: S608 (parameters)
        return dict(zip(settings, cursor.fetchone()[::2], strict=True))


@contextmanager
def _limit_on_sqlite(connection: Any, seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    deadline = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() >= deadline, INSTRUCTIONS_BETWEEN_CHECKS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _is_timeout(error: OperationalError) -> bool:
    cause = error.__cause__
    return getattr(cause, "sqlstate", "") == QUERY_CANCELED or "interrupted" in str(error)
