"""The hub reads events once for all streams of a process, and slow pages do not delay others."""

import asyncio
import threading

import pytest
from django.db import connection, transaction

from omnichannel.live import hub
from omnichannel.live import stream as stream_module
from omnichannel.live.hub import Hint, Listener
from omnichannel.live.models import LiveEvent
from omnichannel.live.publish import delete_old_events, publish
from omnichannel.live.stream import EventStream
from tests.live.conftest import LiveScenario
from tests.live.stream_pages import StreamPage, run_in_db_thread
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

    assert asyncio.run(scenario()) == LiveEvent.objects.latest("pk").pk


def test_events_can_not_be_committed_out_of_the_order_of_their_ids() -> None:
    overtaken = threading.Event()
    event_order: list[int] = []

    def second() -> None:
        with transaction.atomic():
            publish("message", 2, topics=["all"])
        event_order.extend(LiveEvent.objects.order_by("pk").values_list("subject_id", flat=True))
        overtaken.set()
        connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        publish("message", 1, topics=["all"])
        other.start()
        overtaken.wait(0.5)  # time for a second publisher that does not wait
    other.join(30)
    assert event_order == [1, 2]


def test_overlapping_transactions_deliver_both_events(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    published, overtaken = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            publish("message", 1, topics=["all"])
            published.set()
            overtaken.wait(0.5)  # time for the page to receive an event of a publisher that does not wait

    def quickly() -> None:
        published.wait(10)
        with transaction.atomic():
            publish("message", 2, topics=["all"])

    async def scenario() -> list[int]:
        async with StreamPage(event_stream, live_scenario.supervisor_session) as page:
            await page.wait_until_open()
            writers = [asyncio.create_task(run_in_db_thread(slowly)), asyncio.create_task(run_in_db_thread(quickly))]
            event_ids = [(await page.next_event()).data["id"]]
            overtaken.set()
            await asyncio.gather(*writers)
            return [*event_ids, (await page.next_event()).data["id"]]

    assert asyncio.run(scenario()) == [1, 2]


def test_old_events_are_forgotten_and_new_ones_kept() -> None:
    publish("message", 1, topics=["all"])
    LiveEvent.objects.update(created_at="2020-01-01T00:00:00Z")
    publish("message", 2, topics=["all"])
    delete_old_events()
    assert list(LiveEvent.objects.values_list("subject_id", flat=True)) == [2]
