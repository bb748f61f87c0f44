"""Who looks at a conversation and who writes in it: told to colleagues who look at it too, and to nobody else."""

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
from omnichannel.live.models import LiveEvent
from routing.models import Agent, QueueMembership, State
from tests.desk.people import Desk, make_desk

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def desk(db: None) -> Desk:
    return make_desk()


def seen_by(agent: Agent, desk: Desk) -> Conversation:
    """The conversation as a request of this agent finds it."""
    return access.get_conversation_or_404(agent.user, desk.conversation.pk)


def open_page(desk: Desk, *agents: Agent, at: datetime = NOW) -> None:
    for agent in agents:
        record_viewing(seen_by(agent, desk), agent, at)


def looking(desk: Desk, to: Agent, at: datetime = NOW) -> list[tuple[str, bool]]:
    return [(str(one.agent), one.is_typing) for one in other_viewers(seen_by(to, desk), to, at)]


def hints() -> list[tuple[str, list[str]]]:
    """What was told, to whom, since the last look."""
    found = [(event.kind, event.topics) for event in LiveEvent.objects.order_by("pk")]
    LiveEvent.objects.all().delete()
    return found


def test_colleagues_see_each_other_and_nobody_sees_themselves(desk: Desk) -> None:
    open_page(desk, desk.dana, desk.omar)
    assert looking(desk, to=desk.dana) == [("Omar", False)]
    assert looking(desk, to=desk.omar) == [("Dana", False)]


def test_who_says_nothing_for_half_a_minute_has_gone(desk: Desk) -> None:
    open_page(desk, desk.omar)
    assert looking(desk, to=desk.dana, at=NOW + VIEWER_TIMEOUT) == [("Omar", False)]
    assert looking(desk, to=desk.dana, at=NOW + VIEWER_TIMEOUT + timedelta(seconds=1)) == []


def test_who_leaves_the_page_has_gone_at_once(desk: Desk) -> None:
    open_page(desk, desk.dana, desk.omar)
    hints()
    remove_viewer(seen_by(desk.omar, desk), desk.omar, NOW)
    assert looking(desk, to=desk.dana) == []
    assert hints() == [(LiveEventKind.VIEWING, [f"agent:{desk.dana.pk}"])]


def test_who_writes_comes_first_until_they_stop_or_say_nothing_more(desk: Desk) -> None:
    open_page(desk, desk.omar, desk.ada, desk.dana)
    record_typing(seen_by(desk.dana, desk), desk.dana, NOW)
    assert looking(desk, to=desk.omar)[0] == ("Dana", True)
    assert looking(desk, to=desk.omar, at=NOW + TYPING_TIMEOUT)[0] == ("Dana", False)
    stop_typing(seen_by(desk.dana, desk), desk.dana, NOW)
    assert looking(desk, to=desk.omar) == [("Dana", False)]


def test_only_those_who_look_at_it_too_are_told_and_only_of_changes(desk: Desk) -> None:
    open_page(desk, desk.dana)
    assert hints() == []
    open_page(desk, desk.omar)
    assert hints() == [(LiveEventKind.VIEWING, [f"agent:{desk.dana.pk}"])]
    for seconds in (0, 12, 24):
        open_page(desk, desk.omar, at=NOW + timedelta(seconds=seconds))
        record_typing(seen_by(desk.omar, desk), desk.omar, NOW + timedelta(seconds=seconds))
    assert hints() == [(LiveEventKind.TYPING, [f"agent:{desk.dana.pk}"])]
    stop_typing(seen_by(desk.omar, desk), desk.omar, NOW + timedelta(seconds=25))
    stop_typing(seen_by(desk.omar, desk), desk.omar, NOW + timedelta(seconds=25))
    assert hints() == [(LiveEventKind.TYPING, [f"agent:{desk.dana.pk}"])]


def test_it_is_written_every_ten_seconds_at_most(desk: Desk) -> None:
    open_page(desk, desk.dana)
    open_page(desk, desk.dana, at=NOW + timedelta(seconds=9))
    assert Viewer.objects.get().seen_at == NOW
    open_page(desk, desk.dana, at=NOW + timedelta(seconds=10))
    assert Viewer.objects.get().seen_at == NOW + timedelta(seconds=10)


def test_who_may_no_longer_see_the_conversation_is_told_nothing(desk: Desk) -> None:
    open_page(desk, desk.omar)
    QueueMembership.objects.filter(agent=desk.omar).delete()
    open_page(desk, desk.dana)
    assert hints() == []


def test_a_supervisor_looks_into_a_colleagues_conversation_unseen(desk: Desk) -> None:
    open_page(desk, desk.dana, desk.sue)
    assert (looking(desk, to=desk.dana), hints()) == ([], [])
    supervise.monitor_conversation(seen_by(desk.sue, desk), desk.sue)
    hints()
    record_typing(seen_by(desk.sue, desk), desk.sue, NOW)
    assert (looking(desk, to=desk.dana), hints()) == ([], [])
    assert looking(desk, to=desk.sue) == [("Dana", False)]


def test_a_supervisor_who_monitors_sees_that_the_agent_writes(desk: Desk) -> None:
    open_page(desk, desk.dana, desk.sue)
    record_typing(seen_by(desk.dana, desk), desk.dana, NOW)
    assert hints() == [(LiveEventKind.TYPING, [f"agent:{desk.sue.pk}"])]


def test_a_supervisor_who_joined_and_a_colleague_who_was_asked_in_are_seen(desk: Desk) -> None:
    supervise.join_conversation(seen_by(desk.sue, desk), desk.sue)
    invite_colleague(seen_by(desk.dana, desk), desk.eve, by=desk.dana)
    open_page(desk, desk.sue, desk.eve)
    assert looking(desk, to=desk.dana) == [("Sue", False), ("Eve", False)]


def test_a_supervisor_is_seen_at_what_nobody_has_yet(desk: Desk) -> None:
    Conversation.objects.update(agent=None, state=State.OPEN)
    open_page(desk, desk.sue)
    assert looking(desk, to=desk.omar) == [("Sue", False)]


def test_pages_that_ended_without_a_word_are_forgotten(desk: Desk) -> None:
    open_page(desk, desk.dana, at=NOW - timedelta(hours=2))
    open_page(desk, desk.omar)
    delete_stale_viewers()
    assert Viewer.objects.get().agent == desk.omar
