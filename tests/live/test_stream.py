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
from tests.live.conftest import People
from tests.live.pages import PATIENCE, Page, Written, away, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def change(*conversations: Conversation) -> None:
    """Tell open pages that these have changed, each in a transaction of its own."""
    for conversation in conversations:
        with transaction.atomic():
            publish_event(LiveEventKind.CONVERSATION, conversation)


async def answer_to(stream: EventStream, session: str = "", *, method: str = "GET") -> int:
    async with Page(stream, session, method=method) as page:
        return await page.status()


@pytest.fixture
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 0.1)


@pytest.mark.parametrize("session", ["", "nobodys"])
def test_whoever_is_not_signed_in_is_refused(stream: EventStream, session: str) -> None:
    assert asyncio.run(answer_to(stream, session)) == 401


def test_somebody_without_a_role_is_refused(stream: EventStream) -> None:
    session = signed_in(builders.user(""))
    assert asyncio.run(answer_to(stream, session)) == 401


def test_somebody_who_was_deactivated_is_refused(stream: EventStream, people: People) -> None:
    User.objects.filter(username="dana").update(is_active=False)
    assert asyncio.run(answer_to(stream, people.dana)) == 401


def test_the_stream_can_only_be_read(stream: EventStream, people: People) -> None:
    assert asyncio.run(answer_to(stream, people.dana, method="POST")) == 405


def test_a_change_is_told_to_those_who_may_see_it_and_to_nobody_else(stream: EventStream, people: People) -> None:
    async def first_hint(session: str, opened: asyncio.Barrier) -> Any:
        async with Page(stream, session) as page:
            await page.opened()
            await opened.wait()
            return (await page.next()).data["id"]

    async def scenario() -> list[Any]:
        opened = asyncio.Barrier(5)
        sessions = (people.dana, people.omar, people.sam, people.ruth)
        firsts = [asyncio.create_task(first_hint(session, opened)) for session in sessions]
        await opened.wait()
        await away(change, people.hers, people.anybodys)
        return await asyncio.gather(*firsts)

    hers, anybodys = people.hers.pk, people.anybodys.pk
    assert asyncio.run(scenario()) == [hers, hers, hers, anybodys]


def test_a_page_that_comes_back_is_told_what_it_missed_and_nothing_twice(stream: EventStream, people: People) -> None:
    async def scenario() -> list[int]:
        async with Page(stream, people.dana) as page:
            await page.opened()
            await away(change, people.hers)
            seen = [(await page.next()).id]
        await away(change, people.hers, people.hers)
        async with Page(stream, people.dana, last_id=seen[0]) as page:
            await page.opened()
            await away(change, people.hers)
            return seen + [(await page.next()).id for _ in range(3)]

    first, *others = asyncio.run(scenario())
    assert others == [first + 1, first + 2, first + 3]


def test_what_happens_while_a_page_comes_back_is_told_once(stream: EventStream, people: People) -> None:
    change(people.hers, people.hers)
    seen = hub._fetch_newest_id() - 1

    async def scenario() -> list[int]:
        async with Page(stream, people.dana, last_id=seen) as page:
            page.reads.clear()
            while not stream.hub.listeners:
                await asyncio.sleep(0)
            await away(change, people.hers)
            (listener,) = stream.hub.listeners
            while not listener.waiting.qsize():
                await asyncio.sleep(0)
            page.reads.set()
            await page.opened()
            await away(change, people.hers)
            return [(await page.next()).id for _ in range(3)]

    assert asyncio.run(scenario()) == [seen + 1, seen + 2, seen + 3]


def test_a_page_that_was_away_for_long_is_told_the_newest(
    stream: EventStream, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_MISSED_EVENTS", 2)
    change(*[people.hers] * 5)

    async def scenario() -> tuple[int, int]:
        async with Page(stream, people.dana, last_id=1) as page:
            hello = await page.opened()
            return (await hello.next()).id, (await page.next()).id

    newest = hub._fetch_newest_id()
    assert asyncio.run(scenario()) == (newest - 1, newest)


def test_an_id_from_the_future_is_taken_for_the_newest(stream: EventStream, people: People) -> None:
    async def scenario() -> Written:
        async with Page(stream, people.dana, last_id=10**12) as page:
            await page.opened()
            await away(change, people.hers)
            return await page.next()

    assert asyncio.run(scenario()).data["id"] == people.hers.pk


def test_a_page_that_has_just_been_rendered_is_told_what_it_may_lack(stream: EventStream, people: People) -> None:
    change(people.hers, people.anybodys)
    LiveEvent.objects.filter(subject_id=people.hers.pk).update(created_at=timezone.now() - timedelta(seconds=20))

    async def scenario() -> list[int]:
        async with Page(stream, people.dana, since=time.time()) as page:
            await page.opened()
            await away(change, people.hers)
            return [(await page.next()).data["id"] for _ in range(2)]

    assert asyncio.run(scenario()) == [people.anybodys.pk, people.hers.pk]


@pytest.mark.parametrize("ago", [600, -600])
def test_a_page_that_was_rendered_long_ago_or_will_be_is_told_what_is_new(
    stream: EventStream, people: People, ago: int
) -> None:
    change(people.anybodys)

    async def scenario() -> int:
        async with Page(stream, people.dana, since=time.time() - ago) as page:
            await page.opened()
            await away(change, people.hers)
            return int((await page.next()).data["id"])

    assert asyncio.run(scenario()) == people.hers.pk


@pytest.mark.usefixtures("quick_checks")
def test_a_page_with_nothing_to_tell_is_kept_alive(stream: EventStream, people: People) -> None:
    async def scenario() -> Written:
        async with Page(stream, people.dana) as page:
            await page.opened()
            return await page.next(comments=True)

    assert asyncio.run(scenario()).event == "comment"


def sign_out() -> None:
    Session.objects.all().delete()


def deactivate() -> None:
    User.objects.filter(username="dana").update(is_active=False)


def change_password() -> None:
    dana = User.objects.get(username="dana")
    dana.set_password("another correct horse")
    dana.save()


def take_away_the_role() -> None:
    User.objects.get(username="dana").groups.clear()


@pytest.mark.usefixtures("quick_checks")
@pytest.mark.parametrize("lose_access", [sign_out, deactivate, change_password, take_away_the_role])
def test_the_stream_ends_with_the_right_to_see_it_however_much_goes_on(
    stream: EventStream, people: People, lose_access: Callable[[], None]
) -> None:
    async def scenario() -> None:
        async with Page(stream, people.dana) as page:
            await page.opened()
            await away(lose_access)
            numbers, written = itertools.count(1_000_000), Written("hint")
            while written.event != "bye":
                topics = frozenset({f"queue:{people.orders.pk}"})
                stream.hub.hand_out(Hint(next(numbers), LiveEventKind.CONVERSATION, people.hers.pk, None, topics))
                written = await page.next()
            await page.has_ended()

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


@pytest.mark.usefixtures("quick_checks")
def test_an_open_page_follows_when_its_agent_joins_another_queue(stream: EventStream, people: People) -> None:
    async def scenario() -> Any:
        async with Page(stream, people.ruth) as page:
            await page.opened()
            ruth = await away(User.objects.select_related("agent").get, username="ruth")
            await away(QueueMembership.objects.create, queue=people.orders, agent=ruth.agent)
            assert [(await page.next(comments=True)).event for _ in range(2)] == ["comment"] * 2
            await away(change, people.hers)
            return (await page.next()).data["id"]

    assert asyncio.run(scenario()) == people.hers.pk
