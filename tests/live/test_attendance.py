"""Whoever has a page open is seen, for as long as it is open."""

import asyncio
from typing import Any

import pytest

from omnichannel.conversations.access import live_topics_for
from omnichannel.conversations.presence.sessions import record_page_activity
from omnichannel.live import stream as stream_module
from omnichannel.live.stream import EventStream
from routing.models import Agent
from tests import builders
from tests.live.conftest import People
from tests.live.pages import Page, away, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def when_seen() -> Any:
    return Agent.objects.get(user__username="dana").last_seen_at


def test_an_open_page_is_seen_at_once(stream: EventStream, people: People) -> None:
    stream._seen = record_page_activity

    async def look() -> Any:
        async with Page(stream, people.dana) as page:
            await page.opened()
            return await away(when_seen)

    assert asyncio.run(look()) is not None


def test_a_page_is_seen_again_at_every_check(
    stream: EventStream, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 0.05)
    told: list[str] = []
    stream._seen = lambda user: told.append(user.username)

    async def stay() -> None:
        async with Page(stream, people.dana) as page:
            await page.opened()
            for _ in range(2):
                await page.next(comments=True)

    asyncio.run(stay())
    assert told[:3] == ["dana"] * 3


def test_who_may_see_nothing_is_not_there(stream: EventStream) -> None:
    told: list[str] = []
    stream._topics_for, stream._seen = live_topics_for, lambda user: told.append(user.username)

    async def knock() -> int:
        async with Page(stream, await away(lambda: signed_in(builders.user("")))) as page:
            return await page.status()

    assert asyncio.run(knock()) == 401
    assert told == []
