"""An agent is gone and does not come back: nobody's customer waits for them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.presence import disconnects, sessions
from omnichannel.jobs.models import Lane
from omnichannel.live.models import LiveEvent
from routing.agents import show_presence
from routing.models import Agent, BasePresence, State
from routing.presence import built_in
from tests import builders

pytestmark = pytest.mark.django_db

QUARTER = timedelta(minutes=15)


@pytest.fixture
def dana() -> Agent:
    """Dana, who signed out sixteen minutes ago."""
    return gone(builders.agent("Dana", presence="offline"), minutes=16)


def gone(agent: Agent, *, minutes: int) -> Agent:
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now() - timedelta(minutes=minutes))
    return agent


def has(agent: Agent, *, since: int = 60, **fields: Any) -> Conversation:
    """The agent has an active conversation in which the customer has written."""
    at = timezone.now() - timedelta(minutes=since)
    conversation = builders.conversation(with_agent=agent, state_since=at, **fields)
    builders.inbound(conversation, "Where is my order?", created_at=at)
    return conversation


def answered(conversation: Conversation, agent: Agent | None, **fields: Any) -> Conversation:
    builders.outbound(conversation, "On its way.", author=agent.user if agent else None, **fields)
    return conversation


def time_is_over(agent: Agent) -> Any:
    return disconnects.release_overdue_conversations(agent.pk, timezone.now())


def now_is(conversation: Conversation) -> tuple[str, Agent | None]:
    found = Conversation.objects.get(pk=conversation.pk)
    return found.state, found.agent


def test_a_customer_who_waits_for_an_answer_goes_back_to_the_queue(dana: Agent) -> None:
    queue = builders.queue("Orders")
    conversation = has(dana, in_queue=queue)
    assert time_is_over(dana) is None
    assert now_is(conversation) == (State.OPEN, None)
    lines = [str(line) for line in conversation.events.values_list("said", flat=True)]
    assert lines == [
        "Dana was disconnected.",
        "Dana did not come back within 15 minutes: waiting in Orders for another agent.",
    ]
    assert f"agent:{dana.pk}" in LiveEvent.objects.filter(kind="conversation").latest("pk").topics


def test_who_was_disconnected_is_known_to_the_next_assignment(dana: Agent) -> None:
    conversation = has(dana)
    time_is_over(dana)
    conversation.refresh_from_db()
    since = conversation.events.filter(kind=disconnects.DISCONNECTED_EVENT, created_at__gte=conversation.queued_at)
    assert [event.actor for event in since] == [dana.user]


def test_whom_the_agent_answered_last_is_waited_for(dana: Agent) -> None:
    conversation = answered(has(dana), dana)
    time_is_over(dana)
    assert now_is(conversation) == (State.WAITING, dana)


def test_what_has_not_been_read_goes_back_even_after_an_answer(dana: Agent) -> None:
    conversation = answered(has(dana, unread_count=1), dana)
    time_is_over(dana)
    assert now_is(conversation) == (State.OPEN, None)


@pytest.mark.parametrize("failed", [True, False])
def test_neither_an_automated_message_nor_one_that_failed_is_an_answer(dana: Agent, failed: bool) -> None:
    conversation = answered(has(dana), dana, status="failed") if failed else answered(has(dana), None)
    time_is_over(dana)
    assert now_is(conversation) == (State.OPEN, None)


def test_wrap_up_and_what_waits_for_the_customer_stay(dana: Agent) -> None:
    wrapped, waits = has(dana, state=State.WRAP_UP), has(dana, state=State.WAITING)
    time_is_over(dana)
    disconnects.enqueue_missed_disconnects()
    assert [now_is(wrapped), now_is(waits)] == [(State.WRAP_UP, dana), (State.WAITING, dana)]
    assert not Lane.objects.filter(kind=LaneKind.DISCONNECT).exists()


def test_who_is_there_again_in_time_keeps_everything(dana: Agent) -> None:
    conversation = has(dana)
    sessions.return_from_absence(Agent.objects.get(pk=dana.pk))
    assert time_is_over(dana) is None
    assert now_is(conversation) == (State.ACTIVE, dana)
    assert not conversation.events.exists()


def test_who_shows_offline_with_a_page_open_is_not_disconnected() -> None:
    omar = builders.agent("Omar")
    conversation = has(omar)
    sessions.choose_presence(omar, built_in(BasePresence.OFFLINE))
    Agent.objects.filter(pk=omar.pk).update(last_seen_at=timezone.now() - timedelta(seconds=20))
    again = disconnects.release_overdue_conversations(omar.pk, timezone.now() + timedelta(minutes=14))
    assert again is not None
    assert timedelta(minutes=14) < again - timezone.now() < QUARTER
    assert now_is(conversation) == (State.ACTIVE, omar)


def test_a_reload_or_a_break_of_two_minutes_is_nothing() -> None:
    omar, now = builders.agent("Omar"), timezone.now()
    has(omar)
    gone(omar, minutes=2)
    sessions.update_presences(now)
    assert not Lane.objects.filter(kind=LaneKind.DISCONNECT).exists()


def test_signing_out_is_looked_at_again_when_the_time_is_over() -> None:
    omar = builders.agent("Omar")
    has(omar)
    sessions.handle_sign_out(omar.user)
    lane = Lane.objects.get(kind=LaneKind.DISCONNECT, key=omar.pk)
    assert abs(lane.due_at - timezone.now() - QUARTER) < timedelta(seconds=5)


def test_pages_that_are_gone_count_from_when_they_were_last_there() -> None:
    omar = gone(builders.agent("Omar"), minutes=5)
    has(omar)
    sessions.update_presences()
    lane = Lane.objects.get(kind=LaneKind.DISCONNECT, key=omar.pk)
    assert abs(lane.due_at - timezone.now() - timedelta(minutes=10)) < timedelta(seconds=5)


@pytest.mark.parametrize(("time", "state"), [(timedelta(minutes=20), State.ACTIVE), (timedelta(minutes=1), State.OPEN)])
def test_how_long_is_waited_the_work_stream_says(dana: Agent, time: timedelta, state: State) -> None:
    builders.work_stream(return_after_disconnect=time)
    conversation = has(dana)
    time_is_over(dana)
    assert now_is(conversation)[0] == state


def test_a_work_stream_without_such_a_time_keeps_its_agents(dana: Agent) -> None:
    builders.work_stream(return_after_disconnect=None)
    conversation = has(dana)
    assert time_is_over(dana) is None
    disconnects.enqueue_missed_disconnects()
    assert not Lane.objects.filter(kind=LaneKind.DISCONNECT).exists()
    assert now_is(conversation) == (State.ACTIVE, dana)


def test_what_was_assigned_while_the_agent_was_gone_has_its_own_time(dana: Agent) -> None:
    conversation = has(dana, since=3)
    again = time_is_over(dana)
    assert now_is(conversation) == (State.ACTIVE, dana)
    assert abs(again - timezone.now() - timedelta(minutes=12)) < timedelta(seconds=5)


def test_the_net_finds_whoever_a_moment_was_missed_for(dana: Agent) -> None:
    has(dana)
    disconnects.enqueue_missed_disconnects()
    assert Lane.objects.filter(kind=LaneKind.DISCONNECT, key=dana.pk).exists()


def test_a_presence_set_in_the_administration_is_at_once_on_the_agents_pages() -> None:
    omar = builders.agent("Omar", presence="away")
    omar.presence = built_in(BasePresence.AVAILABLE)
    omar.save(update_fields=["presence"])
    assert LiveEvent.objects.filter(kind="presence", subject_id=omar.pk).exists()
    assert Lane.objects.filter(kind="assign").exists()


def test_saving_an_agent_for_other_reasons_tells_nobody() -> None:
    omar = builders.agent("Omar")
    omar.save(update_fields=["last_assigned_at"])
    show_presence(omar, built_in(BasePresence.AWAY))
    assert not LiveEvent.objects.exists()


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1), "1 day"),
    ],
)
def test_times_are_said_as_people_say_them(time: timedelta, words: str) -> None:
    assert str(disconnects.duration_text(time)) == words
