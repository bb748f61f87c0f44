"""The table of events replaces the one of hints for open pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from omnichannel.events.models import Event
from omnichannel.events.publish import publish

pytestmark = pytest.mark.django_db(transaction=True)


def migrate_to_latest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([*executor.loader.graph.leaf_nodes("events"), *executor.loader.graph.leaf_nodes("live")])


@pytest.fixture
def earlier_models() -> Iterator[Any]:
    MigrationExecutor(connection).migrate([("events", None), ("live", "0001_initial")])
    yield MigrationExecutor(connection).loader.project_state([("live", "0001_initial")]).apps
    migrate_to_latest()


def test_ids_go_on_from_those_of_the_former_table_also_when_its_rows_were_deleted(earlier_models: Any) -> None:
    hints = earlier_models.get_model("live", "LiveEvent").objects
    newest_id = max(hints.create(kind="message", subject_id=1).pk for _ in range(3))
    hints.all().delete()
    migrate_to_latest()
    publish("message", 2, topics=["all"])
    assert Event.objects.get().pk == newest_id + 1
