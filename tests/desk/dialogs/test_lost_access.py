"""A user who loses access to a conversation is told so on the open page."""

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
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db

CONSULT_ENDED_TEXT = "This conversation is closed. You were only consulted."
OTHER_QUEUE_TEXT = "This conversation was moved to a queue you don&#x27;t have access to."


def close_conversation(desk: DeskScenario) -> None:
    conversation = Conversation.objects.get(pk=desk.conversation.pk)
    close.end_conversation(conversation, desk.dana)
    close.close_conversation(conversation, desk.dana)


def fetch_updates(
    client: Client, desk: DeskScenario, name: str = "updates", **request_headers: object
) -> tuple[int, str]:
    answer = client.get(reverse(f"desk:{name}", args=[desk.conversation.pk]), **request_headers)  # type: ignore[arg-type]
    return answer.status_code, answer.content.decode()


def test_consulted_colleague_gets_a_closed_notice(desk: DeskScenario) -> None:
    eve = client_for(desk.eve)
    consult.invite_colleague(desk.conversation, desk.eve, agent=desk.dana)
    assert fetch_updates(eve, desk)[0] == 200
    close_conversation(desk)
    status, piece = fetch_updates(eve, desk, **HTMX_HEADERS)
    assert status == 410
    assert CONSULT_ENDED_TEXT in piece
    assert "<html" not in piece
    status, page = fetch_updates(eve, desk, "conversation")
    assert status == 410
    assert CONSULT_ENDED_TEXT in page
    assert "Back to inbox" in page
    assert desk.conversation.contact.display_name not in page


def test_agent_who_left_a_consultation_is_told_so(desk: DeskScenario) -> None:
    consult.invite_colleague(desk.conversation, desk.eve, agent=desk.dana)
    consult.leave_conversation(desk.conversation, desk.eve)
    assert "You are no longer in this conversation." in fetch_updates(client_for(desk.eve), desk, "conversation")[1]


def test_agent_who_transferred_out_of_sight_is_told_so(desk: DeskScenario) -> None:
    returns = Queue.objects.get(name="Returns")
    transition(
        desk.conversation,
        State.OPEN,
        agent=None,
        queue=returns,
        actor=desk.dana.user,
        event_text=localized("To Returns."),
    )
    status, page = fetch_updates(client_for(desk.dana), desk)
    assert status == 410
    assert OTHER_QUEUE_TEXT in page


def test_action_after_losing_access_gets_the_same_explanation(desk: DeskScenario) -> None:
    consult.invite_colleague(desk.conversation, desk.eve, agent=desk.dana)
    close_conversation(desk)
    answer = client_for(desk.eve).post(
        reverse("desk:create_note", args=[desk.conversation.pk]), {"text": "Hm"}, **HTMX_HEADERS
    )
    assert answer.status_code == 410
    assert CONSULT_ENDED_TEXT in answer.content.decode()


def test_conversation_is_not_found_for_users_who_never_participated(desk: DeskScenario) -> None:
    close_conversation(desk)
    assert fetch_updates(client_for(desk.eve), desk)[0] == 404
    assert fetch_updates(client_for(desk.eve), desk, "conversation")[0] == 404
    unknown = client_for(desk.eve).get(reverse("desk:updates", args=[desk.conversation.pk + 1000]))
    assert unknown.status_code == 404


def test_those_who_still_see_it_see_it(desk: DeskScenario) -> None:
    consult.invite_colleague(desk.conversation, desk.omar, agent=desk.dana)
    close_conversation(desk)
    assert fetch_updates(client_for(desk.omar), desk)[0] == 200


def test_page_requests_without_javascript_update_last_seen(desk: DeskScenario) -> None:
    client = Client()
    client.post(reverse("sign_in"), {"username": "dana", "password": "correct horse"})
    long_ago = timezone.now() - timedelta(minutes=10)
    Agent.objects.filter(pk=desk.dana.pk).update(last_seen_at=long_ago)
    client.get(reverse("desk:inbox"))
    seen_at = Agent.objects.get(pk=desk.dana.pk).last_seen_at
    assert seen_at is not None
    assert seen_at > long_ago
