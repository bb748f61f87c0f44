"""Transfers to agents and queues: candidates, reasons and results."""

from datetime import timedelta

import pytest
from django.utils import timezone

from omnichannel.conversations.assignment.transfer import transfer_conversation, transfer_targets
from omnichannel.conversations.models import Conversation, RequiredSkill
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.events.models import Event
from routing.models import Agent, AgentSkill, OperatingHours, Queue, Skill, SkillType, State
from tests import builders
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(orders: Queue) -> Agent:
    return builders.create_agent("Dana", queue=orders)


@pytest.fixture
def omar(orders: Queue) -> Agent:
    return builders.create_agent("Omar", queue=orders)


@pytest.fixture
def conversation(orders: Queue, dana: Agent) -> Conversation:
    return builders.create_conversation(agent=dana, queue=orders)


def add_skills(agent: Agent, **ratings: int) -> Agent:
    kind, _ = SkillType.objects.get_or_create(name="Language")
    for name, rating in ratings.items():
        skill, _ = Skill.objects.get_or_create(name=name, type=kind)
        AgentSkill.objects.create(agent=agent, skill=skill, rating=rating)
    return agent


def add_required_skills(conversation: Conversation, **ratings: int) -> None:
    kind, _ = SkillType.objects.get_or_create(name="Language")
    for name, rating in ratings.items():
        skill, _ = Skill.objects.get_or_create(name=name, type=kind)
        RequiredSkill.objects.create(conversation=conversation, skill=skill, rating=rating)


def candidate_names(conversation: Conversation) -> list[str]:
    return [str(candidate.agent) for candidate in transfer_targets(conversation).agents]


def test_transfer_assigns_the_colleague_and_records_the_reason(
    conversation: Conversation, dana: Agent, omar: Agent
) -> None:
    transfer_conversation(conversation, target=omar, agent=dana, reason="  Speaks\nPortuguese. ")
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent) == (State.ACTIVE, omar)
    event = conversation.events.get()
    assert str(event.text) == "Dana transferred the conversation to Omar: Speaks Portuguese."
    assert event.actor == dana.user


def test_transfer_notifies_both_agents(conversation: Conversation, dana: Agent, omar: Agent) -> None:
    transfer_conversation(conversation, target=omar, agent=dana, reason="Lunch.")
    assert {f"agent:{dana.pk}", f"agent:{omar.pk}"} <= set(Event.objects.latest("pk").topics)


def test_transfer_moves_the_capacity_use_to_the_new_agent(conversation: Conversation, dana: Agent, omar: Agent) -> None:
    transfer_conversation(conversation, target=omar, agent=dana, reason="Lunch.")
    targets = transfer_targets(conversation)
    assert [(str(candidate.agent), candidate.used_capacity) for candidate in targets.agents] == [("Dana", 0)]


def test_queue_transfer_restarts_the_wait_and_keeps_required_skills(conversation: Conversation, dana: Agent) -> None:
    add_required_skills(conversation, Portuguese=5)
    Conversation.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    returns = builders.create_queue("Returns")
    transfer_conversation(conversation, target=returns, agent=dana, reason="Wants a refund.")
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent, conversation.queue) == (State.OPEN, None, returns)
    assert timezone.now() - conversation.queued_at < timedelta(minutes=1)
    assert conversation.required_skills.get().rating == 5


def test_queue_transfer_notifies_both_queues(conversation: Conversation, dana: Agent, orders: Queue) -> None:
    returns = builders.create_queue("Returns")
    transfer_conversation(conversation, target=returns, agent=dana, reason="Wants a refund.")
    assert {f"queue:{orders.pk}", f"queue:{returns.pk}"} <= set(Event.objects.latest("pk").topics)


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 301])
def test_transfer_requires_a_reason(conversation: Conversation, dana: Agent, omar: Agent, reason: str) -> None:
    with pytest.raises(TransitionError):
        transfer_conversation(conversation, target=omar, agent=dana, reason=reason)
    conversation.refresh_from_db()
    assert conversation.agent == dana


@pytest.mark.parametrize("presence", ["busy_dnd", "away", "offline", "inactive"])
def test_offline_agent_is_not_a_transfer_candidate(
    conversation: Conversation, dana: Agent, orders: Queue, presence: str
) -> None:
    away = builders.create_agent("Paul", queue=orders, presence=presence)
    assert candidate_names(conversation) == []
    with pytest.raises(TransitionError, match="Paul can't take this conversation right now"):
        transfer_conversation(conversation, target=away, agent=dana, reason="Lunch.")


@pytest.mark.parametrize("presence", ["available", "busy"])
def test_online_agent_is_a_transfer_candidate(conversation: Conversation, orders: Queue, presence: str) -> None:
    builders.create_agent("Paul", queue=orders, presence=presence)
    assert candidate_names(conversation) == ["Paul"]


