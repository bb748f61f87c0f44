"""An open page updates the agent's last_seen_at."""

import asyncio
from typing import Any

import pytest

from omnichannel.conversations.access import live_topics_for
from omnichannel.conversations.presence.sessions import record_page_activity
from omnichannel.live import stream as stream_module
from omnichannel.live.stream import EventStream
from routing.models import Agent
from tests import builders
from tests.live.conftest import LiveScenario
from tests.live.stream_pages import StreamPage, run_in_db_thread, session_cookie_for

pytestmark = pytest.mark.django_db(transaction=True)


def last_seen_at() -> Any:
    return Agent.objects.get(user__username="dana").last_seen_at


def test_open_page_updates_last_seen_immediately(event_stream: EventStream, live_scenario: LiveScenario) -> None:
    event_stream._on_user_seen = record_page_activity

    async def read_last_seen() -> Any:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            return await run_in_db_thread(last_seen_at)

    assert asyncio.run(read_last_seen()) is not None


def test_last_seen_is_updated_at_every_check(
    event_stream: EventStream, live_scenario: LiveScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_SECONDS", 0.05)
    usernames: list[str] = []
    event_stream._on_user_seen = lambda user: usernames.append(user.username)

    async def stay() -> None:
        async with StreamPage(event_stream, live_scenario.assigned_agent_session) as page:
            await page.wait_until_open()
            for _ in range(2):
                await page.next_event(comments=True)

    asyncio.run(stay())
    assert usernames[:3] == ["dana"] * 3


def test_user_without_access_is_not_marked_seen(event_stream: EventStream) -> None:
    usernames: list[str] = []
    event_stream._get_topics_for_user, event_stream._on_user_seen = (
        live_topics_for,
        lambda user: usernames.append(user.username),
    )

    async def open_page() -> int:
        async with StreamPage(
            event_stream, await run_in_db_thread(lambda: session_cookie_for(builders.create_user("")))
        ) as page:
            return await page.status()

    assert asyncio.run(open_page()) == 401
    assert usernames == []
