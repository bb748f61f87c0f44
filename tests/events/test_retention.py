"""Events are kept for the days of the setting, and deleted a bounded number of rows at a time."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel.events import retention
from omnichannel.events.models import Event
from omnichannel.events.publish import publish, publish_many
from omnichannel.events.retention import delete_old_events

pytestmark = pytest.mark.django_db


def publish_days_ago(days: float, count: int = 1) -> None:
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    publish_many("message", [(number, ["all"]) for number in range(count)])
    Event.objects.filter(pk__gt=newest).update(created_at=timezone.now() - timedelta(days=days))


def test_events_are_kept_for_the_days_of_the_setting(settings: Any) -> None:
    settings.EVENT_RETENTION_DAYS = 30
    publish_days_ago(30.1, count=2)
    publish_days_ago(29.9)
    publish("message", 7, topics=["all"])
    assert delete_old_events() == 2
    assert Event.objects.count() == 2


@pytest.mark.parametrize(("count", "statements"), [(1, 1), (2, 2), (3, 2)])
def test_a_statement_deletes_a_bounded_number_of_events(
    monkeypatch: pytest.MonkeyPatch, count: int, statements: int
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    publish_days_ago(31, count=count)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert delete_old_events() == count
    assert [query["sql"].split()[0] for query in queries] == ["DELETE"] * statements


def test_a_run_deletes_a_bounded_number_of_events_and_the_next_one_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    monkeypatch.setattr(retention, "MAX_BATCHES", 2)
    publish_days_ago(31, count=5)
    assert [delete_old_events(), delete_old_events()] == [4, 1]
