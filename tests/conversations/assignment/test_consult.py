"""Asking colleagues in: what they see and do, how many, and how it ends."""

import pytest

from omnichannel.conversations.access import conversations_visible_to, may_answer, topics_for
from omnichannel.conversations.assignment.consult import MOST_AT_A_TIME, colleagues_to_ask, invite, leave, people_in
from omnichannel.conversations.assignment.transfer import transfer
from omnichannel.conversations.lifecycle.close import close, end
from omnichannel.conversations.models import Conversation, Participation
from omnichannel.conversations.notes import add_note
from omnichannel.conversations.outbound.compose import ReplyRefused, send_reply
from omnichannel.conversations.state_machine import TransitionRefused
from omnichannel.live.models import LiveEvent
from routing.models import Agent, Queue
from tests import builders
from tests.concurrency import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders() -> Queue:
    return builders.queue("Orders")


@pytest.fixture
def dana(orders: Queue) -> Agent:
    return builders.agent("Dana", queue=orders)


@pytest.fixture
def eve() -> Agent:
    return builders.agent("Eve", queue=builders.queue("Returns"))


@pytest.fixture
def conversation(orders: Queue, dana: Agent) -> Conversation:
    return builders.conversation(with_agent=dana, in_queue=orders)


def sees(agent: Agent, conversation: Conversation) -> bool:
    return conversations_visible_to(agent.user).filter(pk=conversation.pk).exists()


def test_who_is_consulted_sees_the_conversation_until_they_leave(
    conversation: Conversation, dana: Agent, eve: Agent
) -> None:
    assert not sees(eve, conversation)
    invite(conversation, eve, by=dana)
    assert sees(eve, conversation)
    leave(conversation, eve)
    assert not sees(eve, conversation)
    assert [str(event.said) for event in conversation.events.all()] == [
        "Dana consulted Eve.",
        "Eve left the conversation.",
    ]


def test_who_is_consulted_writes_notes_and_nothing_to_the_customer(
    conversation: Conversation, dana: Agent, eve: Agent
) -> None:
    invite(conversation, eve, by=dana)
    add_note(conversation, eve.user, "The batch was recalled.")
    assert not may_answer(eve, conversation)
    with pytest.raises(ReplyRefused, match="Take this conversation"):
        send_reply(conversation, author=eve.user, text="Hello")


def test_who_is_consulted_hears_what_happens(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite(conversation, eve, by=dana)
    assert topics_for(eve.user) & set(LiveEvent.objects.latest("pk").topics)
    end(conversation, dana)
    assert topics_for(eve.user) & set(LiveEvent.objects.latest("pk").topics)


def test_it_uses_no_capacity(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite(conversation, eve, by=dana)
    leave(conversation, eve)
    assert [one.free for one in colleagues_to_ask(conversation) if one.agent == eve] == [100]


def test_everybody_leaves_when_the_conversation_closes(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite(conversation, eve, by=dana)
    end(conversation, dana)
    assert sees(eve, conversation)
    close(conversation, dana)
    assert not sees(eve, conversation)
    assert Participation.objects.get().left_at == conversation.closed_at
    assert f"agent:{eve.pk}" in LiveEvent.objects.latest("pk").topics


def test_who_gets_the_conversation_is_no_longer_consulted(
    conversation: Conversation, dana: Agent, orders: Queue
) -> None:
    omar = builders.agent("Omar", queue=orders)
    invite(conversation, omar, by=dana)
    transfer(conversation, to=omar, by=dana, reason="You know more.")
    assert people_in(conversation) == []


def test_no_more_than_five_at_a_time(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    first, *_ = [builders.agent(f"Helper{place}") for place in range(MOST_AT_A_TIME)]
    for helper in Agent.objects.filter(user__first_name__startswith="Helper"):
        invite(conversation, helper, by=dana)
    with pytest.raises(TransitionRefused, match="Up to 5 colleagues"):
        invite(conversation, eve, by=dana)
    leave(conversation, first)
    invite(conversation, eve, by=dana)


@pytest.mark.django_db(transaction=True)
def test_of_two_for_the_last_place_one_comes_in() -> None:
    dana = builders.agent("Dana")
    pk = builders.conversation(with_agent=dana).pk
    helpers = [builders.agent(f"Helper{place}") for place in range(MOST_AT_A_TIME + 1)]

    def ask(helper: Agent) -> None:
        invite(Conversation.objects.get(pk=pk), helper, by=dana)

    for helper in helpers[:-2]:
        ask(helper)
    outcomes = at_once(lambda: ask(helpers[-1]), lambda: ask(helpers[-2]))
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "TransitionRefused"]


def test_only_the_agent_who_has_it_consults(conversation: Conversation, eve: Agent, orders: Queue) -> None:
    omar = builders.agent("Omar", queue=orders)
    with pytest.raises(TransitionRefused, match="Only the agent who has this conversation"):
        invite(conversation, eve, by=omar)


@pytest.mark.parametrize("presence", ["busy_dnd", "away", "offline", "inactive"])
def test_who_is_not_there_is_not_asked(conversation: Conversation, dana: Agent, presence: str) -> None:
    paul = builders.agent("Paul", presence=presence)
    with pytest.raises(TransitionRefused, match="Paul can't be consulted now"):
        invite(conversation, paul, by=dana)


def test_nobody_is_asked_twice_nor_leaves_twice(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    invite(conversation, eve, by=dana)
    with pytest.raises(TransitionRefused, match="Eve can't be consulted now"):
        invite(conversation, eve, by=dana)
    leave(conversation, eve)
    with pytest.raises(TransitionRefused, match="not in this conversation"):
        leave(conversation, eve)
