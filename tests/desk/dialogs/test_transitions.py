"""The buttons by the conversation's name: shown when they can be pressed, refused in words when they can't."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Conversation
from omnichannel.desk.thread.actions import actions_for
from routing.models import State
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def press(desk: Desk, name: str, *, who: str = "dana", plain: bool = False) -> Any:
    url = reverse(f"desk:{name}", args=[desk.conversation.pk])
    return browser(getattr(desk, who)).post(url, **({} if plain else HTMX))


def put(desk: Desk, state: State) -> None:
    agent = None if state == State.OPEN else desk.dana
    Conversation.objects.update(state=state, agent=agent, closed_at=timezone.now() if state == State.CLOSED else None)
    desk.conversation.refresh_from_db()


OFFERED = {
    State.OPEN: (["take", "priority", "labels"], ["take", "priority", "labels"]),
    State.ACTIVE: (
        ["transfer", "end", "finish", "snooze", "leave", "release", "consult", "priority", "labels"],
        ["labels"],
    ),
    State.WAITING: (["resume", "snooze", "priority", "labels"], ["labels"]),
    State.WRAP_UP: (["close", "consult", "priority", "labels"], ["labels"]),
    State.CLOSED: (["labels"], ["labels"]),
}


@pytest.mark.parametrize("state", OFFERED)
def test_only_what_can_be_done_now_is_offered(desk: Desk, state: State) -> None:
    put(desk, state)
    mine, somebody_elses = OFFERED[state]
    assert [action.name for action in actions_for(desk.conversation, desk.dana)] == mine
    assert [action.name for action in actions_for(desk.conversation, desk.omar)] == somebody_elses


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (State.OPEN, "take", State.ACTIVE),
        (State.ACTIVE, "leave", State.WAITING),
        (State.ACTIVE, "release", State.OPEN),
        (State.ACTIVE, "end", State.WRAP_UP),
        (State.WAITING, "resume", State.ACTIVE),
        (State.WRAP_UP, "close", State.CLOSED),
    ],
)
@pytest.mark.parametrize("plain", [True, False])
def test_each_button_does_what_it_says(desk: Desk, before: State, name: str, after: State, plain: bool) -> None:
    put(desk, before)
    answer = press(desk, name, plain=plain)
    assert answer.status_code == (302 if plain else 200)
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == after
    if not plain:
        assert f'class="state {after}"' in answer.content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_what_somebody_was_faster_with_is_refused_beside_the_present_state(desk: Desk, plain: bool) -> None:
    answer = press(desk, "take", who="omar", plain=plain)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody else has taken this conversation." in shown
    assert "with Dana" in shown
    assert ("<html" in shown) == plain


def test_a_conversation_with_unread_messages_is_not_closed(desk: Desk) -> None:
    put(desk, State.WRAP_UP)
    Conversation.objects.update(unread_count=1)
    answer = press(desk, "close")
    assert answer.status_code == 409
    assert "The customer has written in the meantime." in answer.content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_who_gives_back_what_they_then_may_not_see_comes_to_the_inbox(desk: Desk, plain: bool) -> None:
    elsewhere = builders.conversation(with_agent=desk.dana, in_queue=builders.queue("Elsewhere"))
    url = reverse("desk:release", args=[elsewhere.pk])
    answer = browser(desk.dana).post(url, **({} if plain else HTMX))
    assert answer["Location" if plain else "HX-Redirect"] == reverse("desk:inbox")


def test_its_agent_marks_a_conversation_read_without_opening_it_again(desk: Desk) -> None:
    Conversation.objects.update(unread_count=2)
    assert press(desk, "read").status_code == 204
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 0
