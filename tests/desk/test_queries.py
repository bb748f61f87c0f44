"""Pages ask the database a fixed number of questions, however much there is to show."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Attachment, Conversation, FileState, Kind, Mention
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized
from routing.agents import ensure_agent
from tests import builders
from tests.desk.people import HTMX, Desk, browser, compact

pytestmark = pytest.mark.django_db

WHO = 2  # the session; the person, with their permissions and the agent they are
ROWS = [5, 60]


def file_of(message: Any) -> None:
    found = Attachment(message=message, content_type="image/png", name="a.png", state=FileState.STORED)
    found.file.save("", ContentFile(b"png"), save=True)


def fill(conversation: Conversation, count: int) -> None:
    quoted, quoting = builders.inbound(conversation, "What is it?"), builders.user("Supervisor")
    for index in range(count // 2):
        theirs = builders.inbound(conversation, "", kind=Kind.MEDIA, quoted=quoted)
        file_of(theirs)
        dana = conversation.agent.user if conversation.agent else None
        builders.outbound(conversation, f"Answer {index}", author=dana, quoted=theirs)
        record_event(conversation, "active", localized("Dana took the conversation."), by=dana)
        Mention.objects.create(
            note=conversation.notes.create(author=quoting, text="@dana look"),
            agent=ensure_agent(quoting),
            seen_at=conversation.created_at,
        )


@pytest.mark.parametrize("count", ROWS)
def test_the_inbox_takes_eight(desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    number = builders.number()
    for _ in range(count):
        waiting = builders.conversation(in_queue=desk.queue, on=number)
        file_of(builders.inbound(waiting, "", kind=Kind.MEDIA))
    client = browser(desk.dana)
    with django_assert_max_num_queries(8):
        answer = client.get(reverse("desk:inbox") + "?view=open&shown=100")
    assert answer.content.decode().count('data-pk="') == count


@pytest.mark.parametrize("count", ROWS)
@pytest.mark.parametrize("who", ["dana", "sue"])
def test_a_conversation_takes_ten(
    desk: Desk, count: int, who: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    fill(desk.conversation, count)
    client = browser(getattr(desk, who))
    with django_assert_max_num_queries(10):
        answer = client.get(reverse("desk:conversation", args=[desk.conversation.pk]))
    assert compact(answer.content.decode()).count('<li id="message-') == min(50, count // 2 * 2 + 1)


@pytest.mark.parametrize("count", ROWS)
def test_a_swapped_message_takes_four(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    fill(desk.conversation, count)
    shown = desk.conversation.messages.filter(kind=Kind.MEDIA).last()
    assert shown is not None
    client = browser(desk.dana)
    with django_assert_max_num_queries(4):
        answer = client.get(reverse("desk:pieces", args=[desk.conversation.pk]) + f"?message={shown.pk}", **HTMX)
    assert compact(answer.content.decode()).count('<li id="message-') == 1


@pytest.mark.parametrize("count", ROWS)
def test_pieces_take_four_more_than_knowing_who_asks(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    fill(desk.conversation, count)
    client = browser(desk.dana)
    with django_assert_max_num_queries(WHO + 4):
        answer = client.get(reverse("desk:pieces", args=[desk.conversation.pk]) + "?after=0", **HTMX)
    assert compact(answer.content.decode()).count('<li id="message-') == count // 2 * 2 + 1


@pytest.mark.parametrize("count", ROWS)
def test_earlier_messages_take_as_many(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    fill(desk.conversation, count)
    client = browser(desk.dana)
    url = reverse("desk:earlier", args=[desk.conversation.pk])
    with django_assert_max_num_queries(WHO + 4):
        assert client.get(f"{url}?before=2100-01-01T00:00:00Z~1", **HTMX).status_code == 200
