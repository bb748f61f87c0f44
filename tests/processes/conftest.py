"""A desk that really runs, for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.databases import TemporaryDatabase
from tests.processes.desk import AppInstance, create_template_database


@pytest.fixture(scope="session")
def _blank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporaryDatabase]:
    database = create_template_database(tmp_path_factory.mktemp("blank"))
    yield database
    database.drop()


@pytest.fixture
def desk(tmp_path: Path, _blank: TemporaryDatabase) -> Iterator[AppInstance]:
    """A desk with an empty database; nothing of it runs yet."""
    with AppInstance(tmp_path, template=_blank) as fresh:
        yield fresh
