"""Conversations of an agent who does not return are released."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.presence import disconnects, sessions
from omnichannel.events.models import Event
from omnichannel.jobs.models import Lane
from routing.agents import set_presence_manually
from routing.models import Agent, BasePresence, State
from routing.presence import get_built_in_presence
from tests import builders
from tests.admin_client import admin_url, create_signed_in_client, inline_form_data

pytestmark = pytest.mark.django_db

QUARTER_HOUR = timedelta(minutes=15)


@pytest.fixture
def dana() -> Agent:
    """Return Dana, who signed out sixteen minutes ago."""
    return set_last_seen(builders.create_agent("Dana", presence="offline"), minutes=16)


def set_last_seen(agent: Agent, *, minutes: int) -> Agent:
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now() - timedelta(minutes=minutes))
    return agent


def create_active_conversation(agent: Agent, *, minutes: int = 60, **fields: Any) -> Conversation:
    """Create an active conversation with a message of the customer."""
    at = timezone.now() - timedelta(minutes=minutes)
    conversation = builders.create_conversation(agent=agent, state_since=at, **fields)
    builders.create_inbound_message(conversation, "Where is my order?", created_at=at)
    return conversation


def add_reply(conversation: Conversation, agent: Agent | None, **fields: Any) -> Conversation:
    builders.create_outbound_message(conversation, "On its way.", author=agent.user if agent else None, **fields)
    return conversation


def run_disconnect(agent: Agent) -> Any:
    return disconnects.release_overdue_conversations(agent.pk, timezone.now())


def state_and_agent(conversation: Conversation) -> tuple[str, Agent | None]:
    row = Conversation.objects.get(pk=conversation.pk)
    return row.state, row.agent


def test_a_customer_who_waits_for_an_answer_goes_back_to_the_queue(dana: Agent) -> None:
    queue = builders.create_queue("Orders")
    conversation = create_active_conversation(dana, queue=queue)
    assert run_disconnect(dana) is None
    assert state_and_agent(conversation) == (State.OPEN, None)
    lines = [str(line) for line in conversation.events.values_list("text", flat=True)]
    assert lines == ["Dana did not reconnect within 15 minutes. Waiting in Orders for another agent."]
    assert f"agent:{dana.pk}" in Event.objects.filter(kind="conversation").latest("pk").topics


def test_disconnected_agent_is_recorded_for_the_next_assignment(dana: Agent) -> None:
    conversation = create_active_conversation(dana)
    run_disconnect(dana)
    conversation.refresh_from_db()
    assert conversation.released_by == dana
    assert conversation.is_released_by_disconnect


def test_conversation_answered_by_the_agent_becomes_waiting(dana: Agent) -> None:
    conversation = add_reply(create_active_conversation(dana), dana)
    run_disconnect(dana)
    assert state_and_agent(conversation) == (State.WAITING, dana)


def test_unread_conversation_returns_to_the_queue_even_after_a_reply(dana: Agent) -> None:
    conversation = add_reply(create_active_conversation(dana, unread_count=1), dana)
    run_disconnect(dana)
    assert state_and_agent(conversation) == (State.OPEN, None)


@pytest.mark.parametrize("failed", [True, False])
def test_automated_and_failed_messages_do_not_count_as_answers(dana: Agent, failed: bool) -> None:
    conversation = (
        add_reply(create_active_conversation(dana), dana, status="failed")
        if failed
        else add_reply(create_active_conversation(dana), None)
    )
    run_disconnect(dana)
    assert state_and_agent(conversation) == (State.OPEN, None)


def test_wrap_up_and_waiting_conversations_are_kept(dana: Agent) -> None:
    wrapped, waits = (
        create_active_conversation(dana, state=State.WRAP_UP),
        create_active_conversation(dana, state=State.WAITING),
    )
    run_disconnect(dana)
    disconnects.enqueue_missed_disconnects()
    assert [state_and_agent(wrapped), state_and_agent(waits)] == [(State.WRAP_UP, dana), (State.WAITING, dana)]
    assert not Lane.objects.filter(kind=LaneKind.DISCONNECT).exists()


def test_agent_who_returns_in_time_keeps_their_work(dana: Agent) -> None:
    conversation = create_active_conversation(dana)
    sessions.return_from_absence(Agent.objects.get(pk=dana.pk))
    assert run_disconnect(dana) is None
    assert state_and_agent(conversation) == (State.ACTIVE, dana)
    assert not conversation.events.exists()


def test_offline_agent_with_an_open_page_is_not_disconnected() -> None:
    omar = builders.create_agent("Omar")
    conversation = create_active_conversation(omar)
    sessions.choose_presence(omar, get_built_in_presence(BasePresence.OFFLINE))
    Agent.objects.filter(pk=omar.pk).update(last_seen_at=timezone.now() - timedelta(seconds=20))
    next_check_at = disconnects.release_overdue_conversations(omar.pk, timezone.now() + timedelta(minutes=14))
    assert next_check_at is not None
    assert timedelta(minutes=14) < next_check_at - timezone.now() < QUARTER_HOUR
    assert state_and_agent(conversation) == (State.ACTIVE, omar)


def test_short_absence_does_not_disconnect() -> None:
    omar, now = builders.create_agent("Omar"), timezone.now()
    create_active_conversation(omar)
    set_last_seen(omar, minutes=2)
    sessions.update_presences(now)
    assert not Lane.objects.filter(kind=LaneKind.DISCONNECT).exists()


def test_sign_out_schedules_a_disconnect_check() -> None:
    omar = builders.create_agent("Omar")
    create_active_conversation(omar)
    sessions.handle_sign_out(omar.user)
    lane = Lane.objects.get(kind=LaneKind.DISCONNECT, key=omar.pk)
    assert abs(lane.due_at - timezone.now() - QUARTER_HOUR) < timedelta(seconds=5)


def test_absence_counts_from_the_last_seen_time() -> None:
    omar = set_last_seen(builders.create_agent("Omar"), minutes=5)
    create_active_conversation(omar)
    sessions.update_presences()
    lane = Lane.objects.get(kind=LaneKind.DISCONNECT, key=omar.pk)
    assert abs(lane.due_at - timezone.now() - timedelta(minutes=10)) < timedelta(seconds=5)


@pytest.mark.parametrize(("time", "state"), [(timedelta(minutes=20), State.ACTIVE), (timedelta(minutes=1), State.OPEN)])
def test_work_stream_sets_the_disconnect_delay(dana: Agent, time: timedelta, state: State) -> None:
    builders.update_work_stream(return_after_disconnect=time)
    conversation = create_active_conversation(dana)
    run_disconnect(dana)
    assert state_and_agent(conversation)[0] == state


def test_work_stream_without_a_delay_never_disconnects(dana: Agent) -> None:
    builders.update_work_stream(return_after_disconnect=None)
    conversation = create_active_conversation(dana)
    assert run_disconnect(dana) is None
    disconnects.enqueue_missed_disconnects()
    assert not Lane.objects.filter(kind=LaneKind.DISCONNECT).exists()
    assert state_and_agent(conversation) == (State.ACTIVE, dana)


def test_conversation_assigned_during_absence_has_its_own_delay(dana: Agent) -> None:
    conversation = create_active_conversation(dana, minutes=3)
    next_check_at = run_disconnect(dana)
    assert state_and_agent(conversation) == (State.ACTIVE, dana)
    assert abs(next_check_at - timezone.now() - timedelta(minutes=12)) < timedelta(seconds=5)


def test_missed_disconnect_is_found_by_the_periodic_check(dana: Agent) -> None:
    create_active_conversation(dana)
    disconnects.enqueue_missed_disconnects()
    assert Lane.objects.filter(kind=LaneKind.DISCONNECT, key=dana.pk).exists()


def test_a_presence_set_in_the_administration_is_at_once_on_the_agents_pages() -> None:
    omar = builders.create_agent("Omar", presence="away")
    available = get_built_in_presence(BasePresence.AVAILABLE)
    form = {
        "capacity": "100",
        "presence": available.pk,
        **inline_form_data("memberships"),
        **inline_form_data("agent_skills"),
    }
    create_signed_in_client("Administrator").post(admin_url("routing_agent", "change", omar.pk), form)
    assert Event.objects.filter(kind="presence", subject_id=omar.pk).exists()
    assert Lane.objects.filter(kind="assign").exists()


def test_other_changes_of_an_agent_publish_no_event() -> None:
    omar = builders.create_agent("Omar")
    omar.save(update_fields=["last_assigned_at"])
    set_presence_manually(omar, get_built_in_presence(BasePresence.AWAY))
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1), "1 day"),
    ],
)
def test_durations_are_formatted_in_words(time: timedelta, text: str) -> None:
    assert str(disconnects.duration_text(time)) == text
