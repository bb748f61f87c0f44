"""Wake waiting processes right after a commit, so that they need not poll often.

A wake-up carries no data and may be lost, so whoever waits for one also polls at a slow interval.

On PostgreSQL it is a NOTIFY. A thread of its own sends it after the commit: NOTIFY inside a transaction makes the
commits of all such transactions wait for one another. On SQLite all processes are on one machine, and a listener
detects the commits of others by `PRAGMA data_version`; nothing is sent.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing
from enum import StrEnum
from functools import partial
from typing import Final

import psycopg
from django.conf import settings
from django.db import Error, connection, transaction
from psycopg import sql

logger = logging.getLogger(__name__)

COALESCE_SECONDS: Final = 0.005  # wake-ups that follow within this time are sent as one
SQLITE_POLL_SECONDS: Final = 0.05
STOP_CHECK_SECONDS: Final = 0.25
RECONNECT_SECONDS: Final = 1.0


class Channel(StrEnum):
    """Kinds of changes that a process waits for. The values are names of PostgreSQL channels."""

    DELIVERIES = "omnichannel_deliveries"
    EVENTS = "omnichannel_events"
    LANES = "omnichannel_lanes"


class _Sender:
    """A thread that sends the requested wake-ups of this process over a connection of its own."""

    def __init__(self) -> None:
        self._pending: set[Channel] = set()
        self._condition = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="wake-ups")
        self._thread.start()

    def add(self, channel: Channel) -> None:
        with self._condition:
            self._pending.add(channel)
            self._condition.notify()

    def stop(self) -> None:
        """Send what is pending, close the connection and end the thread."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping or self._pending:
            with self._condition:
                self._condition.wait_for(lambda: self._pending or self._is_stopping)
            time.sleep(COALESCE_SECONDS)
            with self._condition:
                channels, self._pending = self._pending, set()
            self._send(channels)
        connection.close()

    @staticmethod
    def _send(channels: Collection[Channel]) -> None:
        try:
            with connection.cursor() as cursor:
                for channel in sorted(channels):
                    cursor.execute("SELECT pg_notify(%s, '')", [channel])
        except Error as error:
            logger.warning("Could not wake other processes; they poll: %s", error)
            connection.close()


_sender: _Sender | None = None
_start_lock = threading.Lock()


def start_sender() -> None:
    """Let this process send wake-ups. Call it where a server or worker starts, never on import."""
    global _sender  # noqa: PLW0603 (one sender per process)
    with _start_lock:
        if _sender is None and connection.vendor == "postgresql":
            _sender = _Sender()


def stop_sender() -> None:
    """Send the pending wake-ups and stop."""
    global _sender  # noqa: PLW0603
    if _sender is not None:
        _sender.stop()
        _sender = None


def request_wakeup(channel: Channel) -> None:
    """Wake the listeners of a channel after the caller's transaction, or now outside one. Never blocks.

    Does nothing in a process without a sender, such as a management command: its changes are found by polling.
    """
    if _sender is not None:
        transaction.on_commit(partial(_sender.add, channel))


class Listener:
    """A thread that calls a function whenever one of the channels may have something new.

    It may call without a reason: at the start, after it has reconnected, and on SQLite after any commit.
    """

    def __init__(self, channels: Collection[Channel], callback: Callable[[], object]) -> None:
        self._channels, self._callback = channels, callback
        self._stop_event = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="wake-up-listener")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it, up to STOP_CHECK_SECONDS."""
        self._stop_event.set()
        self._thread.join()

    def _run(self) -> None:
        listen = self._listen_on_postgresql if connection.vendor == "postgresql" else self._poll_sqlite
        while not self._stop_event.is_set():
            try:
                listen()
            except (psycopg.Error, sqlite3.Error) as error:
                logger.warning("Could not listen for wake-ups; trying again: %s", error)
                self._stop_event.wait(RECONNECT_SECONDS)

    def _listen_on_postgresql(self) -> None:
        with _connect_directly() as listening:
            for channel in self._channels:
                listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._callback()
            while not self._stop_event.is_set():
                for _ in listening.notifies(timeout=STOP_CHECK_SECONDS, stop_after=1):
                    self._callback()

    def _poll_sqlite(self) -> None:
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as database:
            seen = None
            while not self._stop_event.wait(SQLITE_POLL_SECONDS if seen else 0):
                version = database.execute("PRAGMA data_version").fetchone()
                if version != seen:
                    seen = version
                    self._callback()


def _connect_directly() -> "psycopg.Connection[tuple[object, ...]]":
    """Connect for LISTEN, which a pooler in transaction mode does not support."""
    if settings.DATABASE_DIRECT_URL:
        return psycopg.connect(settings.DATABASE_DIRECT_URL, autocommit=True)
    return psycopg.connect(**{**connection.get_connection_params(), "autocommit": True})


def start_listener(channels: Collection[Channel], callback: Callable[[], object]) -> Listener:
    """Call the function after changes that `request_wakeup` announced, in a thread of its own, until `stop`.

    Args:
        channels: the channels to listen to.
        callback: called without arguments; must return quickly and may not use the database.
    """
    listener = Listener(channels, callback)
    listener.start()
    return listener
