"""Each state transition has its function, and no others are possible."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from omnichannel.conversations.assignment.former_agents import release_former_agent
from omnichannel.conversations.assignment.pick import (
    release_conversation,
    resume_conversation,
    take_conversation,
    wait_for_customer,
)
from omnichannel.conversations.assignment.transfer import transfer_conversation
from omnichannel.conversations.lifecycle.close import close_conversation, close_stale_conversations, end_conversation
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.conversations.presence.disconnects import release_overdue_conversations
from omnichannel.conversations.state_machine import TRANSITIONS, TransitionError, transition
from omnichannel.core.localized_text import localized
from omnichannel.events.models import Event
from routing.models import Agent, State
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import receive_message

pytestmark = pytest.mark.django_db

THIRTY_ONE_DAYS = timedelta(days=31)


def create_in_state(state: State, dana: Agent, **fields: Any) -> Conversation:
    """Create a conversation in this state, assigned to Dana unless it is open."""
    more = {"closed_at": timezone.now()} if state == State.CLOSED else {}
    agent = None if state == State.OPEN else dana
    return builders.create_conversation(agent=agent, **{"state": state, **more, **fields})


def transfer_to_omar(conversation: Conversation, agent: Agent) -> None:
    transfer_conversation(conversation, target=builders.create_agent("Omar"), agent=agent, reason="My shift ends.")


def close_after_timeout(conversation: Conversation, agent: Agent) -> None:
    long_ago = timezone.now() - THIRTY_ONE_DAYS
    Conversation.objects.filter(pk=conversation.pk).update(state_since=long_ago, last_activity_at=long_ago)
    assert close_stale_conversations() == 1


def receive_from_customer(conversation: Conversation, agent: Agent) -> None:
    receive_message(conversation.number, From=conversation.contact.address)


def receive_message_while_agent_away(conversation: Conversation, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(presence=builders.create_agent(presence="away").presence)
    receive_from_customer(conversation, agent)


def disconnect_agent(conversation: Conversation, agent: Agent) -> None:
    long_ago, offline = timezone.now() - THIRTY_ONE_DAYS, builders.create_agent(presence="offline").presence
    Agent.objects.filter(pk=agent.pk).update(presence=offline, last_seen_at=long_ago)
    Conversation.objects.filter(pk=conversation.pk).update(state_since=long_ago)
    release_overdue_conversations(agent.pk, timezone.now())


def disconnect_agent_with_unanswered_message(conversation: Conversation, agent: Agent) -> None:
    builders.create_inbound_message(conversation)
    disconnect_agent(conversation, agent)


def deactivate_agent_of_unread(conversation: Conversation, agent: Agent) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=1)
    agent.user.is_active = False
    agent.user.save()
    release_former_agent(agent.pk)


Transition = Callable[[Conversation, Agent], None]
TRANSITION_FUNCTIONS: list[tuple[State, State, Transition]] = [
    (State.OPEN, State.ACTIVE, take_conversation),
    (State.OPEN, State.CLOSED, close_after_timeout),
    (State.ACTIVE, State.WRAP_UP, end_conversation),
    (State.ACTIVE, State.OPEN, release_conversation),
    (State.ACTIVE, State.OPEN, disconnect_agent_with_unanswered_message),
    (State.ACTIVE, State.WAITING, wait_for_customer),
    (State.ACTIVE, State.WAITING, disconnect_agent),
    (State.ACTIVE, State.ACTIVE, transfer_to_omar),
    (State.ACTIVE, State.CLOSED, close_after_timeout),
    (State.WRAP_UP, State.CLOSED, close_conversation),
    (State.WRAP_UP, State.CLOSED, close_after_timeout),
    (State.WRAP_UP, State.OPEN, deactivate_agent_of_unread),
    (State.WAITING, State.ACTIVE, resume_conversation),
    (State.WAITING, State.ACTIVE, receive_from_customer),
    (State.WAITING, State.OPEN, receive_message_while_agent_away),
    (State.WAITING, State.CLOSED, close_after_timeout),
]


def test_every_transition_has_a_function() -> None:
    assert {(before, after) for before, after, _ in TRANSITION_FUNCTIONS} == set(TRANSITIONS)


@pytest.mark.parametrize(("before", "after", "verb"), TRANSITION_FUNCTIONS)
def test_transition_function_moves_the_conversation_to_its_state(
    dana: Agent, before: State, after: State, verb: Transition
) -> None:
    conversation = create_in_state(before, dana)
    verb(conversation, dana)
    conversation.refresh_from_db()
    assert conversation.state == after
    assert (conversation.agent is None) == (after == State.OPEN or before == State.OPEN and after == State.CLOSED)
    assert (conversation.closed_at is not None) == (after == State.CLOSED)
    assert conversation.events.filter(kind=after).count() == 1
    assert Event.objects.filter(kind="conversation", subject_id=conversation.pk).exists()


@pytest.mark.parametrize(
    ("before", "after"), [pair for pair in itertools.product(State, State) if pair not in TRANSITIONS]
)
def test_other_transitions_are_refused(dana: Agent, before: State, after: State) -> None:
    conversation = create_in_state(before, dana)
    with pytest.raises(TransitionError, match=r"not possible while the conversation is"):
        transition(conversation, after, agent=dana, actor=dana.user, event_text=localized("Moved."))
    conversation.refresh_from_db()
    assert conversation.state == before


ALLOWED_TRANSITIONS = {(before, verb) for before, _, verb in TRANSITION_FUNCTIONS} | {
    (State.ACTIVE, close_conversation)  # which ends it first
}
MANUAL_TRANSITIONS = [
    take_conversation,
    release_conversation,
    wait_for_customer,
    resume_conversation,
    end_conversation,
    close_conversation,
]


@pytest.mark.parametrize(
    ("state", "verb"),
    [pair for pair in itertools.product(State, MANUAL_TRANSITIONS) if pair not in ALLOWED_TRANSITIONS],
)
def test_transition_is_refused_in_other_states(dana: Agent, state: State, verb: Transition) -> None:
    conversation = create_in_state(state, dana)
    with pytest.raises(TransitionError):
        verb(conversation, dana)
    conversation.refresh_from_db()
    assert conversation.state == state


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (State.ACTIVE, release_conversation),
        (State.ACTIVE, wait_for_customer),
        (State.WAITING, resume_conversation),
        (State.ACTIVE, end_conversation),
        (State.WRAP_UP, close_conversation),
    ],
)
def test_only_the_assigned_agent_can_change_the_state(dana: Agent, state: State, verb: Transition) -> None:
    conversation = create_in_state(state, dana)
    with pytest.raises(TransitionError, match="Only the assigned agent"):
        verb(conversation, builders.create_agent("Eli"))


def test_a_conversation_with_something_unread_is_not_closed(dana: Agent) -> None:
    conversation = create_in_state(State.WRAP_UP, dana)
    receive_from_customer(conversation, dana)
    with pytest.raises(TransitionError, match="The customer sent a new message"):
        close_conversation(conversation, dana)
    conversation.refresh_from_db()
    mark_read(conversation, dana.user)
    close_conversation(conversation, dana)
    assert Conversation.objects.get().state == State.CLOSED


def test_only_the_assigned_agent_marks_a_conversation_read(dana: Agent) -> None:
    conversation = create_in_state(State.ACTIVE, dana, unread_count=2)
    for looker in (builders.create_agent("Eli").user, builders.create_user("Supervisor"), builders.create_user("")):
        mark_read(conversation, looker)
    conversation.refresh_from_db()
    assert conversation.unread_count == 2


def test_release_notifies_the_releasing_agent(dana: Agent) -> None:
    conversation = create_in_state(State.ACTIVE, dana)
    release_conversation(conversation, dana)
    assert f"agent:{dana.pk}" in Event.objects.latest("pk").topics


def test_stale_transition_is_refused(dana: Agent) -> None:
    conversation = create_in_state(State.ACTIVE, dana)
    stale = Conversation.objects.get(pk=conversation.pk)
    end_conversation(conversation, dana)
    with pytest.raises(TransitionError, match="Someone else"):
        wait_for_customer(stale, dana)


@pytest.mark.parametrize(
    ("state", "age", "closes"),
    [
        (State.OPEN, timedelta(days=29), 0),
        (State.OPEN, timedelta(days=31), 1),
        (State.ACTIVE, timedelta(days=29), 0),
        (State.ACTIVE, timedelta(days=31), 1),
        (State.WRAP_UP, timedelta(hours=23), 0),
        (State.WRAP_UP, timedelta(hours=25), 1),
        (State.WAITING, timedelta(hours=23), 0),
        (State.WAITING, timedelta(hours=25), 1),
    ],
)
def test_inactive_conversation_is_closed(dana: Agent, state: State, age: timedelta, closes: int) -> None:
    long_ago = timezone.now() - age
    create_in_state(state, dana, state_since=long_ago, last_activity_at=long_ago)
    assert close_stale_conversations() == closes


def test_a_waiting_conversation_in_which_somebody_wrote_stays(dana: Agent) -> None:
    create_in_state(State.WAITING, dana, state_since=timezone.now() - THIRTY_ONE_DAYS, last_activity_at=timezone.now())
    assert close_stale_conversations() == 0


@pytest.mark.parametrize("state", [State.ACTIVE, State.WRAP_UP, State.WAITING])
def test_nothing_is_closed_over_a_message_its_agent_has_not_seen(dana: Agent, state: State) -> None:
    create_in_state(
        state, dana, state_since=timezone.now() - THIRTY_ONE_DAYS, last_activity_at=timezone.now() - THIRTY_ONE_DAYS
    )
    Conversation.objects.update(unread_count=1)
    assert close_stale_conversations() == 0


def test_an_active_conversation_in_which_somebody_wrote_stays(dana: Agent) -> None:
    create_in_state(State.ACTIVE, dana, state_since=timezone.now() - THIRTY_ONE_DAYS, last_activity_at=timezone.now())
    assert close_stale_conversations() == 0


def test_a_conversation_is_not_left_waiting_over_a_message_its_agent_has_not_seen(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana, unread_count=1)
    with pytest.raises(TransitionError, match="Read it first"):
        wait_for_customer(conversation, dana)


def test_work_stream_sets_the_auto_close_time(dana: Agent) -> None:
    builders.update_work_stream(auto_close_after=timedelta(minutes=5))
    long_ago = timezone.now() - timedelta(minutes=6)
    create_in_state(State.WAITING, dana, state_since=long_ago, last_activity_at=long_ago)
    assert close_stale_conversations() == 1


@pytest.mark.django_db(transaction=True)
def test_when_two_agents_take_it_at_once_one_gets_it() -> None:
    conversation = builders.create_conversation()
    agents = [builders.create_agent() for _ in range(4)]

    def take(agent: Agent) -> Agent:
        take_conversation(Conversation.objects.get(pk=conversation.pk), agent)
        return agent

    outcomes = run_concurrently(*[partial(take, agent) for agent in agents])
    winners = [outcome for outcome in outcomes if isinstance(outcome, Agent)]
    assert [type(outcome) for outcome in outcomes if outcome not in winners] == [TransitionError] * 3
    conversation.refresh_from_db()
    assert [conversation.agent] == winners
    assert conversation.events.filter(kind="active").count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_message_prevents_closing() -> None:
    dana = builders.create_agent("Dana")
    for _ in range(5):
        conversation = create_in_state(State.WRAP_UP, dana)
        run_concurrently(
            partial(close_conversation, Conversation.objects.get(pk=conversation.pk), dana),
            partial(receive_from_customer, conversation, dana),
        )
        conversation.refresh_from_db()
        assert (conversation.state, conversation.unread_count) in {(State.CLOSED, 0), (State.WRAP_UP, 1)}
        Conversation.objects.all().update(state=State.CLOSED, closed_at=timezone.now())
