"""A desk with two queues, its people signed in, and the event stream in this process."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from omnichannel.conversations.access import live_topics_for
from omnichannel.conversations.models import Conversation
from omnichannel.live import hub
from omnichannel.live.stream import EventStream
from routing.models import Queue
from tests import builders
from tests.live.pages import close_pool_connections, session_cookie_for


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, transactional_db: Any) -> Iterator[EventStream]:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.01)
    fresh = EventStream(live_topics_for)
    yield fresh
    close_pool_connections(fresh.hub._reader, 1)
    close_pool_connections(fresh._checks, 2)


@dataclass
class LiveScenario:
    """Their session cookies, and what there is to talk about."""

    dana: str  # has the conversation
    omar: str  # works in the same queue
    ruth: str  # works in another queue
    sam: str  # supervises
    orders: Queue
    hers: Conversation
    anybodys: Conversation  # in the default queue, where all agents work


@pytest.fixture
def people(transactional_db: Any) -> LiveScenario:
    orders, returns, shop = builders.create_queue("Orders"), builders.create_queue("Returns"), builders.create_number()
    dana = builders.create_agent("Dana", queue=orders)
    omar, ruth = builders.create_agent("Omar", queue=orders), builders.create_agent("Ruth", queue=returns)
    return LiveScenario(
        dana=session_cookie_for(dana.user),
        omar=session_cookie_for(omar.user),
        ruth=session_cookie_for(ruth.user),
        sam=session_cookie_for(builders.create_user("Supervisor", "Sam")),
        orders=orders,
        hers=builders.create_conversation(with_agent=dana, in_queue=orders, on=shop),
        anybodys=builders.create_conversation(on=shop),
    )
