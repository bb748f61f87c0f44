"""The buttons in the header of a conversation: shown when allowed, refused with a reason otherwise."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Conversation
from omnichannel.desk.thread.actions import actions_for
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


def post_action(desk: DeskScenario, name: str, *, username: str = "dana", without_htmx: bool = False) -> Any:
    url = reverse(f"desk:{name}", args=[desk.conversation.pk])
    return client_for(getattr(desk, username)).post(url, **({} if without_htmx else HTMX_HEADERS))


def set_state(desk: DeskScenario, state: State) -> None:
    agent = None if state == State.OPEN else desk.dana
    Conversation.objects.update(state=state, agent=agent, closed_at=timezone.now() if state == State.CLOSED else None)
    desk.conversation.refresh_from_db()


OFFERED_ACTIONS = {
    State.OPEN: (["take", "priority", "labels"], ["take", "priority", "labels"]),
    State.ACTIVE: (
        ["transfer", "end", "end_and_close", "snooze", "wait_for_customer", "release", "consult", "priority", "labels"],
        ["labels"],
    ),
    State.WAITING: (["resume", "snooze", "priority", "labels"], ["labels"]),
    State.WRAP_UP: (["close", "consult", "priority", "labels"], ["labels"]),
    State.CLOSED: (["labels"], ["labels"]),
}


@pytest.mark.parametrize("state", OFFERED_ACTIONS)
def test_only_what_can_be_done_now_is_offered(desk: DeskScenario, state: State) -> None:
    set_state(desk, state)
    own_actions, colleague_actions = OFFERED_ACTIONS[state]
    assert [action.name for action in actions_for(desk.conversation, desk.dana)] == own_actions
    assert [action.name for action in actions_for(desk.conversation, desk.omar)] == colleague_actions


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (State.OPEN, "take", State.ACTIVE),
        (State.ACTIVE, "wait_for_customer", State.WAITING),
        (State.ACTIVE, "release", State.OPEN),
        (State.ACTIVE, "end", State.WRAP_UP),
        (State.WAITING, "resume", State.ACTIVE),
        (State.WRAP_UP, "close", State.CLOSED),
    ],
)
@pytest.mark.parametrize("plain", [True, False])
def test_each_button_does_what_it_says(desk: DeskScenario, before: State, name: str, after: State, plain: bool) -> None:
    set_state(desk, before)
    answer = post_action(desk, name, without_htmx=plain)
    assert answer.status_code == (302 if plain else 200)
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == after
    if not plain:
        assert f'class="state {after}"' in answer.content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_outdated_action_is_refused_with_the_current_state(desk: DeskScenario, plain: bool) -> None:
    answer = post_action(desk, "take", username="omar", without_htmx=plain)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Someone else has already taken this conversation." in shown
    assert "with Dana" in shown
    assert ("<html" in shown) == plain


def test_a_conversation_with_unread_messages_is_not_closed(desk: DeskScenario) -> None:
    set_state(desk, State.WRAP_UP)
    Conversation.objects.update(unread_count=1)
    answer = post_action(desk, "close")
    assert answer.status_code == 409
    assert "The customer sent a new message." in answer.content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_release_out_of_sight_redirects_to_the_inbox(desk: DeskScenario, plain: bool) -> None:
    elsewhere = builders.create_conversation(agent=desk.dana, queue=builders.create_queue("Elsewhere"))
    url = reverse("desk:release", args=[elsewhere.pk])
    answer = client_for(desk.dana).post(url, **({} if plain else HTMX_HEADERS))
    assert answer["Location" if plain else "HX-Redirect"] == reverse("desk:inbox")


def test_its_agent_marks_a_conversation_read_without_opening_it_again(desk: DeskScenario) -> None:
    Conversation.objects.update(unread_count=2)
    assert post_action(desk, "mark_read").status_code == 204
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 0
