"""Passing a conversation on: to whom, why, and what becomes of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from omnichannel.conversations.assignment.transfer import transfer_conversation, transfer_targets
from omnichannel.conversations.models import Conversation, RequiredSkill
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.live.models import LiveEvent
from routing.models import Agent, AgentSkill, OperatingHours, Queue, Skill, SkillType, State
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
def omar(orders: Queue) -> Agent:
    return builders.agent("Omar", queue=orders)


@pytest.fixture
def conversation(orders: Queue, dana: Agent) -> Conversation:
    return builders.conversation(with_agent=dana, in_queue=orders)


def skilled(agent: Agent, **ratings: int) -> Agent:
    kind, _ = SkillType.objects.get_or_create(name="Language")
    for name, rating in ratings.items():
        skill, _ = Skill.objects.get_or_create(name=name, type=kind)
        AgentSkill.objects.create(agent=agent, skill=skill, rating=rating)
    return agent


def needs(conversation: Conversation, **ratings: int) -> None:
    kind, _ = SkillType.objects.get_or_create(name="Language")
    for name, rating in ratings.items():
        skill, _ = Skill.objects.get_or_create(name=name, type=kind)
        RequiredSkill.objects.create(conversation=conversation, skill=skill, rating=rating)


def offered(conversation: Conversation) -> list[str]:
    return [str(one.agent) for one in transfer_targets(conversation).agents]


def test_a_colleague_has_it_at_once_and_the_reason_is_in_the_timeline(
    conversation: Conversation, dana: Agent, omar: Agent
) -> None:
    transfer_conversation(conversation, to=omar, by=dana, reason="  Speaks\nPortuguese. ")
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent) == (State.ACTIVE, omar)
    event = conversation.events.get()
    assert str(event.said) == "Dana transferred the conversation to Omar: Speaks Portuguese."
    assert event.actor == dana.user


def test_who_had_it_and_who_has_it_are_both_told(conversation: Conversation, dana: Agent, omar: Agent) -> None:
    transfer_conversation(conversation, to=omar, by=dana, reason="Lunch.")
    assert {f"agent:{dana.pk}", f"agent:{omar.pk}"} <= set(LiveEvent.objects.latest("pk").topics)


def test_it_uses_the_capacity_of_who_has_it_and_no_longer_of_who_had_it(
    conversation: Conversation, dana: Agent, omar: Agent
) -> None:
    transfer_conversation(conversation, to=omar, by=dana, reason="Lunch.")
    back = transfer_targets(conversation)
    assert [(str(one.agent), one.used) for one in back.agents] == [("Dana", 0)]


def test_in_another_queue_it_waits_from_now_on_with_what_it_needs(conversation: Conversation, dana: Agent) -> None:
    needs(conversation, Portuguese=5)
    Conversation.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    returns = builders.queue("Returns")
    transfer_conversation(conversation, to=returns, by=dana, reason="Wants a refund.")
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent, conversation.queue) == (State.OPEN, None, returns)
    assert timezone.now() - conversation.queued_at < timedelta(minutes=1)
    assert conversation.required_skills.get().rating == 5


def test_both_queues_are_told(conversation: Conversation, dana: Agent, orders: Queue) -> None:
    returns = builders.queue("Returns")
    transfer_conversation(conversation, to=returns, by=dana, reason="Wants a refund.")
    assert {f"queue:{orders.pk}", f"queue:{returns.pk}"} <= set(LiveEvent.objects.latest("pk").topics)


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 301])
def test_a_reason_is_asked_for(conversation: Conversation, dana: Agent, omar: Agent, reason: str) -> None:
    with pytest.raises(TransitionError):
        transfer_conversation(conversation, to=omar, by=dana, reason=reason)
    conversation.refresh_from_db()
    assert conversation.agent == dana


@pytest.mark.parametrize("presence", ["busy_dnd", "away", "offline", "inactive"])
def test_who_is_not_there_is_neither_offered_nor_given_it(
    conversation: Conversation, dana: Agent, orders: Queue, presence: str
) -> None:
    away = builders.agent("Paul", queue=orders, presence=presence)
    assert offered(conversation) == []
    with pytest.raises(TransitionError, match="Paul can't take this conversation now"):
        transfer_conversation(conversation, to=away, by=dana, reason="Lunch.")


@pytest.mark.parametrize("presence", ["available", "busy"])
def test_who_is_there_is_offered(conversation: Conversation, orders: Queue, presence: str) -> None:
    builders.agent("Paul", queue=orders, presence=presence)
    assert offered(conversation) == ["Paul"]


def test_only_colleagues_of_the_queue_are_offered(conversation: Conversation, dana: Agent) -> None:
    eve = builders.agent("Eve", queue=builders.queue("Returns"))
    assert offered(conversation) == []
    with pytest.raises(TransitionError):
        transfer_conversation(conversation, to=eve, by=dana, reason="Lunch.")


def test_who_no_longer_works_here_is_not_offered(conversation: Conversation, omar: Agent, orders: Queue) -> None:
    builders.agent("Paul", queue=orders).user.groups.clear()
    omar.user.is_active = False
    omar.user.save()
    assert offered(conversation) == []


def test_the_best_skills_come_first_then_the_most_free_capacity(conversation: Conversation, orders: Queue) -> None:
    needs(conversation, Portuguese=3, Lamps=1)
    skilled(builders.agent("Low", queue=orders), Portuguese=2)
    skilled(builders.agent("One", queue=orders), Portuguese=3)
    skilled(builders.agent("Both", queue=orders), Portuguese=9, Lamps=1)
    full = skilled(builders.agent("Full", queue=orders), Portuguese=3)
    builders.conversation(with_agent=full, in_queue=orders)
    assert offered(conversation) == ["Both", "One", "Full", "Low"]
    assert [one.skills_words for one in transfer_targets(conversation).agents][0] == "2 of 2 skills"


def test_needed_skills_are_not_a_condition(conversation: Conversation, dana: Agent, omar: Agent) -> None:
    needs(conversation, Portuguese=5)
    transfer_conversation(conversation, to=omar, by=dana, reason="He asked for it.")
    conversation.refresh_from_db()
    assert conversation.agent == omar


def test_free_capacity_is_told(conversation: Conversation, omar: Agent, orders: Queue) -> None:
    for _ in range(2):
        builders.conversation(with_agent=omar, in_queue=orders)
    colleague = transfer_targets(conversation).agents[0]
    assert (colleague.free, colleague.is_over) == (40, False)
    builders.conversation(with_agent=omar, in_queue=orders)
    colleague = transfer_targets(conversation).agents[0]
    assert (colleague.free, colleague.needs, colleague.is_over) == (10, 30, True)


def test_queues_tell_how_many_wait_and_closed_ones_are_left_out(conversation: Conversation, dana: Agent) -> None:
    returns = builders.queue("Returns")
    builders.conversation(in_queue=returns)
    builders.conversation(in_queue=returns, with_agent=dana)
    shut = builders.queue("Night")
    shut.operating_hours = OperatingHours.objects.create(name="Never")
    shut.save()
    assert [(str(one.queue), one.waiting) for one in transfer_targets(conversation).queues] == [
        ("Default messaging queue", 0),
        ("Returns", 1),
    ]
    with pytest.raises(TransitionError, match="Night takes no transfers now"):
        transfer_conversation(conversation, to=shut, by=dana, reason="Late.")


def test_only_the_agent_who_has_it_transfers_it(conversation: Conversation, omar: Agent) -> None:
    for somebody in (omar, builders.agent("Sue", role="Supervisor")):
        with pytest.raises(TransitionError, match="Only the agent who has this conversation"):
            transfer_conversation(conversation, to=omar, by=somebody, reason="Mine.")


@pytest.mark.parametrize("state", [State.WAITING, State.WRAP_UP])
def test_only_an_active_conversation_is_transferred(
    conversation: Conversation, dana: Agent, omar: Agent, state: State
) -> None:
    Conversation.objects.update(state=state)
    conversation.refresh_from_db()
    with pytest.raises(TransitionError, match="Only an active conversation"):
        transfer_conversation(conversation, to=omar, by=dana, reason="Lunch.")


@pytest.mark.django_db(transaction=True)
def test_of_two_transfers_at_once_one_is_refused() -> None:
    orders = builders.queue("Orders")
    dana, *others = (builders.agent(name, queue=orders) for name in ("Dana", "Omar", "Paul"))
    pk = builders.conversation(with_agent=dana, in_queue=orders).pk

    def to(colleague: Agent) -> None:
        transfer_conversation(Conversation.objects.get(pk=pk), to=colleague, by=dana, reason="Lunch.")

    outcomes = at_once(lambda: to(others[0]), lambda: to(others[1]))
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "TransitionRefused"]
    assert Conversation.objects.get(pk=pk).events.filter(kind=State.ACTIVE).count() == 1
