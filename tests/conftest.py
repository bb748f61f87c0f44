"""Fixtures and hooks of all tests: database marker, temporary media folder, no connections to other machines."""

import contextlib
import datetime as dt
import gc
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
import time_machine
from django.core.management.commands import flush
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import SimpleTestCase

from channels_whatsapp.backends import memory
from channels_whatsapp.models import WhatsAppNumber
from tests import builders
from tests.admin_client import UserClient, create_signed_in_client
from tests.db_snapshot import read_all_tables, restore_tables
from tests.media_server import FileServer, run_file_server

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
# pytest-django blocks the database for tests that use none of these fixtures.
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}


def _uses_database(item: pytest.Item) -> bool:
    case = getattr(item, "cls", None)
    return (
        item.get_closest_marker("django_db") is not None
        or not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        or (isinstance(case, type) and issubclass(case, SimpleTestCase))
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="Count a skipped test as failed, as `make test` does.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With --fail-on-skip, a test may be skipped only if it is marked `may_skip`."""
    report = yield
    if item.get_closest_marker("may_skip") is None:
        _fail_if_skipped(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """With --fail-on-skip, no module may be skipped while it is imported."""
    report = yield
    _fail_if_skipped(collector.config, report)
    return report


def _fail_if_skipped(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and config.getoption("--fail-on-skip"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which --fail-on-skip does not allow: {report.longrepr}"


@pytest.hookimpl(tryfirst=True)  # before `-m` selects tests by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the database: `make test` runs them on SQLite and PostgreSQL, and the others once."""
    for item in items:
        if _uses_database(item):
            item.add_marker("database")


def pytest_collection_finish() -> None:
    """Exclude imported modules from garbage collection: they live until the end, and scanning them costs time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _temporary_media_root(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Restore the rows that migrations created after each test that empties all tables.

    Django would create permissions, and from them roles, again after each such test, which takes longer than most
    tests.
    """
    with django_db_blocker.unblock():
        snapshot = read_all_tables()
    with pytest.MonkeyPatch.context() as patch, _closing_connections_of_threads():
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: restore_tables(snapshot))
        yield


@contextlib.contextmanager
def _closing_connections_of_threads() -> Iterator[None]:
    """Close at the end what threads have left open: PostgreSQL drops no database that somebody is connected to."""
    opened: WeakSet[BaseDatabaseWrapper] = WeakSet()

    def remember(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
        opened.add(connection)

    connection_created.connect(remember)
    yield
    connection_created.disconnect(remember)
    for connection in opened:
        connection.inc_thread_sharing()
        connection.close()


@pytest.fixture(autouse=True, scope="session")
def _block_external_connections() -> Iterator[None]:
    """Fail a test that opens a connection to another machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = str(address[0]) if self.family in {socket.AF_INET, socket.AF_INET6} else "localhost"
        if not host.startswith("127.") and host not in LOOPBACK_HOSTS:
            raise AssertionError(f"A test tried to connect to {address!r}, on another machine.")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture
def memory_backend(settings: Any) -> Iterator[memory.MemoryBackend]:
    """Replace Twilio with a backend in memory that records what is sent and gives the answers a test chooses."""
    settings.WHATSAPP_BACKEND = "memory"
    memory.backend.reset()
    yield memory.backend
    memory.backend.reset()


@pytest.fixture
def admin_client(db: None) -> UserClient:
    """Return a client signed in as Ada, who has the role Administrator but is no superuser."""
    return create_signed_in_client("Administrator", "Ada")


@pytest.fixture
def number(db: None) -> WhatsAppNumber:
    return builders.create_number()


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stop the clock at NOON; the test moves it."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def media_server(settings: Any) -> Iterator[FileServer]:
    """Run a server for the files of messages; the simulator's backend fetches them from there."""
    with run_file_server() as running:
        settings.PUBLIC_URL, settings.WHATSAPP_BACKEND = running.url, "simulator"
        yield running
