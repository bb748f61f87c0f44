"""The event stream: hints for those who may see what changed, and for nobody else."""

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation
from omnichannel.live import hub
from omnichannel.live import stream as stream_module
from omnichannel.live.hub import Hint
from omnichannel.live.models import LiveEvent
from omnichannel.live.stream import EventStream
from routing.models import QueueMembership
from tests import builders
from tests.live.conftest import LiveScenario
from tests.live.pages import TIMEOUT_SECONDS, StreamEvent, StreamPage, run_in_db_thread, session_cookie_for

pytestmark = pytest.mark.django_db(transaction=True)


def publish_changes(*conversations: Conversation) -> None:
    """Tell open pages that these have changed, each in a transaction of its own."""
    for conversation in conversations:
        with transaction.atomic():
            publish_event(LiveEventKind.CONVERSATION, conversation)


async def answer_to(stream: EventStream, session: str = "", *, method: str = "GET") -> int:
    async with StreamPage(stream, session, method=method) as page:
        return await page.status()


@pytest.fixture
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 0.1)


@pytest.mark.parametrize("session", ["", "nobodys"])
def test_anonymous_stream_is_refused(stream: EventStream, session: str) -> None:
    assert asyncio.run(answer_to(stream, session)) == 401


def test_somebody_without_a_role_is_refused(stream: EventStream) -> None:
    session = session_cookie_for(builders.create_user(""))
    assert asyncio.run(answer_to(stream, session)) == 401


def test_somebody_who_was_deactivated_is_refused(stream: EventStream, people: LiveScenario) -> None:
    User.objects.filter(username="dana").update(is_active=False)
    assert asyncio.run(answer_to(stream, people.dana)) == 401


def test_the_stream_can_only_be_read(stream: EventStream, people: LiveScenario) -> None:
    assert asyncio.run(answer_to(stream, people.dana, method="POST")) == 405


def test_change_event_reaches_only_those_with_access(stream: EventStream, people: LiveScenario) -> None:
    async def first_hint(session: str, opened: asyncio.Barrier) -> Any:
        async with StreamPage(stream, session) as page:
            await page.opened()
            await opened.wait()
            return (await page.next()).data["id"]

    async def scenario() -> list[Any]:
        opened = asyncio.Barrier(5)
        sessions = (people.dana, people.omar, people.sam, people.ruth)
        firsts = [asyncio.create_task(first_hint(session, opened)) for session in sessions]
        await opened.wait()
        await run_in_db_thread(publish_changes, people.hers, people.anybodys)
        return await asyncio.gather(*firsts)

    hers, anybodys = people.hers.pk, people.anybodys.pk
    assert asyncio.run(scenario()) == [hers, hers, hers, anybodys]


def test_reconnecting_page_gets_missed_events_once(stream: EventStream, people: LiveScenario) -> None:
    async def scenario() -> list[int]:
        async with StreamPage(stream, people.dana) as page:
            await page.opened()
            await run_in_db_thread(publish_changes, people.hers)
            seen = [(await page.next()).id]
        await run_in_db_thread(publish_changes, people.hers, people.hers)
        async with StreamPage(stream, people.dana, last_id=seen[0]) as page:
            await page.opened()
            await run_in_db_thread(publish_changes, people.hers)
            return seen + [(await page.next()).id for _ in range(3)]

    first, *others = asyncio.run(scenario())
    assert others == [first + 1, first + 2, first + 3]


def test_event_during_reconnect_is_sent_once(stream: EventStream, people: LiveScenario) -> None:
    publish_changes(people.hers, people.hers)
    seen = hub._fetch_newest_id() - 1

    async def scenario() -> list[int]:
        async with StreamPage(stream, people.dana, last_id=seen) as page:
            page.reads.clear()
            while not stream.hub.listeners:
                await asyncio.sleep(0)
            await run_in_db_thread(publish_changes, people.hers)
            (listener,) = stream.hub.listeners
            while not listener.waiting.qsize():
                await asyncio.sleep(0)
            page.reads.set()
            await page.opened()
            await run_in_db_thread(publish_changes, people.hers)
            return [(await page.next()).id for _ in range(3)]

    assert asyncio.run(scenario()) == [seen + 1, seen + 2, seen + 3]


