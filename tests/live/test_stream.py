"""The event stream sends hints only to users with access to the changed conversation."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from omnichannel.accounts.models import User, UserSession
from omnichannel.accounts.session_events import end_sessions
from omnichannel.conversations.assignment.former_agents import release_former_agent
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation
from omnichannel.events.models import Event
from omnichannel.live import hub
from omnichannel.live import stream as stream_module
from omnichannel.live.hub import Hint
from omnichannel.live.stream import EventStream
from routing.models import Agent, QueueMembership
from tests import builders
from tests.live.conftest import LiveScenario
from tests.live.stream_pages import TIMEOUT_SECONDS, StreamEvent, StreamPage, run_in_db_thread, session_cookie_for

pytestmark = pytest.mark.django_db(transaction=True)


def publish_changes(*conversations: Conversation) -> None:
    """Publish an event for each conversation, in a transaction each."""
    for conversation in conversations:
        with transaction.atomic():
            publish_event(LiveEventKind.CONVERSATION, conversation)


def get_position(event: Event) -> int:
    """Return the position of a page that has received this event and all before it."""
    return event.transaction_id or event.pk


async def answer_to(event_stream: EventStream, session: str = "", *, method: str = "GET") -> int:
    async with StreamPage(event_stream, session, method=method) as page:
        return await page.status()


@pytest.fixture
def _short_keep_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 0.1)


@pytest.mark.parametrize("session", ["", "nobodys"])
def test_anonymous_stream_is_refused(event_stream: EventStream, session: str) -> None:
    assert asyncio.run(answer_to(event_stream, session)) == 401


def test_somebody_without_a_role_is_refused(event_stream: EventStream) -> None:
    session = session_cookie_for(builders.create_user(""))
    assert asyncio.run(answer_to(event_stream, session)) == 401


def test_somebody_who_was_deactivated_is_refused(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    User.objects.filter(username="dana").update(is_active=False)
    assert asyncio.run(answer_to(event_stream, live_scenario.assigned_agent_session)) == 401


def test_the_stream_can_only_be_read(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    assert asyncio.run(answer_to(event_stream, live_scenario.assigned_agent_session, method="POST")) == 405


def test_change_event_reaches_only_those_with_access(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    async def first_hint(session: str, opened: asyncio.Barrier) -> Any:
        async with StreamPage(event_stream, session) as page:
            await page.wait_until_open()
            await opened.wait()
            return (await page.next_event()).data["id"]

    async def scenario() -> list[Any]:
        wait_until_open = asyncio.Barrier(5)
        sessions = (
            live_scenario.assigned_agent_session,
            live_scenario.colleague_session,
            live_scenario.supervisor_session,
            live_scenario.other_queue_session,
        )
        firsts = [asyncio.create_task(first_hint(session, wait_until_open)) for session in sessions]
        await wait_until_open.wait()
        await run_in_db_thread(
            publish_changes, live_scenario.assigned_conversation, live_scenario.default_queue_conversation
        )
        return await asyncio.gather(*firsts)

    assigned_conversation, default_queue_conversation = (
        live_scenario.assigned_conversation.pk,
        live_scenario.default_queue_conversation.pk,
    )
    assert asyncio.run(scenario()) == [
        assigned_conversation,
        assigned_conversation,
        assigned_conversation,
        default_queue_conversation,
    ]


def test_reconnecting_page_gets_missed_events_once(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    async def scenario() -> tuple[int, list[int]]:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            first_id = (await page.next_event()).id
        await run_in_db_thread(
            publish_changes, live_scenario.assigned_conversation, live_scenario.assigned_conversation
        )
        async with StreamPage(event_stream, live_scenario.assigned_agent_session, position=page.position) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            return first_id, await page.receive_ids_until(first_id + 3)

    first_id, received_ids = asyncio.run(scenario())
    # Another transaction on the server may have delayed the position: then the first event is repeated.
    assert received_ids[-3:] == [first_id + 1, first_id + 2, first_id + 3]
    assert set(received_ids[:-3]) <= {first_id}


def test_event_during_reconnect_is_sent_once(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    publish_changes(live_scenario.assigned_conversation, live_scenario.assigned_conversation)
    first = Event.objects.earliest("pk")

    async def scenario() -> list[int]:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session, position=get_position(first)) as page:
            page.may_read.clear()
            while not event_stream.hub.listeners:
                await asyncio.sleep(0)
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            (listener,) = event_stream.hub.listeners
            while not listener.queue.qsize():
                await asyncio.sleep(0)
            page.may_read.set()
            await page.wait_until_open()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            return [(await page.next_event()).id for _ in range(3)]

    assert asyncio.run(scenario()) == [first.pk + 1, first.pk + 2, first.pk + 3]


def test_page_absent_for_long_starts_at_the_newest_event(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_MISSED_EVENTS", 2)
    publish_changes(*[live_scenario.assigned_conversation] * 5)

    async def scenario() -> tuple[int, int]:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session, position=1) as page:
            await page.wait_until_open()
            return (await page.next_event()).id, (await page.next_event()).id

    newest_id = Event.objects.latest("pk").pk
    assert asyncio.run(scenario()) == (newest_id - 1, newest_id)


def test_future_position_is_treated_as_the_newest(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    async def scenario() -> StreamEvent:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session, position=10**12) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            return await page.next_event()

    assert asyncio.run(scenario()).data["id"] == live_scenario.assigned_conversation.pk


def test_new_page_gets_events_since_it_was_rendered(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    publish_changes(live_scenario.assigned_conversation, live_scenario.default_queue_conversation)
    Event.objects.filter(subject_id=live_scenario.assigned_conversation.pk).update(
        created_at=timezone.now() - timedelta(seconds=20)
    )

    async def scenario() -> list[int]:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session, rendered_at=time.time()) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            return [(await page.next_event()).data["id"] for _ in range(2)]

    assert asyncio.run(scenario()) == [
        live_scenario.default_queue_conversation.pk,
        live_scenario.assigned_conversation.pk,
    ]


@pytest.mark.parametrize("ago", [600, -600])
def test_page_with_an_old_or_future_render_time_gets_only_new_events(
    event_stream: EventStream, live_scenario: LiveScenario, ago: int
) -> None:
    publish_changes(live_scenario.default_queue_conversation)

    async def scenario() -> int:
        async with StreamPage(
            event_stream, live_scenario.assigned_agent_session, rendered_at=time.time() - ago
        ) as page:
            await page.wait_until_open()
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            return int((await page.next_event()).data["id"])

    assert asyncio.run(scenario()) == live_scenario.assigned_conversation.pk


@pytest.mark.usefixtures("_short_keep_alive")
def test_idle_stream_sends_keep_alive_comments(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    async def scenario() -> StreamEvent:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            return await page.next_event(comments=True)

    assert asyncio.run(scenario()).event == "comment"


def delete_sessions() -> None:
    UserSession.objects.all().delete()


def deactivate_user() -> None:
    User.objects.filter(username="dana").update(is_active=False)


def change_password() -> None:
    user = User.objects.get(username="dana")
    user.set_password("another correct horse")
    user.save()


def remove_role() -> None:
    User.objects.get(username="dana").groups.clear()


def end_all_sessions() -> None:
    end_sessions(UserSession.objects.all())


@pytest.mark.parametrize("end", [end_all_sessions, change_password])
def test_a_stream_ends_at_once_with_its_session(
    event_stream: EventStream,
    live_scenario: LiveScenario,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[], None],
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 3600.0)

    async def scenario() -> str:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(end)
            return (await page.next_event()).event

    assert asyncio.run(scenario()) == "reconnect"


def test_a_stream_goes_on_when_another_session_of_its_user_ends(
    event_stream: EventStream, live_scenario: LiveScenario
) -> None:
    other_session = session_cookie_for(User.objects.get(username="dana"))

    def end_other() -> None:
        end_sessions(UserSession.objects.filter(session_key=other_session))
        publish_changes(live_scenario.assigned_conversation)

    async def scenario() -> str:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(end_other)
            return (await page.next_event()).event

    assert asyncio.run(scenario()) == "hint"


@pytest.mark.usefixtures("_short_keep_alive")
@pytest.mark.parametrize("lose_access", [delete_sessions, deactivate_user, change_password, remove_role])
def test_stream_ends_when_access_is_revoked(
    event_stream: EventStream, live_scenario: LiveScenario, lose_access: Callable[[], None]
) -> None:
    async def scenario() -> tuple[str, bool]:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(lose_access)
            numbers, hint = itertools.count(1_000_000), StreamEvent("hint")
            while hint.event != "reconnect":
                topics = frozenset({f"queue:{live_scenario.orders.pk}"})
                event_stream.hub.dispatch(
                    Hint(
                        next(numbers), LiveEventKind.CONVERSATION, live_scenario.assigned_conversation.pk, None, topics
                    )
                )
                hint = await page.next_event()
            await page.wait_until_ended()
            return hint.event, page.task.done()

    assert asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_SECONDS)) == ("reconnect", True)


def test_stream_of_a_deactivated_agent_ends_at_once(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 10 * TIMEOUT_SECONDS)
    monkeypatch.setattr(random, "uniform", lambda low, high: high)  # no early first check

    def deactivate_and_release() -> None:
        deactivate_user()
        release_former_agent(Agent.objects.get(user__username="dana").pk)

    async def scenario() -> str:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            await run_in_db_thread(deactivate_and_release)
            while (event := await page.next_event()).event == "hint":
                pass
            await page.wait_until_ended()
            return event.event

    assert asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_SECONDS)) == "reconnect"


@pytest.mark.usefixtures("_short_keep_alive")
def test_an_open_page_follows_when_its_agent_joins_another_queue(
    event_stream: EventStream, live_scenario: LiveScenario
) -> None:
    async def scenario() -> Any:
        async with StreamPage(event_stream, live_scenario.other_queue_session) as page:
            await page.wait_until_open()
            ruth = await run_in_db_thread(User.objects.select_related("agent").get, username="ruth")
            await run_in_db_thread(QueueMembership.objects.create, queue=live_scenario.orders, agent=ruth.agent)
            assert [(await page.next_event(comments=True)).event for _ in range(2)] == ["comment"] * 2
            await run_in_db_thread(publish_changes, live_scenario.assigned_conversation)
            return (await page.next_event()).data["id"]

    assert asyncio.run(scenario()) == live_scenario.assigned_conversation.pk
