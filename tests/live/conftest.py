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
from tests.live.pages import leave_no_connection, signed_in


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, transactional_db: Any) -> Iterator[EventStream]:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.01)
    fresh = EventStream(live_topics_for)
    yield fresh
    leave_no_connection(fresh.hub._reader, 1)
    leave_no_connection(fresh._checks, 2)


@dataclass
class People:
    """Their session cookies, and what there is to talk about."""

    dana: str  # has the conversation
    omar: str  # works in the same queue
    ruth: str  # works in another queue
    sam: str  # supervises
    orders: Queue
    hers: Conversation
    anybodys: Conversation  # in the default queue, where all agents work


@pytest.fixture
def people(transactional_db: Any) -> People:
    orders, returns, shop = builders.queue("Orders"), builders.queue("Returns"), builders.number()
    dana = builders.agent("Dana", queue=orders)
    omar, ruth = builders.agent("Omar", queue=orders), builders.agent("Ruth", queue=returns)
    return People(
        dana=signed_in(dana.user),
        omar=signed_in(omar.user),
        ruth=signed_in(ruth.user),
        sam=signed_in(builders.user("Supervisor", "Sam")),
        orders=orders,
        hers=builders.conversation(with_agent=dana, in_queue=orders, on=shop),
        anybodys=builders.conversation(on=shop),
    )
