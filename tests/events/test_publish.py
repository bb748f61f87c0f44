"""Events are stored in the transaction that publishes them."""

import pytest
from django.db import connection, transaction

from omnichannel.events.models import Event
from omnichannel.events.publish import publish, publish_many

pytestmark = pytest.mark.django_db


def test_an_event_is_stored_with_its_topics_and_data() -> None:
    publish("message", 7, topics=["queue:2", "all", "all"], part_id=9, data={"state": "open"})
    event = Event.objects.get()
    assert (event.kind, event.subject_id, event.part_id) == ("message", 7, 9)
    assert (event.topics, event.data) == (["all", "queue:2"], {"state": "open"})


def test_many_events_are_stored_in_one_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        publish_many("presence", [(1, ["agent:1"]), (2, ["agent:2"])])
    assert list(Event.objects.order_by("pk").values_list("subject_id", "data")) == [(1, {}), (2, {})]


def test_no_events_need_no_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        publish_many("presence", [])


def test_an_event_is_rolled_back_with_its_transaction() -> None:
    with transaction.atomic():
        publish("message", 7, topics=["all"])
        transaction.set_rollback(True)
    assert not Event.objects.exists()


def current_transaction_id() -> int:
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_an_event_has_the_id_of_its_transaction_also_in_a_savepoint() -> None:
    with transaction.atomic():
        expected = current_transaction_id()
        with transaction.atomic():
            publish("message", 7, topics=["all"])
    publish("message", 8, topics=["all"])
    first, second = Event.objects.order_by("pk").values_list("transaction_id", flat=True)
    assert first == expected
    assert (second > first) == (connection.vendor == "postgresql")
