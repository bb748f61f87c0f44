"""Processes that wait are woken right after a commit."""

import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from omnichannel.core.wakeups import Channel, request_wakeup, start_listener, start_sender, stop_sender

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 20.0


class CallCounter:
    """A callback whose calls can be waited for."""

    def __init__(self) -> None:
        self.count = 0
        self._condition = threading.Condition()

    def __call__(self) -> None:
        with self._condition:
            self.count += 1
            self._condition.notify_all()

    def wait_for(self, count: int) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: self.count >= count, WAIT_SECONDS)


def change_something() -> None:
    Group.objects.create(name="Night shift")


def end_listening_connections() -> None:
    """End the server's side of every connection that listens; SQLite has none."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")


@pytest.fixture
def calls() -> Iterator[CallCounter]:
    """The calls of a listener that is ready: its first call was made."""
    counter = CallCounter()
    start_sender()
    listener = start_listener({Channel.EVENTS}, counter)
    assert counter.wait_for(1)
    yield counter
    listener.stop()
    stop_sender()


def test_a_listener_is_called_after_a_commit(calls: CallCounter) -> None:
    with transaction.atomic():
        change_something()
        request_wakeup(Channel.EVENTS)
    assert calls.wait_for(2)


def test_a_listener_is_called_after_a_change_outside_a_transaction(calls: CallCounter) -> None:
    change_something()
    request_wakeup(Channel.EVENTS)
    assert calls.wait_for(2)


def test_a_listener_is_called_again_after_its_connection_was_lost(calls: CallCounter) -> None:
    end_listening_connections()
    count = 1 if connection.vendor == "sqlite" else 2
    assert calls.wait_for(count)
    change_something()
    request_wakeup(Channel.EVENTS)
    assert calls.wait_for(count + 1)


def test_without_a_sender_nothing_happens() -> None:
    request_wakeup(Channel.EVENTS)
    assert not any(thread.name == "wake-ups" for thread in threading.enumerate())
