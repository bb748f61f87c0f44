"""Django's PostgreSQL backend with a limit on how long the client waits for a statement.

PostgreSQL's own `statement_timeout` is enforced by the server, so it does not help when the server is frozen or its
machine is gone. Here the client stops waiting, asks the server to cancel the statement, and drops the connection.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen
from psycopg.errors import _WaitTimeout

# psycopg wakes up this often while it waits, so that Ctrl-C works; its own default.
WAIT_INTERVAL_SECONDS = 0.1
CANCEL_TIMEOUT_SECONDS = 1.0


class TimeLimitedConnection(psycopg.Connection[Any]):
    """A connection whose statements fail with OperationalError after `statement_timeout` seconds.

    None sets no limit.
    """

    statement_timeout: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = WAIT_INTERVAL_SECONDS, timeout: float | None = None) -> RV:
        """Wait for the server; a limit the caller gives takes precedence over the connection's own."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.statement_timeout)
        except _WaitTimeout as error:
            self._cancel_and_close()
            message = f"The database did not answer within {self.statement_timeout:g} seconds."
            raise psycopg.OperationalError(message) from error

    def _cancel_and_close(self) -> None:
        """Cancel the statement if the server still listens, and close: nobody may read its late answer."""
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)
        self.close()


class DatabaseWrapper(base.DatabaseWrapper):
    """Take the limit from `DATABASES[…]["STATEMENT_TIMEOUT"]`."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> TimeLimitedConnection:
        """Connect as Django does, in the isolation level READ COMMITTED."""
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection = TimeLimitedConnection.connect(**conn_params)
        connection.statement_timeout = self.settings_dict.get("STATEMENT_TIMEOUT")
        return connection

    @contextlib.contextmanager
    def without_statement_timeout(self) -> Iterator[None]:
        """Let this thread's statements take as long as they need: migrations rebuild whole tables."""
        self.ensure_connection()
        limited = self.connection
        limited.statement_timeout = None
        try:
            yield
        finally:
            limited.statement_timeout = self.settings_dict.get("STATEMENT_TIMEOUT")
