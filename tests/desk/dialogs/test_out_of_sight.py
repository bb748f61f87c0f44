"""A conversation that goes out of somebody's sight while their page shows it: they are told why, and nobody else is."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.assignment import consult
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import transition
from omnichannel.core.localized_text import localized
from routing.models import Agent, Queue, State
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db

ASKED = "This conversation is closed; you were only asked into it."
ELSEWHERE = "This conversation is in a queue now whose conversations you do not see."


def closed(desk: Desk) -> None:
    conversation = Conversation.objects.get(pk=desk.conversation.pk)
    close.end_conversation(conversation, desk.dana)
    close.close_conversation(conversation, desk.dana)


def get(client: Client, desk: Desk, name: str = "pieces", **how: object) -> tuple[int, str]:
    answer = client.get(reverse(f"desk:{name}", args=[desk.conversation.pk]), **how)  # type: ignore[arg-type]
    return answer.status_code, answer.content.decode()


def test_a_consulted_colleague_is_told_that_the_conversation_was_closed(desk: Desk) -> None:
    eve = browser(desk.eve)
    consult.invite_colleague(desk.conversation, desk.eve, by=desk.dana)
    assert get(eve, desk)[0] == 200
    closed(desk)
    status, piece = get(eve, desk, **HTMX)
    assert status == 410
    assert ASKED in piece
    assert "<html" not in piece
    status, page = get(eve, desk, "conversation")
    assert status == 410
    assert ASKED in page
    assert "Back to the inbox" in page
    assert desk.conversation.contact.display_name not in page


def test_who_left_a_conversation_is_told_so(desk: Desk) -> None:
    consult.invite_colleague(desk.conversation, desk.eve, by=desk.dana)
    consult.leave_conversation(desk.conversation, desk.eve)
    assert "You are no longer in this conversation." in get(browser(desk.eve), desk, "conversation")[1]


def test_who_passed_it_to_a_queue_they_may_not_see_is_told_so(desk: Desk) -> None:
    returns = Queue.objects.get(name="Returns")
    transition(
        desk.conversation, State.OPEN, agent=None, queue=returns, by=desk.dana.user, line=localized("To Returns.")
    )
    status, page = get(browser(desk.dana), desk)
    assert status == 410
    assert ELSEWHERE in page


def test_what_is_written_too_late_is_answered_in_the_same_words(desk: Desk) -> None:
    consult.invite_colleague(desk.conversation, desk.eve, by=desk.dana)
    closed(desk)
    answer = browser(desk.eve).post(reverse("desk:note", args=[desk.conversation.pk]), {"text": "Hm"}, **HTMX)
    assert answer.status_code == 410
    assert ASKED in answer.content.decode()


def test_to_those_who_never_had_a_part_in_it_there_is_no_such_conversation(desk: Desk) -> None:
    closed(desk)
    assert get(browser(desk.eve), desk)[0] == 404
    assert get(browser(desk.eve), desk, "conversation")[0] == 404
    unknown = browser(desk.eve).get(reverse("desk:pieces", args=[desk.conversation.pk + 1000]))
    assert unknown.status_code == 404


def test_those_who_still_see_it_see_it(desk: Desk) -> None:
    consult.invite_colleague(desk.conversation, desk.omar, by=desk.dana)
    closed(desk)
    assert get(browser(desk.omar), desk)[0] == 200


def test_every_request_of_somebody_without_the_script_says_that_they_are_there(desk: Desk) -> None:
    client = Client()
    client.post(reverse("sign_in"), {"username": "dana", "password": "correct horse"})
    long_ago = timezone.now() - timedelta(minutes=10)
    Agent.objects.filter(pk=desk.dana.pk).update(last_seen_at=long_ago)
    client.get(reverse("desk:inbox"))
    seen_at = Agent.objects.get(pk=desk.dana.pk).last_seen_at
    assert seen_at is not None
    assert seen_at > long_ago
