"""A quote shows a message of another conversation only to those who may see that conversation."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Conversation, Message
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db

SECRET = "The code of my safe is 4711"
HIDDEN = "A message from a conversation you can’t see"


@pytest.fixture
def earlier(desk: DeskScenario) -> Conversation:
    """Return an earlier conversation with the customer, in the queue of Eve."""
    return builders.create_conversation(
        contact=desk.conversation.contact,
        number=desk.conversation.number,
        queue=desk.eve.queues.get(),
        state=State.CLOSED,
        closed_at=timezone.now(),
    )


@pytest.fixture
def quoting(desk: DeskScenario, earlier: Conversation) -> Message:
    quoted = builders.create_inbound_message(earlier, SECRET)
    return builders.create_inbound_message(desk.conversation, "About this one", quoted=quoted)


def page_urls(desk: DeskScenario, message: Message) -> list[tuple[str, dict[str, Any]]]:
    pk = [desk.conversation.pk]
    cursor = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%f}Z~{message.pk + 1}"
    return [
        (reverse("desk:conversation", args=pk), {}),
        (f"{reverse('desk:updates', args=pk)}?message={message.pk}", HTMX_HEADERS),
        (f"{reverse('desk:updates', args=pk)}?after=0", HTMX_HEADERS),
        (f"{reverse('desk:messages', args=pk)}?before={cursor}", HTMX_HEADERS),
        (reverse("desk:conversation_preview", args=pk), HTMX_HEADERS),
    ]


@pytest.mark.parametrize(
    ("person", "sees_quote"), [("dana", False), ("omar", False), ("supervisor", True), ("administrator", True)]
)
def test_quote_is_shown_to_those_who_may_see_its_conversation(
    desk: DeskScenario, quoting: Message, person: str, sees_quote: bool
) -> None:
    client = client_for(getattr(desk, person))
    for url, headers in page_urls(desk, quoting):
        page = client.get(url, **headers).content.decode()
        assert "About this one" in page, url
        assert (SECRET in page, HIDDEN in page) == (sees_quote, not sees_quote), url


@pytest.mark.parametrize("person", ["eve", "stranger"])
def test_others_see_neither_message_nor_quote(desk: DeskScenario, quoting: Message, person: str) -> None:
    client = client_for(getattr(desk, person))
    for url, headers in page_urls(desk, quoting):
        response = client.get(url, **headers)
        assert response.status_code in {302, 403, 404}, url
        assert SECRET not in response.content.decode()


def test_quote_from_the_same_conversation_is_shown(desk: DeskScenario) -> None:
    quoted = builders.create_inbound_message(desk.conversation, "The blue lamp")
    builders.create_outbound_message(desk.conversation, "Yes", author=desk.dana.user, quoted=quoted)
    page = client_for(desk.omar).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert page.count("The blue lamp") > 1
    assert HIDDEN not in page


def test_quotes_from_many_conversations_need_one_query(desk: DeskScenario, quoting: Message) -> None:
    client, url = client_for(desk.dana), reverse("desk:conversation", args=[desk.conversation.pk])
    client.get(url)
    with CaptureQueriesContext(connection) as one_quote:
        client.get(url)
    for index in range(5):
        other = builders.create_conversation(queue=desk.queue)
        quoted = builders.create_inbound_message(other, f"Quoted {index}")
        builders.create_inbound_message(desk.conversation, "And this one", quoted=quoted)
    client.get(url)
    with CaptureQueriesContext(connection) as many_quotes:
        client.get(url)
    assert len(many_quotes) == len(one_quote)
