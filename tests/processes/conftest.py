"""A desk that really runs, for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.databases import Database
from tests.processes.desk import Desk, blank_database


@pytest.fixture(scope="session")
def _blank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = blank_database(tmp_path_factory.mktemp("blank"))
    yield database
    database.drop()


@pytest.fixture
def desk(tmp_path: Path, _blank: Database) -> Iterator[Desk]:
    """A desk with an empty database; nothing of it runs yet."""
    with Desk(tmp_path, blank=_blank) as fresh:
        yield fresh
