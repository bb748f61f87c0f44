"""Links to a message in a long conversation, and paging from there."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations import timeline
from omnichannel.conversations.models import Conversation, Message, MessageDirection, MessageStatus, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText
from omnichannel.desk.thread.messages import CONTEXT_SIZE, PAGE_SIZE, MessageEntry, Thread, get_thread
from omnichannel.desk.thread.timeline import EventEntry
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


def create_messages(desk: DeskScenario, count: int) -> list[Message]:
    """Create this many inbound messages; three at a time have the same time, the next three a minute later."""
    begin = timezone.now() - timedelta(days=30)
    return Message.objects.bulk_create(
        Message(
            conversation=desk.conversation,
            direction=MessageDirection.INBOUND,
            status=MessageStatus.RECEIVED,
            body=f"message {n}.",
            created_at=begin + timedelta(minutes=n // 3),
        )
        for n in range(count)
    )


def thread_messages(thread: Thread) -> list[Message]:
    return [entry.message for entry in thread.entries if isinstance(entry, MessageEntry)]


def get_page(desk: DeskScenario, **query: Any) -> Any:
    return client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), query)


def fetch_earlier(desk: DeskScenario, **query: Any) -> Any:
    return client_for(desk.dana).get(reverse("desk:messages", args=[desk.conversation.pk]), query, **HTMX_HEADERS)


def test_linked_message_is_shown_with_its_neighbours(desk: DeskScenario) -> None:
    all_said = create_messages(desk, 200)
    answer = get_page(desk, message=all_said[100].pk)
    thread = answer.context["thread"]
    assert thread_messages(thread) == all_said[101 - CONTEXT_SIZE : 101 + CONTEXT_SIZE]
    assert f'data-target-message="{all_said[100].pk}"' in answer.content.decode()


@pytest.mark.parametrize("place", [0, 1, CONTEXT_SIZE, 60, 98, 99])
def test_paging_from_a_linked_message_reaches_every_message(desk: DeskScenario, place: int) -> None:
    all_said = create_messages(desk, 100)
    thread = get_page(desk, message=all_said[place].pk).context["thread"]
    messages = thread_messages(thread)
    earlier, later = thread.earlier_cursor, thread.later_cursor
    while earlier:
        more = fetch_earlier(desk, before=str(earlier)).context["thread"]
        messages, earlier = thread_messages(more) + messages, more.earlier_cursor
    while later:
        more = fetch_earlier(desk, after=str(later)).context["thread"]
        messages, later = messages + thread_messages(more), more.later_cursor
    assert messages == all_said


def test_events_between_messages_are_included_exactly_once(desk: DeskScenario) -> None:
    all_said = create_messages(desk, 120)
    for place in (10, 70, 119):
        timeline.record(desk.conversation, TimelineEventKind.ACTIVE, LocalizedText(f"event {place}"), actor=None)
        desk.conversation.events.filter(text__msgid=f"event {place}").update(created_at=all_said[place].created_at)
    thread = get_page(desk, message=all_said[50].pk).context["thread"]
    down = fetch_earlier(desk, after=str(thread.later_cursor)).context["thread"]
    up = fetch_earlier(desk, before=str(thread.earlier_cursor)).context["thread"]
    events = [entry.id for part in (up, thread, down) for entry in part.entries if isinstance(entry, EventEntry)]
    assert len(events) == len(set(events)) == 3


@pytest.mark.parametrize("message", ["0", "-1", "x", "999999999"])
def test_link_to_a_missing_message_shows_the_newest(desk: DeskScenario, message: str) -> None:
    all_said = create_messages(desk, 60)
    assert thread_messages(get_page(desk, message=message).context["thread"]) == all_said[-PAGE_SIZE:]


def test_a_message_of_another_conversation_is_not_shown_here(desk: DeskScenario) -> None:
    create_messages(desk, 5)
    other = builders.create_inbound_message(builders.create_conversation(), "assigned_to_colleague")
    assert "assigned_to_colleague" not in get_page(desk, message=other.pk).content.decode()


def test_viewing_old_messages_does_not_mark_new_ones_read(desk: DeskScenario) -> None:
    all_said = create_messages(desk, 200)
    Conversation.objects.update(unread_count=2)
    get_page(desk, message=all_said[3].pk)
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 2
    get_page(desk, message=all_said[199].pk)
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 0


def test_without_the_script_the_links_go_up_and_down(desk: DeskScenario) -> None:
    all_said = create_messages(desk, 200)
    thread = get_page(desk, message=all_said[100].pk).context["thread"]
    assert thread_messages(get_page(desk, before=str(thread.earlier_cursor)).context["thread"])[-1] == all_said[75]
    assert thread_messages(get_page(desk, after=str(thread.later_cursor)).context["thread"])[0] == all_said[126]


def test_a_quote_leads_to_the_message_wherever_it_is(desk: DeskScenario) -> None:
    before = builders.create_inbound_message(
        builders.create_conversation(queue=desk.queue), "in an earlier conversation"
    )
    builders.create_outbound_message(desk.conversation, "as said", quoted=before)
    conversation_path = reverse("desk:conversation", args=[before.conversation_id])
    assert f'href="{conversation_path}?message={before.pk}#message-{before.pk}"' in get_page(desk).content.decode()


@pytest.mark.parametrize("count", [60, 600])
def test_linked_message_takes_ten_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    all_said = create_messages(desk, count)
    client = client_for(desk.dana)
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    with django_assert_max_num_queries(10):
        client.get(url, {"message": all_said[count // 2].pk})


@pytest.mark.slow
def test_the_newest_of_ten_thousand_messages_are_found_by_the_index(desk: DeskScenario) -> None:
    create_messages(desk, 10_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_message")
    with CaptureQueriesContext(connection) as queries:
        get_thread(desk.conversation)
    sql = next(query["sql"] for query in queries if "conversations_message" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"{connection.ops.explain_query_prefix()} {sql}")
        plan = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())
    assert "messages_in_order" in plan
    assert not re.search(r"(?i)scan (on )?conversations_message\b(?! using)", plan)
