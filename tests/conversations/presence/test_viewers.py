"""Viewers and typing agents are shown to colleagues who view the same conversation."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from omnichannel.conversations import access
from omnichannel.conversations.assignment import supervise
from omnichannel.conversations.assignment.consult import invite_colleague
from omnichannel.conversations.live_events import LiveEventKind
from omnichannel.conversations.models import Conversation, Viewer
from omnichannel.conversations.presence.viewers import (
    TYPING_TIMEOUT,
    VIEWER_TIMEOUT,
    delete_stale_viewers,
    other_viewers,
    record_typing,
    record_viewing,
    remove_viewer,
    stop_typing,
)
from omnichannel.events.models import Event
from routing.models import Agent, QueueMembership, State
from tests.desk.scenario import DeskScenario, create_desk_scenario

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def desk(db: None) -> DeskScenario:
    return create_desk_scenario()


def load_conversation_for(agent: Agent, desk: DeskScenario) -> Conversation:
    """Return the conversation as a request of this agent loads it."""
    return access.get_conversation_or_404(agent.user, desk.conversation.pk)


def record_viewers(desk: DeskScenario, *agents: Agent, at: datetime = NOW) -> None:
    for agent in agents:
        record_viewing(load_conversation_for(agent, desk), agent, at)


def list_other_viewers(desk: DeskScenario, agent: Agent, at: datetime = NOW) -> list[tuple[str, bool]]:
    return [
        (str(viewer.agent), viewer.is_typing) for viewer in other_viewers(load_conversation_for(agent, desk), agent, at)
    ]


def take_published_events() -> list[tuple[str, list[str]]]:
    """Return the kinds and topics of the published events, and delete them."""
    events = [(event.kind, event.topics) for event in Event.objects.order_by("pk")]
    Event.objects.all().delete()
    return events


def test_colleagues_see_each_other_and_nobody_sees_themselves(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana, desk.omar)
    assert list_other_viewers(desk, agent=desk.dana) == [("Omar", False)]
    assert list_other_viewers(desk, agent=desk.omar) == [("Dana", False)]


def test_viewer_without_signal_for_30_seconds_is_removed(desk: DeskScenario) -> None:
    record_viewers(desk, desk.omar)
    assert list_other_viewers(desk, agent=desk.dana, at=NOW + VIEWER_TIMEOUT) == [("Omar", False)]
    assert list_other_viewers(desk, agent=desk.dana, at=NOW + VIEWER_TIMEOUT + timedelta(seconds=1)) == []


def test_viewer_who_leaves_is_removed_immediately(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana, desk.omar)
    take_published_events()
    remove_viewer(load_conversation_for(desk.omar, desk), desk.omar, NOW)
    assert list_other_viewers(desk, agent=desk.dana) == []
    assert take_published_events() == [(LiveEventKind.VIEWING, [f"agent:{desk.dana.pk}"])]


def test_typing_viewer_is_listed_first_until_they_stop(desk: DeskScenario) -> None:
    record_viewers(desk, desk.omar, desk.administrator, desk.dana)
    record_typing(load_conversation_for(desk.dana, desk), desk.dana, NOW)
    assert list_other_viewers(desk, agent=desk.omar)[0] == ("Dana", True)
    assert list_other_viewers(desk, agent=desk.omar, at=NOW + TYPING_TIMEOUT)[0] == ("Dana", False)
    stop_typing(load_conversation_for(desk.dana, desk), desk.dana, NOW)
    assert list_other_viewers(desk, agent=desk.omar) == [("Dana", False)]


def test_viewer_events_reach_only_other_viewers_and_only_on_change(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana)
    assert take_published_events() == []
    record_viewers(desk, desk.omar)
    assert take_published_events() == [(LiveEventKind.VIEWING, [f"agent:{desk.dana.pk}"])]
    for seconds in (0, 12, 24):
        record_viewers(desk, desk.omar, at=NOW + timedelta(seconds=seconds))
        record_typing(load_conversation_for(desk.omar, desk), desk.omar, NOW + timedelta(seconds=seconds))
    assert take_published_events() == [(LiveEventKind.TYPING, [f"agent:{desk.dana.pk}"])]
    stop_typing(load_conversation_for(desk.omar, desk), desk.omar, NOW + timedelta(seconds=25))
    stop_typing(load_conversation_for(desk.omar, desk), desk.omar, NOW + timedelta(seconds=25))
    assert take_published_events() == [(LiveEventKind.TYPING, [f"agent:{desk.dana.pk}"])]


def test_viewer_row_is_updated_at_most_every_ten_seconds(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana)
    record_viewers(desk, desk.dana, at=NOW + timedelta(seconds=9))
    assert Viewer.objects.get().seen_at == NOW
    record_viewers(desk, desk.dana, at=NOW + timedelta(seconds=10))
    assert Viewer.objects.get().seen_at == NOW + timedelta(seconds=10)


def test_viewer_without_access_gets_no_events(desk: DeskScenario) -> None:
    record_viewers(desk, desk.omar)
    QueueMembership.objects.filter(agent=desk.omar).delete()
    record_viewers(desk, desk.dana)
    assert take_published_events() == []


def test_supervisor_viewing_a_colleagues_conversation_is_hidden(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana, desk.supervisor)
    assert (list_other_viewers(desk, agent=desk.dana), take_published_events()) == ([], [])
    supervise.monitor_conversation(load_conversation_for(desk.supervisor, desk), desk.supervisor)
    take_published_events()
    record_typing(load_conversation_for(desk.supervisor, desk), desk.supervisor, NOW)
    assert (list_other_viewers(desk, agent=desk.dana), take_published_events()) == ([], [])
    assert list_other_viewers(desk, agent=desk.supervisor) == [("Dana", False)]


def test_a_supervisor_who_monitors_sees_that_the_agent_writes(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana, desk.supervisor)
    record_typing(load_conversation_for(desk.dana, desk), desk.dana, NOW)
    assert take_published_events() == [(LiveEventKind.TYPING, [f"agent:{desk.supervisor.pk}"])]


def test_joined_supervisor_and_consulted_colleague_are_shown_as_viewers(desk: DeskScenario) -> None:
    supervise.join_conversation(load_conversation_for(desk.supervisor, desk), desk.supervisor)
    invite_colleague(load_conversation_for(desk.dana, desk), desk.eve, agent=desk.dana)
    record_viewers(desk, desk.supervisor, desk.eve)
    assert list_other_viewers(desk, agent=desk.dana) == [("Sue", False), ("Eve", False)]


def test_supervisor_viewing_an_unassigned_conversation_is_shown(desk: DeskScenario) -> None:
    Conversation.objects.update(agent=None, state=State.OPEN)
    record_viewers(desk, desk.supervisor)
    assert list_other_viewers(desk, agent=desk.omar) == [("Sue", False)]


def test_stale_viewers_are_deleted(desk: DeskScenario) -> None:
    record_viewers(desk, desk.dana, at=NOW - timedelta(hours=2))
    record_viewers(desk, desk.omar)
    delete_stale_viewers()
    assert Viewer.objects.get().agent == desk.omar
