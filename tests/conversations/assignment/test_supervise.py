"""What supervisors do in conversations that are not theirs, and nobody else."""

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

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders() -> Queue:
    return builders.queue("Orders")


@pytest.fixture
def dana(orders: Queue) -> Agent:
    return builders.agent("Dana", queue=orders)


@pytest.fixture
def sue() -> Agent:
    return builders.agent("Sue", role="Supervisor")


@pytest.fixture
def waiting(orders: Queue) -> Conversation:
    return builders.conversation(in_queue=orders)


@pytest.fixture
def danas(orders: Queue, dana: Agent) -> Conversation:
    return builders.conversation(with_agent=dana, in_queue=orders)


def told(conversation: Conversation) -> list[str]:
    return [str(event.said) for event in conversation.events.all()]


def test_a_supervisor_assigns_what_waits(waiting: Conversation, dana: Agent, sue: Agent) -> None:
    assign_conversation(waiting, to=dana, by=sue)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.agent) == (State.ACTIVE, dana)
    assert told(waiting) == ["Sue assigned the conversation to Dana."]


def test_above_capacity_too_and_it_is_said(waiting: Conversation, dana: Agent, sue: Agent, orders: Queue) -> None:
    Agent.objects.filter(pk=dana.pk).update(capacity=50)
    builders.conversation(with_agent=dana, in_queue=orders)
    assert [(one.free, one.needs, one.is_over) for one in assignment_targets(waiting).agents] == [(20, 30, True)]
    assign_conversation(waiting, to=dana, by=sue)
    waiting.refresh_from_db()
    assert waiting.agent == dana
    assert told(waiting) == ["Sue assigned the conversation to Dana (20 free, this needs 30: over capacity)."]


def test_to_another_queue_where_it_goes_on_waiting(waiting: Conversation, sue: Agent) -> None:
    returns = builders.queue("Returns")
    before = waiting.queued_at
    assign_conversation(waiting, to=returns, by=sue)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.queue) == (State.OPEN, returns)
    assert waiting.queued_at > before
    assert told(waiting) == ["Sue assigned the conversation to Returns."]


def test_only_agents_of_its_queue_who_have_not_gone_home(waiting: Conversation, dana: Agent, sue: Agent) -> None:
    eve = builders.agent("Eve", queue=builders.queue("Returns"))
    gone = builders.agent("Gone", queue=waiting.queue, presence="offline")
    builders.agent("Away", queue=waiting.queue, presence="away")
    assert sorted(str(one.agent) for one in assignment_targets(waiting).agents) == ["Away", "Dana"]
    for colleague in (eve, gone):
        with pytest.raises(TransitionError, match="can't be assigned this conversation"):
            assign_conversation(waiting, to=colleague, by=sue)


def test_what_an_agent_has_is_not_assigned(danas: Conversation, dana: Agent, sue: Agent) -> None:
    with pytest.raises(TransitionError, match="Only a conversation that waits"):
        assign_conversation(danas, to=dana, by=sue)


def test_monitoring_is_silent(danas: Conversation, sue: Agent) -> None:
    monitor_conversation(danas, sue)
    assert Participation.objects.get().part == ParticipationKind.MONITOR
    assert (consulted_participations(danas), told(danas)) == ([], [])
    leave_conversation(danas, sue)
    assert told(danas) == []


def test_who_joins_is_told_in_the_timeline_and_writes_notes_only(danas: Conversation, sue: Agent) -> None:
    monitor_conversation(danas, sue)
    join_conversation(danas, sue)
    assert [str(one.agent) for one in consulted_participations(danas)] == ["Sue"]
    assert told(danas) == ["Sue joined Dana in the conversation."]
    add_note(danas, sue.user, "Offer a voucher.")
    with pytest.raises(ReplyError):
        send_reply(danas, author=sue.user, text="Hello")


def test_a_supervisor_releases_somebody_elses_conversation(danas: Conversation, sue: Agent) -> None:
    release_to_queue(danas, sue)
    danas.refresh_from_db()
    assert (danas.state, danas.agent) == (State.OPEN, None)
    assert told(danas) == ["Sue released the conversation from Dana to Orders."]


@pytest.mark.parametrize("verb", [monitor_conversation, join_conversation])
@pytest.mark.parametrize("state", [State.OPEN, State.WAITING, State.CLOSED])
def test_only_what_goes_on_is_looked_into(
    danas: Conversation, sue: Agent, verb: Callable[[Conversation, Agent], None], state: State
) -> None:
    danas.state = state
    with pytest.raises(TransitionError, match="active or in wrap-up"):
        verb(danas, sue)


@pytest.mark.parametrize("verb", [monitor_conversation, join_conversation])
def test_nobody_looks_into_their_own(sue: Agent, verb: Callable[[Conversation, Agent], None]) -> None:
    with pytest.raises(TransitionError):
        verb(builders.conversation(with_agent=sue), sue)


@pytest.mark.parametrize("verb", [monitor_conversation, join_conversation, release_to_queue])
@pytest.mark.parametrize("who", ["Omar", "Dana"])
def test_agents_may_do_none_of_it(
    danas: Conversation, orders: Queue, dana: Agent, verb: Callable[[Conversation, Agent], None], who: str
) -> None:
    agent = dana if who == "Dana" else builders.agent("Omar", queue=orders)
    with pytest.raises(TransitionError, match="Only a supervisor"):
        verb(danas, agent)


def test_agents_assign_nothing(waiting: Conversation, dana: Agent) -> None:
    with pytest.raises(TransitionError, match="Only a supervisor"):
        assign_conversation(waiting, to=dana, by=dana)


def test_administrators_supervise_too(danas: Conversation) -> None:
    ada = builders.agent("Ada", role="Administrator")
    monitor_conversation(danas, ada)
    join_conversation(danas, ada)
    release_to_queue(danas, ada)
    danas.refresh_from_db()
    assert danas.state == State.OPEN
