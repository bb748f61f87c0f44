"""Actions that only supervisors find on the conversation page."""

from typing import Any

import pytest
from django.urls import reverse

from omnichannel.conversations.models import Conversation
from omnichannel.desk.thread.actions import actions_for
from routing.models import Agent, State
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db


def post_action(
    desk: DeskScenario, name: str, username: str = "supervisor", *, without_htmx: bool = False, **fields: str
) -> Any:
    return client_for(getattr(desk, username)).post(
        conversation_url(desk, name), fields, **({} if without_htmx else HTMX_HEADERS)
    )


def offered_actions(desk: DeskScenario, person: str) -> list[str]:
    page = client_for(getattr(desk, person)).get(conversation_url(desk, "conversation"))
    sorting = {"priority", "labels"}
    return [str(action.label) for action in page.context["actions"] if action.name not in sorting]


def make_unassigned(desk: DeskScenario) -> None:
    Conversation.objects.update(state=State.OPEN, agent=None)


def test_supervisors_are_offered_what_can_be_done(desk: DeskScenario) -> None:
    assert offered_actions(desk, "supervisor") == ["Monitor", "Join", "Release to queue"]
    post_action(desk, "monitor")
    assert offered_actions(desk, "supervisor") == ["Stop monitoring", "Join", "Release to queue"]
    post_action(desk, "join")
    assert offered_actions(desk, "supervisor") == ["Leave", "Release to queue"]
    make_unassigned(desk)
    assert offered_actions(desk, "supervisor")[:2] == ["Leave", "Assign"]


@pytest.mark.parametrize("state", [State.OPEN, State.ACTIVE, State.WRAP_UP, State.WAITING])
def test_agents_get_no_supervisor_actions(desk: DeskScenario, state: State) -> None:
    desk.conversation.state = state
    desk.conversation.agent = None if state == State.OPEN else desk.dana
    names = {action.name for action in actions_for(desk.conversation, desk.omar)}
    assert not names & {"assign", "monitor", "join", "release_to_queue"}


@pytest.mark.parametrize("plain", [True, False])
def test_an_agent_is_assigned_above_their_capacity_and_the_dialog_says_so(desk: DeskScenario, plain: bool) -> None:
    make_unassigned(desk)
    Agent.objects.filter(pk=desk.omar.pk).update(capacity=20)
    client = client_for(desk.supervisor)
    shown = client.get(conversation_url(desk, "assign"), **({} if plain else HTMX_HEADERS)).content.decode()
    assert "Over capacity: 30 needed, 20 free" in shown
    answer = post_action(desk, "assign", to=f"agent-{desk.omar.pk}", without_htmx=plain)
    assert answer.status_code == (302 if plain else 200)
    desk.conversation.refresh_from_db()
    assert (desk.conversation.state, desk.conversation.agent) == (State.ACTIVE, desk.omar)


def test_a_conversation_is_assigned_to_another_queue(desk: DeskScenario) -> None:
    make_unassigned(desk)
    returns = desk.eve.queues.get()
    assert post_action(desk, "assign", to=f"queue-{returns.pk}").status_code == 200
    desk.conversation.refresh_from_db()
    assert desk.conversation.queue == returns


def test_conversation_taken_meanwhile_is_not_assigned(desk: DeskScenario) -> None:
    answer = post_action(desk, "assign", to=f"agent-{desk.omar.pk}")
    assert answer.status_code == 409
    assert "Only conversations waiting for an agent can be assigned." in answer.content.decode()


def test_monitoring_supervisor_cannot_write_and_is_hidden(desk: DeskScenario) -> None:
    post_action(desk, "monitor")
    shown = client_for(desk.supervisor).get(conversation_url(desk, "conversation")).content.decode()
    assert "You are monitoring Dana. No one is notified." in shown
    assert "note-text" not in shown
    assert post_action(desk, "create_note", text="Psst").status_code == 422
    assert "Sue" not in client_for(desk.dana).get(conversation_url(desk, "conversation")).content.decode()
    assert "Sue" not in client_for(desk.dana).get(conversation_url(desk, "participants")).content.decode()


def test_joined_supervisor_is_shown_to_the_agent(desk: DeskScenario) -> None:
    post_action(desk, "join")
    assert (
        "Sue joined the conversation with Dana."
        in client_for(desk.dana).get(conversation_url(desk, "conversation")).content.decode()
    )
    assert "Sue" in client_for(desk.dana).get(conversation_url(desk, "participants")).content.decode()


def test_monitored_conversation_is_in_own_view_until_monitoring_ends(desk: DeskScenario) -> None:
    row = f'id="row-{desk.conversation.pk}"'
    post_action(desk, "monitor")
    assert row in client_for(desk.supervisor).get(reverse("desk:inbox")).content.decode()
    post_action(desk, "leave_conversation")
    assert row not in client_for(desk.supervisor).get(reverse("desk:inbox")).content.decode()


def test_a_supervisor_releases_to_the_queue(desk: DeskScenario) -> None:
    assert post_action(desk, "release_to_queue").status_code == 200
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.OPEN
