"""A running app for each test that needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.support.app_instance import AppInstance, create_template_database
from tests.processes.support.databases import TemporaryDatabase


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporaryDatabase]:
    database = create_template_database(tmp_path_factory.mktemp("blank"))
    yield database
    database.drop()


@pytest.fixture
def app(tmp_path: Path, template_database: TemporaryDatabase) -> Iterator[AppInstance]:
    """Return an app with an empty database; no process runs yet."""
    with AppInstance(tmp_path, template=template_database) as fresh:
        yield fresh
