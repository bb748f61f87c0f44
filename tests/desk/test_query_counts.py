"""Pages need a fixed number of queries, whatever the number of rows."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations import timeline
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Conversation,
    Mention,
    MessageKind,
    TimelineEventKind,
)
from omnichannel.core.localized_text import localized
from routing.agents import get_or_create_agent
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact

pytestmark = pytest.mark.django_db

SIGN_IN_QUERIES = 2  # one for the session, one for the user with permissions and agent
ROW_COUNTS = [5, 60]


def attach_file(message: Any) -> None:
    attachment = Attachment(message=message, content_type="image/png", name="a.png", state=AttachmentState.STORED)
    attachment.file.save("", ContentFile(b"png"), save=True)


def add_messages(conversation: Conversation, count: int) -> None:
    quoted, quoting = builders.create_inbound_message(conversation, "What is it?"), builders.create_user("Supervisor")
    for index in range(count // 2):
        inbound_message = builders.create_inbound_message(conversation, "", kind=MessageKind.MEDIA, quoted=quoted)
        attach_file(inbound_message)
        dana = conversation.agent.user if conversation.agent else None
        builders.create_outbound_message(conversation, f"Answer {index}", author=dana, quoted=inbound_message)
        timeline.record(conversation, TimelineEventKind.ACTIVE, localized("Dana took the conversation."), actor=dana)
        Mention.objects.create(
            note=conversation.notes.create(author=quoting, text="@dana look"),
            agent=get_or_create_agent(quoting),
            seen_at=conversation.created_at,
        )


@pytest.mark.parametrize("count", ROW_COUNTS)
def test_inbox_takes_eight_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    number = builders.create_number()
    for _ in range(count):
        waiting = builders.create_conversation(queue=desk.queue, number=number)
        attach_file(builders.create_inbound_message(waiting, "", kind=MessageKind.MEDIA))
    client = client_for(desk.dana)
    with django_assert_max_num_queries(8):
        answer = client.get(reverse("desk:inbox") + "?view=open&shown=100")
    assert answer.content.decode().count('data-pk="') == count


@pytest.mark.parametrize("count", ROW_COUNTS)
@pytest.mark.parametrize("person", ["dana", "supervisor"])
def test_conversation_page_takes_ten_queries(
    desk: DeskScenario, count: int, person: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_messages(desk.conversation, count)
    client = client_for(getattr(desk, person))
    with django_assert_max_num_queries(10):
        answer = client.get(reverse("desk:conversation", args=[desk.conversation.pk]))
    assert compact(answer.content.decode()).count('<li id="message-') == min(50, count // 2 * 2 + 1)


@pytest.mark.parametrize("count", ROW_COUNTS)
def test_message_fragment_takes_four_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_messages(desk.conversation, count)
    shown = desk.conversation.messages.filter(kind=MessageKind.MEDIA).last()
    assert shown is not None
    client = client_for(desk.dana)
    with django_assert_max_num_queries(4):
        answer = client.get(
            reverse("desk:updates", args=[desk.conversation.pk]) + f"?message={shown.pk}", **HTMX_HEADERS
        )
    assert compact(answer.content.decode()).count('<li id="message-') == 1


@pytest.mark.parametrize("count", ROW_COUNTS)
def test_fragments_take_four_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_messages(desk.conversation, count)
    client = client_for(desk.dana)
    with django_assert_max_num_queries(SIGN_IN_QUERIES + 4):
        answer = client.get(reverse("desk:updates", args=[desk.conversation.pk]) + "?after=0", **HTMX_HEADERS)
    assert compact(answer.content.decode()).count('<li id="message-') == count // 2 * 2 + 1


@pytest.mark.parametrize("count", ROW_COUNTS)
def test_earlier_messages_take_four_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_messages(desk.conversation, count)
    client = client_for(desk.dana)
    url = reverse("desk:messages", args=[desk.conversation.pk])
    with django_assert_max_num_queries(SIGN_IN_QUERIES + 4):
        assert client.get(f"{url}?before=2100-01-01T00:00:00Z~1", **HTMX_HEADERS).status_code == 200
