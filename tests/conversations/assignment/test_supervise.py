"""Actions of supervisors in other agents' conversations."""

from collections.abc import Callable

import pytest

from omnichannel.conversations.assignment.consult import consulted_participations, leave_conversation
from omnichannel.conversations.assignment.supervise import (
    assign_conversation,
    assignment_targets,
    join_conversation,
    monitor_conversation,
    release_to_queue,
)
from omnichannel.conversations.models import Conversation, Participation, ParticipationKind
from omnichannel.conversations.notes import add_note
from omnichannel.conversations.outbound.compose import ReplyError, send_reply
from omnichannel.conversations.state_machine import TransitionError
from routing.models import Agent, Queue, State
from tests import builders
from tests.conversations.routing_fixtures import timeline_texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(orders: Queue) -> Agent:
    return builders.create_agent("Dana", queue=orders)


@pytest.fixture
def open_conversation(orders: Queue) -> Conversation:
    return builders.create_conversation(queue=orders)


@pytest.fixture
def danas_conversation(orders: Queue, dana: Agent) -> Conversation:
    return builders.create_conversation(agent=dana, queue=orders)


def test_a_supervisor_assigns_what_waits(open_conversation: Conversation, dana: Agent, sue: Agent) -> None:
    assign_conversation(open_conversation, target=dana, supervisor=sue)
    open_conversation.refresh_from_db()
    assert (open_conversation.state, open_conversation.agent) == (State.ACTIVE, dana)
    assert timeline_texts(open_conversation) == ["Sue assigned the conversation to Dana."]


def test_supervisor_can_assign_above_capacity_with_a_warning(
    open_conversation: Conversation, dana: Agent, sue: Agent, orders: Queue
) -> None:
    Agent.objects.filter(pk=dana.pk).update(capacity=50)
    builders.create_conversation(agent=dana, queue=orders)
    assert [
        (candidate.free_capacity, candidate.required_capacity, candidate.is_over_capacity)
        for candidate in assignment_targets(open_conversation).agents
    ] == [(20, 30, True)]
    assign_conversation(open_conversation, target=dana, supervisor=sue)
    open_conversation.refresh_from_db()
    assert open_conversation.agent == dana
    assert timeline_texts(open_conversation) == [
        "Sue assigned the conversation to Dana over capacity (30 units needed, 20 free)."
    ]


def test_supervisor_can_assign_to_another_queue(open_conversation: Conversation, sue: Agent) -> None:
    returns = builders.create_queue("Returns")
    before = open_conversation.queued_at
    assign_conversation(open_conversation, target=returns, supervisor=sue)
    open_conversation.refresh_from_db()
    assert (open_conversation.state, open_conversation.queue) == (State.OPEN, returns)
    assert open_conversation.queued_at > before
    assert timeline_texts(open_conversation) == ["Sue assigned the conversation to Returns."]


def test_supervisor_can_assign_only_to_online_queue_members(
    open_conversation: Conversation, dana: Agent, sue: Agent
) -> None:
    eve = builders.create_agent("Eve", queue=builders.create_queue("Returns"))
    offline_agent = builders.create_agent("Gone", queue=open_conversation.queue, presence="offline")
    builders.create_agent("Away", queue=open_conversation.queue, presence="away")
    assert sorted(str(candidate.agent) for candidate in assignment_targets(open_conversation).agents) == [
        "Away",
        "Dana",
    ]
    for colleague in (eve, offline_agent):
        with pytest.raises(TransitionError, match="This conversation can't be assigned to"):
            assign_conversation(open_conversation, target=colleague, supervisor=sue)


def test_assigned_conversation_cannot_be_assigned_again(
    danas_conversation: Conversation, dana: Agent, sue: Agent
) -> None:
    with pytest.raises(TransitionError, match="Only conversations waiting"):
        assign_conversation(danas_conversation, target=dana, supervisor=sue)


def test_monitoring_is_silent(danas_conversation: Conversation, sue: Agent) -> None:
    monitor_conversation(danas_conversation, sue)
    assert Participation.objects.get().kind == ParticipationKind.MONITOR
    assert (consulted_participations(danas_conversation), timeline_texts(danas_conversation)) == ([], [])
    leave_conversation(danas_conversation, sue)
    assert timeline_texts(danas_conversation) == []


def test_joining_is_shown_in_the_timeline_and_allows_notes_only(danas_conversation: Conversation, sue: Agent) -> None:
    monitor_conversation(danas_conversation, sue)
    join_conversation(danas_conversation, sue)
    assert [str(participation.agent) for participation in consulted_participations(danas_conversation)] == ["Sue"]
    assert timeline_texts(danas_conversation) == ["Sue joined the conversation with Dana."]
    add_note(danas_conversation, sue.user, "Offer a voucher.")
    with pytest.raises(ReplyError):
        send_reply(danas_conversation, author=sue.user, text="Hello")


def test_a_supervisor_releases_somebody_elses_conversation(danas_conversation: Conversation, sue: Agent) -> None:
    release_to_queue(danas_conversation, sue)
    danas_conversation.refresh_from_db()
    assert (danas_conversation.state, danas_conversation.agent) == (State.OPEN, None)
    assert timeline_texts(danas_conversation) == ["Sue returned the conversation from Dana to Orders."]


@pytest.mark.parametrize("verb", [monitor_conversation, join_conversation])
@pytest.mark.parametrize("state", [State.OPEN, State.WAITING, State.CLOSED])
def test_only_ongoing_conversations_can_be_monitored(
    danas_conversation: Conversation, sue: Agent, verb: Callable[[Conversation, Agent], None], state: State
) -> None:
    danas_conversation.state = state
    with pytest.raises(TransitionError, match="active or in wrap-up"):
        verb(danas_conversation, sue)


@pytest.mark.parametrize("verb", [monitor_conversation, join_conversation])
def test_supervisor_cannot_monitor_their_own_conversation(
    sue: Agent, verb: Callable[[Conversation, Agent], None]
) -> None:
    with pytest.raises(TransitionError):
        verb(builders.create_conversation(agent=sue), sue)


@pytest.mark.parametrize("verb", [monitor_conversation, join_conversation, release_to_queue])
@pytest.mark.parametrize("person", ["Omar", "Dana"])
def test_agents_cannot_supervise(
    danas_conversation: Conversation,
    orders: Queue,
    dana: Agent,
    verb: Callable[[Conversation, Agent], None],
    person: str,
) -> None:
    agent = dana if person == "Dana" else builders.create_agent("Omar", queue=orders)
    with pytest.raises(TransitionError, match="Only supervisors"):
        verb(danas_conversation, agent)


def test_agents_cannot_assign(open_conversation: Conversation, dana: Agent) -> None:
    with pytest.raises(TransitionError, match="Only supervisors"):
        assign_conversation(open_conversation, target=dana, supervisor=dana)


def test_administrators_supervise_too(danas_conversation: Conversation) -> None:
    ada = builders.create_agent("Ada", role="Administrator")
    monitor_conversation(danas_conversation, ada)
    join_conversation(danas_conversation, ada)
    release_to_queue(danas_conversation, ada)
    danas_conversation.refresh_from_db()
    assert danas_conversation.state == State.OPEN
