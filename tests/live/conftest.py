"""Two queues with signed-in users, and the event stream in this process."""

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
from tests.live.stream_pages import close_pool_connections, session_cookie_for


@pytest.fixture
def event_stream(monkeypatch: pytest.MonkeyPatch, transactional_db: Any) -> Iterator[EventStream]:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.01)
    fresh = EventStream(live_topics_for)
    yield fresh
    close_pool_connections(fresh.hub._executor, 1)
    close_pool_connections(fresh._session_executor, 2)


@dataclass
class LiveScenario:
    """Session cookies of users, and conversations."""

    assigned_agent_session: str  # agent of the conversation
    colleague_session: str  # member of the same queue
    other_queue_session: str  # member of another queue
    supervisor_session: str  # supervisor
    orders: Queue
    assigned_conversation: Conversation
    default_queue_conversation: Conversation  # in the default queue, of which all agents are members


@pytest.fixture
def live_scenario(transactional_db: Any) -> LiveScenario:
    orders, returns, shop = builders.create_queue("Orders"), builders.create_queue("Returns"), builders.create_number()
    dana = builders.create_agent("Dana", queue=orders)
    omar, ruth = builders.create_agent("Omar", queue=orders), builders.create_agent("Ruth", queue=returns)
    return LiveScenario(
        assigned_agent_session=session_cookie_for(dana.user),
        colleague_session=session_cookie_for(omar.user),
        other_queue_session=session_cookie_for(ruth.user),
        supervisor_session=session_cookie_for(builders.create_user("Supervisor", "Sam")),
        orders=orders,
        assigned_conversation=builders.create_conversation(agent=dana, queue=orders, number=shop),
        default_queue_conversation=builders.create_conversation(number=shop),
    )