def test_page_absent_for_long_starts_at_the_newest_event(
    stream: EventStream, people: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_MISSED_EVENTS", 2)
    publish_changes(*[people.hers] * 5)

    async def scenario() -> tuple[int, int]:
        async with StreamPage(stream, people.dana, last_id=1) as page:
            hello = await page.opened()
            return (await hello.next()).id, (await page.next()).id

    newest = hub._fetch_newest_id()
    assert asyncio.run(scenario()) == (newest - 1, newest)


def test_future_event_id_is_treated_as_the_newest(stream: EventStream, people: LiveScenario) -> None:
    async def scenario() -> StreamEvent:
        async with StreamPage(stream, people.dana, last_id=10**12) as page:
            await page.opened()
            await run_in_db_thread(publish_changes, people.hers)
            return await page.next()

    assert asyncio.run(scenario()).data["id"] == people.hers.pk


def test_new_page_gets_events_since_it_was_rendered(stream: EventStream, people: LiveScenario) -> None:
    publish_changes(people.hers, people.anybodys)
    LiveEvent.objects.filter(subject_id=people.hers.pk).update(created_at=timezone.now() - timedelta(seconds=20))

    async def scenario() -> list[int]:
        async with StreamPage(stream, people.dana, since=time.time()) as page:
            await page.opened()
            await run_in_db_thread(publish_changes, people.hers)
            return [(await page.next()).data["id"] for _ in range(2)]

    assert asyncio.run(scenario()) == [people.anybodys.pk, people.hers.pk]


@pytest.mark.parametrize("ago", [600, -600])
def test_page_with_an_old_or_future_render_time_gets_only_new_events(
    stream: EventStream, people: LiveScenario, ago: int
) -> None:
    publish_changes(people.anybodys)

    async def scenario() -> int:
        async with StreamPage(stream, people.dana, since=time.time() - ago) as page:
            await page.opened()
            await run_in_db_thread(publish_changes, people.hers)
            return int((await page.next()).data["id"])

    assert asyncio.run(scenario()) == people.hers.pk


@pytest.mark.usefixtures("quick_checks")
def test_idle_stream_sends_keep_alive_comments(stream: EventStream, people: LiveScenario) -> None:
    async def scenario() -> StreamEvent:
        async with StreamPage(stream, people.dana) as page:
            await page.opened()
            return await page.next(comments=True)

    assert asyncio.run(scenario()).event == "comment"


def delete_sessions() -> None:
    Session.objects.all().delete()


def deactivate_user() -> None:
    User.objects.filter(username="dana").update(is_active=False)


def change_password() -> None:
    dana = User.objects.get(username="dana")
    dana.set_password("another correct horse")
    dana.save()


def remove_role() -> None:
    User.objects.get(username="dana").groups.clear()


@pytest.mark.usefixtures("quick_checks")
@pytest.mark.parametrize("lose_access", [delete_sessions, deactivate_user, change_password, remove_role])
def test_stream_ends_when_access_is_revoked(
    stream: EventStream, people: LiveScenario, lose_access: Callable[[], None]
) -> None:
    async def scenario() -> None:
        async with StreamPage(stream, people.dana) as page:
            await page.opened()
            await run_in_db_thread(lose_access)
            numbers, written = itertools.count(1_000_000), StreamEvent("hint")
            while written.event != "bye":
                topics = frozenset({f"queue:{people.orders.pk}"})
                stream.hub.hand_out(Hint(next(numbers), LiveEventKind.CONVERSATION, people.hers.pk, None, topics))
                written = await page.next()
            await page.has_ended()

    asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_SECONDS))


@pytest.mark.usefixtures("quick_checks")
def test_an_open_page_follows_when_its_agent_joins_another_queue(stream: EventStream, people: LiveScenario) -> None:
    async def scenario() -> Any:
        async with StreamPage(stream, people.ruth) as page:
            await page.opened()
            ruth = await run_in_db_thread(User.objects.select_related("agent").get, username="ruth")
            await run_in_db_thread(QueueMembership.objects.create, queue=people.orders, agent=ruth.agent)
            assert [(await page.next(comments=True)).event for _ in range(2)] == ["comment"] * 2
            await run_in_db_thread(publish_changes, people.hers)
            return (await page.next()).data["id"]

    assert asyncio.run(scenario()) == people.hers.pk