def test_only_colleagues_of_the_queue_are_offered(conversation: Conversation, dana: Agent) -> None:
    eve = builders.create_agent("Eve", queue=builders.create_queue("Returns"))
    assert candidate_names(conversation) == []
    with pytest.raises(TransitionError):
        transfer_conversation(conversation, target=eve, agent=dana, reason="Lunch.")


def test_deactivated_agent_is_not_a_transfer_candidate(conversation: Conversation, omar: Agent, orders: Queue) -> None:
    builders.create_agent("Paul", queue=orders).user.groups.clear()
    omar.user.is_active = False
    omar.user.save()
    assert candidate_names(conversation) == []


def test_the_best_skills_come_first_then_the_most_free_capacity(conversation: Conversation, orders: Queue) -> None:
    add_required_skills(conversation, Portuguese=3, Lamps=1)
    add_skills(builders.create_agent("Low", queue=orders), Portuguese=2)
    add_skills(builders.create_agent("One", queue=orders), Portuguese=3)
    add_skills(builders.create_agent("Both", queue=orders), Portuguese=9, Lamps=1)
    full = add_skills(builders.create_agent("Full", queue=orders), Portuguese=3)
    builders.create_conversation(agent=full, queue=orders)
    assert candidate_names(conversation) == ["Both", "One", "Full", "Low"]
    assert [candidate.skills_text for candidate in transfer_targets(conversation).agents][0] == "2 of 2 skills"


def test_needed_skills_are_not_a_condition(conversation: Conversation, dana: Agent, omar: Agent) -> None:
    add_required_skills(conversation, Portuguese=5)
    transfer_conversation(conversation, target=omar, agent=dana, reason="He asked for it.")
    conversation.refresh_from_db()
    assert conversation.agent == omar


def test_candidates_show_their_free_capacity(conversation: Conversation, omar: Agent, orders: Queue) -> None:
    for _ in range(2):
        builders.create_conversation(agent=omar, queue=orders)
    colleague = transfer_targets(conversation).agents[0]
    assert (colleague.free_capacity, colleague.is_over_capacity) == (40, False)
    builders.create_conversation(agent=omar, queue=orders)
    colleague = transfer_targets(conversation).agents[0]
    assert (colleague.free_capacity, colleague.required_capacity, colleague.is_over_capacity) == (10, 30, True)


def test_candidate_queues_show_waiting_counts_and_exclude_closed_queues(
    conversation: Conversation, dana: Agent
) -> None:
    returns = builders.create_queue("Returns")
    builders.create_conversation(queue=returns)
    builders.create_conversation(queue=returns, agent=dana)
    shut = builders.create_queue("Night")
    shut.operating_hours = OperatingHours.objects.create(name="Never")
    shut.save()
    assert [(str(candidate.queue), candidate.waiting_count) for candidate in transfer_targets(conversation).queues] == [
        ("Default messaging queue", 0),
        ("Returns", 1),
    ]
    with pytest.raises(TransitionError, match="Night is not accepting transfers right now"):
        transfer_conversation(conversation, target=shut, agent=dana, reason="Late.")


def test_only_the_agent_who_has_it_transfers_it(conversation: Conversation, omar: Agent) -> None:
    for somebody in (omar, builders.create_agent("Sue", role="Supervisor")):
        with pytest.raises(TransitionError, match="Only the assigned agent"):
            transfer_conversation(conversation, target=omar, agent=somebody, reason="Mine.")


@pytest.mark.parametrize("state", [State.WAITING, State.WRAP_UP])
def test_only_an_active_conversation_is_transferred(
    conversation: Conversation, dana: Agent, omar: Agent, state: State
) -> None:
    Conversation.objects.update(state=state)
    conversation.refresh_from_db()
    with pytest.raises(TransitionError, match="Only active conversations"):
        transfer_conversation(conversation, target=omar, agent=dana, reason="Lunch.")


@pytest.mark.django_db(transaction=True)
def test_concurrent_transfer_is_refused() -> None:
    orders = builders.create_queue("Orders")
    dana, *others = (builders.create_agent(name, queue=orders) for name in ("Dana", "Omar", "Paul"))
    pk = builders.create_conversation(agent=dana, queue=orders).pk

    def to(colleague: Agent) -> None:
        transfer_conversation(Conversation.objects.get(pk=pk), target=colleague, agent=dana, reason="Lunch.")

    outcomes = run_concurrently(lambda: to(others[0]), lambda: to(others[1]))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "TransitionError"]
    assert Conversation.objects.get(pk=pk).events.filter(kind=State.ACTIVE).count() == 1
