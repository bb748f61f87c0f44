"""Consulting colleagues: their access, their number, and the end of a consultation."""

import pytest

from omnichannel.conversations.access import can_reply, conversations_visible_to, live_topics_for
from omnichannel.conversations.assignment.consult import (
    MAX_CONSULTED,
    consult_candidates,
    consulted_participations,
    invite_colleague,
    leave_conversation,
)
from omnichannel.conversations.assignment.transfer import transfer_conversation
from omnichannel.conversations.lifecycle.close import close_conversation, end_conversation
from omnichannel.conversations.models import Conversation, Participation
from omnichannel.conversations.notes import add_note
from omnichannel.conversations.outbound.compose import ReplyError, send_reply
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.events.models import Event
from routing.models import Agent, Queue
from tests import builders
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(orders: Queue) -> Agent:
    return builders.create_agent("Dana", queue=orders)


@pytest.fixture
def conversation(orders: Queue, dana: Agent) -> Conversation:
    return builders.create_conversation(agent=dana, queue=orders)


def can_see(agent: Agent, conversation: Conversation) -> bool:
    return conversations_visible_to(agent.user).filter(pk=conversation.pk).exists()


def test_consulted_agent_sees_the_conversation_until_they_leave(
    conversation: Conversation, dana: Agent, eve: Agent
) -> None:
    assert not can_see(eve, conversation)
    invite_colleague(conversation, eve, agent=dana)
    assert can_see(eve, conversation)
    leave_conversation(conversation, eve)
    assert not can_see(eve, conversation)
    assert [str(event.text) for event in conversation.events.all()] == [
        "Dana consulted Eve.",
        "Eve left the conversation.",
    ]


def test_consulted_agent_can_write_notes_but_not_reply(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite_colleague(conversation, eve, agent=dana)
    add_note(conversation, eve.user, "The batch was recalled.")
    assert not can_reply(eve, conversation)
    with pytest.raises(ReplyError, match="Take this conversation"):
        send_reply(conversation, author=eve.user, text="Hello")


def test_consulted_agent_receives_live_events(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite_colleague(conversation, eve, agent=dana)
    assert live_topics_for(eve.user) & set(Event.objects.latest("pk").topics)
    end_conversation(conversation, dana)
    assert live_topics_for(eve.user) & set(Event.objects.latest("pk").topics)


def test_consultation_uses_no_capacity(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite_colleague(conversation, eve, agent=dana)
    leave_conversation(conversation, eve)
    assert [candidate.free_capacity for candidate in consult_candidates(conversation) if candidate.agent == eve] == [
        100
    ]


def test_participations_end_when_the_conversation_closes(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite_colleague(conversation, eve, agent=dana)
    end_conversation(conversation, dana)
    assert can_see(eve, conversation)
    close_conversation(conversation, dana)
    assert not can_see(eve, conversation)
    assert Participation.objects.get().left_at == conversation.closed_at
    assert f"agent:{eve.pk}" in Event.objects.latest("pk").topics


def test_assigned_agent_is_no_longer_consulted(conversation: Conversation, dana: Agent, orders: Queue) -> None:
    omar = builders.create_agent("Omar", queue=orders)
    invite_colleague(conversation, omar, agent=dana)
    transfer_conversation(conversation, target=omar, agent=dana, reason="You know more.")
    assert consulted_participations(conversation) == []


def test_no_more_than_five_at_a_time(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    first, *_ = [builders.create_agent(f"Helper{place}") for place in range(MAX_CONSULTED)]
    for helper in Agent.objects.filter(user__first_name__startswith="Helper"):
        invite_colleague(conversation, helper, agent=dana)
    with pytest.raises(TransitionError, match="up to 5 colleagues"):
        invite_colleague(conversation, eve, agent=dana)
    leave_conversation(conversation, first)
    invite_colleague(conversation, eve, agent=dana)


@pytest.mark.django_db(transaction=True)
def test_concurrent_invitations_do_not_exceed_the_limit() -> None:
    dana = builders.create_agent("Dana")
    pk = builders.create_conversation(agent=dana).pk
    helpers = [builders.create_agent(f"Helper{place}") for place in range(MAX_CONSULTED + 1)]

    def ask(helper: Agent) -> None:
        invite_colleague(Conversation.objects.get(pk=pk), helper, agent=dana)

    for helper in helpers[:-2]:
        ask(helper)
    outcomes = run_concurrently(lambda: ask(helpers[-1]), lambda: ask(helpers[-2]))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "TransitionError"]


def test_only_the_assigned_agent_can_consult(conversation: Conversation, eve: Agent, orders: Queue) -> None:
    omar = builders.create_agent("Omar", queue=orders)
    with pytest.raises(TransitionError, match="Only the assigned agent"):
        invite_colleague(conversation, eve, agent=omar)


@pytest.mark.parametrize("presence", ["busy_dnd", "away", "offline", "inactive"])
def test_offline_agent_cannot_be_consulted(conversation: Conversation, dana: Agent, presence: str) -> None:
    paul = builders.create_agent("Paul", presence=presence)
    with pytest.raises(TransitionError, match="Paul can't be consulted right now"):
        invite_colleague(conversation, paul, agent=dana)


def test_agent_cannot_be_invited_or_leave_twice(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite_colleague(conversation, eve, agent=dana)
    with pytest.raises(TransitionError, match="Eve can't be consulted right now"):
        invite_colleague(conversation, eve, agent=dana)
    leave_conversation(conversation, eve)
    with pytest.raises(TransitionError, match="not in this conversation"):
        leave_conversation(conversation, eve)
