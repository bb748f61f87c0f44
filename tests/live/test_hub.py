"""The hub reads events once for all streams of a process, and slow pages do not delay others."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import F

from omnichannel.events.models import Event
from omnichannel.events.publish import publish, publish_many
from omnichannel.live import hub
from omnichannel.live import stream as stream_module
from omnichannel.live.hub import Hint, Listener
from omnichannel.live.stream import EventStream
from tests.concurrency import run_concurrently
from tests.live.conftest import LiveScenario
from tests.live.stream_pages import TIMEOUT_SECONDS, StreamPage, run_in_db_thread
from tests.live.test_stream import answer_to, publish_changes

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_page_ends_at_once_when_the_server_stops_and_none_opens_after(
    event_stream: EventStream, live_scenario: LiveScenario
) -> None:
    async def scenario() -> tuple[list[str], int]:
        async with (
            StreamPage(event_stream, live_scenario.assigned_agent_session) as first,
            StreamPage(event_stream, live_scenario.supervisor_session) as other,
        ):
            await first.wait_until_open(), await other.wait_until_open()
            event_stream.hub.close()
            last_events = [(await first.next_event()).event, (await other.next_event()).event]
            await first.wait_until_ended()
            return last_events, await answer_to(event_stream, live_scenario.assigned_agent_session)

    assert asyncio.run(scenario()) == (["reconnect", "reconnect"], 503)


def test_page_that_does_not_read_is_disconnected(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "WRITE_TIMEOUT_SECONDS", 0.05)

    async def scenario() -> None:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            page.may_read.clear()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            await page.wait_until_ended()
            assert not event_stream.hub.listeners

    asyncio.run(scenario())


def test_a_page_that_falls_far_behind_is_ended_to_come_back_where_it_was() -> None:
    async def scenario() -> list[Hint | None]:
        listener = Listener({"all"})
        for number in range(hub.MAX_BACKLOG + 1):
            listener.push(Hint(number, "message", 1, None, frozenset({"all"})))
        return [listener.queue.get_nowait() for _ in range(listener.queue.qsize())]

    assert asyncio.run(scenario()) == [None]


def test_the_events_are_read_only_while_a_page_is_open(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    async def scenario() -> int:
        for _ in range(2):
            async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
                await page.wait_until_open()
                await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
                hint = await page.next_event()
            assert event_stream.hub._poll_task is not None
            await asyncio.wait_for(event_stream.hub._poll_task, 5)
        return hint.id

    assert asyncio.run(scenario()) == Event.objects.latest("pk").pk


@contextlib.contextmanager
def publishing_transaction(subject_id: int) -> Iterator[threading.Event]:
    """Publish an event in a thread whose transaction stays open until the block ends, or the yielded event is set."""
    published, may_commit = threading.Event(), threading.Event()

    def run() -> None:
        with transaction.atomic():
            publish("message", subject_id, topics=["all"])
            published.set()
            may_commit.wait(TIMEOUT_SECONDS)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert published.wait(TIMEOUT_SECONDS)
    try:
        yield may_commit
    finally:
        may_commit.set()
        thread.join(TIMEOUT_SECONDS)


def publish_in_transaction(subject_id: int) -> None:
    with transaction.atomic():
        publish("message", subject_id, topics=["all"])


def end_if_nobody_else_can_write(may_commit: threading.Event) -> None:
    """Let a transaction commit on SQLite, where all others would wait for it."""
    if connection.vendor == "sqlite":
        may_commit.set()


async def next_subject(page: StreamPage) -> int:
    return int((await page.next_event()).data["id"])


def test_publishing_transactions_do_not_wait_for_one_another() -> None:
    with publishing_transaction(1) as may_commit:
        end_if_nobody_else_can_write(may_commit)
        run_concurrently(lambda: publish_in_transaction(2))
        visible = set(Event.objects.values_list("subject_id", flat=True))
    assert visible == {"postgresql": {2}, "sqlite": {1, 2}}[connection.vendor]


def test_an_event_committed_after_later_ones_reaches_connected_pages_once(
    event_stream: EventStream, live_scenario: LiveScenario
) -> None:
    async def scenario() -> list[int]:
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            with publishing_transaction(1) as may_commit:
                end_if_nobody_else_can_write(may_commit)
                await run_in_db_thread(publish_in_transaction, 2)
                subjects = [await next_subject(page)]
                if connection.vendor == "sqlite":
                    subjects.append(await next_subject(page))
            await run_in_db_thread(publish_in_transaction, 3)
            while subjects[-1] != 3:
                subjects.append(await next_subject(page))
            return subjects

    assert asyncio.run(scenario()) == {"postgresql": [2, 1, 3], "sqlite": [1, 2, 3]}[connection.vendor]


def test_an_event_committed_after_later_ones_reaches_a_page_that_reconnects(
    event_stream: EventStream, live_scenario: LiveScenario
) -> None:
    async def scenario() -> set[int]:
        with publishing_transaction(1) as may_commit:
            end_if_nobody_else_can_write(may_commit)
            async with StreamPage(event_stream, live_scenario.supervisor_session, position=0) as page:
                await page.wait_until_open()
                await run_in_db_thread(publish_in_transaction, 2)
                while await next_subject(page) != 2:
                    pass
        await run_in_db_thread(publish_in_transaction, 3)
        async with StreamPage(event_stream, live_scenario.supervisor_session, position=page.position) as page:
            await page.wait_until_open()
            received = {await next_subject(page)}
            while 3 not in received:
                received.add(await next_subject(page))
            return received

    missed = {"postgresql": {1, 3}, "sqlite": {3}}[connection.vendor]
    assert missed <= asyncio.run(scenario())


def test_a_long_write_delays_no_page(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    def write_for_long(may_end: threading.Event, has_written: threading.Event) -> None:
        with transaction.atomic():
            Group.objects.create(name="Night shift")
            has_written.set()
            may_end.wait(TIMEOUT_SECONDS if connection.vendor == "postgresql" else 0)

    async def scenario() -> list[int]:
        may_end, has_written = threading.Event(), threading.Event()
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            writer = asyncio.create_task(run_in_db_thread(write_for_long, may_end, has_written))
            await asyncio.to_thread(has_written.wait, TIMEOUT_SECONDS)
            await run_in_db_thread(publish_in_transaction, 1)
            await run_in_db_thread(publish_in_transaction, 2)
            subjects = [await next_subject(page), await next_subject(page)]
            may_end.set()
            await writer
            return subjects

    assert asyncio.run(scenario()) == [1, 2]


def get_backend_pid() -> int | None:
    """Return the id of the server's process for this connection; None on SQLite, which has none."""
    if connection.vendor == "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end_connection(backend_pid: int | None) -> None:
    if backend_pid is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend_pid])


