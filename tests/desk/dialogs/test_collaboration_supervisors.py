"""What supervisors find on the desk's pages beside what agents find."""

from typing import Any

import pytest
from django.urls import reverse

from omnichannel.conversations.models import Conversation
from omnichannel.desk.thread.actions import actions_for
from routing.models import Agent, State
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def address(desk: Desk, name: str) -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def press(desk: Desk, name: str, who: str = "sue", *, plain: bool = False, **fields: str) -> Any:
    return browser(getattr(desk, who)).post(address(desk, name), fields, **({} if plain else HTMX))


def offered(desk: Desk, who: str) -> list[str]:
    page = browser(getattr(desk, who)).get(address(desk, "conversation"))
    sorting = {"priority", "labels"}
    return [str(action.label) for action in page.context["actions"] if action.name not in sorting]


def wait_for_an_agent(desk: Desk) -> None:
    Conversation.objects.update(state=State.OPEN, agent=None)


def test_supervisors_are_offered_what_can_be_done(desk: Desk) -> None:
    assert offered(desk, "sue") == ["Monitor", "Join", "Release to queue"]
    press(desk, "monitor")
    assert offered(desk, "sue") == ["Stop monitoring", "Join", "Release to queue"]
    press(desk, "join")
    assert offered(desk, "sue") == ["Leave", "Release to queue"]
    wait_for_an_agent(desk)
    assert offered(desk, "sue")[:2] == ["Leave", "Assign"]


@pytest.mark.parametrize("state", [State.OPEN, State.ACTIVE, State.WRAP_UP, State.WAITING])
def test_agents_are_offered_none_of_it(desk: Desk, state: State) -> None:
    desk.conversation.state = state
    desk.conversation.agent = None if state == State.OPEN else desk.dana
    names = {action.name for action in actions_for(desk.conversation, desk.omar)}
    assert not names & {"assign", "monitor", "join", "release_to_queue"}


@pytest.mark.parametrize("plain", [True, False])
def test_an_agent_is_assigned_above_their_capacity_and_the_dialog_says_so(desk: Desk, plain: bool) -> None:
    wait_for_an_agent(desk)
    Agent.objects.filter(pk=desk.omar.pk).update(capacity=20)
    client = browser(desk.sue)
    shown = client.get(address(desk, "assign"), **({} if plain else HTMX)).content.decode()
    assert "20 free, this needs 30: over capacity" in shown
    answer = press(desk, "assign", to=f"agent-{desk.omar.pk}", plain=plain)
    assert answer.status_code == (302 if plain else 200)
    desk.conversation.refresh_from_db()
    assert (desk.conversation.state, desk.conversation.agent) == (State.ACTIVE, desk.omar)


def test_a_conversation_is_assigned_to_another_queue(desk: Desk) -> None:
    wait_for_an_agent(desk)
    returns = desk.eve.queues.get()
    assert press(desk, "assign", to=f"queue-{returns.pk}").status_code == 200
    desk.conversation.refresh_from_db()
    assert desk.conversation.queue == returns


def test_what_somebody_took_in_the_meantime_is_not_assigned(desk: Desk) -> None:
    answer = press(desk, "assign", to=f"agent-{desk.omar.pk}")
    assert answer.status_code == 409
    assert "Only a conversation that waits for an agent can be assigned." in answer.content.decode()


def test_who_monitors_writes_nothing_and_nobody_sees_them(desk: Desk) -> None:
    press(desk, "monitor")
    shown = browser(desk.sue).get(address(desk, "conversation")).content.decode()
    assert "You are monitoring Dana. Nobody is told." in shown
    assert "note-text" not in shown
    assert press(desk, "note", text="Psst").status_code == 422
    assert "Sue" not in browser(desk.dana).get(address(desk, "conversation")).content.decode()
    assert "Sue" not in browser(desk.dana).get(address(desk, "colleagues")).content.decode()


def test_who_joined_is_seen_by_the_agent(desk: Desk) -> None:
    press(desk, "join")
    assert (
        "Sue joined Dana in the conversation." in browser(desk.dana).get(address(desk, "conversation")).content.decode()
    )
    assert "Sue" in browser(desk.dana).get(address(desk, "colleagues")).content.decode()


def test_what_is_monitored_is_among_ones_own_until_one_stops(desk: Desk) -> None:
    row = f'id="row-{desk.conversation.pk}"'
    press(desk, "monitor")
    assert row in browser(desk.sue).get(reverse("desk:inbox")).content.decode()
    press(desk, "step_out")
    assert row not in browser(desk.sue).get(reverse("desk:inbox")).content.decode()


def test_a_supervisor_releases_to_the_queue(desk: Desk) -> None:
    assert press(desk, "release_to_queue").status_code == 200
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.OPEN
