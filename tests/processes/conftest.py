"""A running app, or a desk as in production, for each test that needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import run_cluster
from tests.processes.support.app_instance import AppInstance, create_template_database
from tests.processes.support.databases import TemporaryDatabase
from tests.processes.support.production_stack import ProductionStack, require_programs


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


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ProductionStack]:
    """Return a desk as `deploy/` runs it, on a PostgreSQL cluster of its own."""
    require_programs()
    with run_cluster(durable=False) as cluster, ProductionStack(tmp_path, cluster) as running:
        running.start()
        yield running