def test_a_transaction_id_that_is_assigned_again_after_an_outage_is_not_taken_for_an_old_one(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RETRY_SECONDS", 0.01)

    def publish_with_older_transaction_id() -> None:
        with transaction.atomic():
            publish("message", 1, topics=["all"])
            Event.objects.filter(transaction_id__gt=0).update(transaction_id=F("transaction_id") - 100)

    async def scenario() -> int:
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(end_connection, await event_stream.hub._run_query(get_backend_pid))
            await run_in_db_thread(publish_with_older_transaction_id)
            return await next_subject(page)

    assert asyncio.run(scenario()) == 1


def test_an_event_of_a_transaction_that_was_rolled_back_reaches_nobody(
    event_stream: EventStream, live_scenario: LiveScenario
) -> None:
    def roll_back() -> None:
        with transaction.atomic():
            publish("message", 1, topics=["all"])
            transaction.set_rollback(True)

    async def scenario() -> int:
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(roll_back)
            await run_in_db_thread(publish_in_transaction, 2)
            return await next_subject(page)

    assert asyncio.run(scenario()) == 2


def test_pages_are_ended_when_more_was_published_than_is_read_at_once(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_NEW_EVENTS", 2)

    def publish_three() -> None:
        publish_many("message", [(number, ["all"]) for number in range(3)])

    async def scenario() -> str:
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_three)
            return (await page.next_event()).event

    assert asyncio.run(scenario()) == "reconnect"


def test_a_wake_up_replaces_the_poll(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 3600.0)

    async def scenario() -> int:
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_in_transaction, 1)
            await asyncio.to_thread(event_stream.hub.wake)
            subject = await next_subject(page)
        event_stream.hub.wake()  # the hub notices that the page has gone
        return subject

    assert asyncio.run(scenario()) == 1
