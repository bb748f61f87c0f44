"""Going to a place in a long conversation: up, down, to a message that is looked for; and what that costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Conversation, Message, MessageDirection, MessageStatus
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import LocalizedText
from omnichannel.desk.thread.messages import CONTEXT_SIZE, PAGE_SIZE, Happening, MessageEntry, Thread, get_thread
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def say(desk: Desk, count: int) -> list[Message]:
    """That many messages of the customer, a minute apart; three at a time share a moment."""
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


def said(thread: Thread) -> list[Message]:
    return [entry.message for entry in thread.entries if isinstance(entry, MessageEntry)]


def open_at(desk: Desk, **query: Any) -> Any:
    return browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), query)


def ask(desk: Desk, **query: Any) -> Any:
    return browser(desk.dana).get(reverse("desk:earlier", args=[desk.conversation.pk]), query, **HTMX)


def test_a_message_that_is_looked_for_is_shown_in_the_midst_of_its_neighbours(desk: Desk) -> None:
    all_said = say(desk, 200)
    answer = open_at(desk, message=all_said[100].pk)
    thread = answer.context["thread"]
    assert said(thread) == all_said[101 - CONTEXT_SIZE : 101 + CONTEXT_SIZE]
    assert f'data-shown="{all_said[100].pk}"' in answer.content.decode()


@pytest.mark.parametrize("place", [0, 1, CONTEXT_SIZE, 60, 98, 99])
def test_from_there_the_whole_conversation_is_reached_in_both_directions(desk: Desk, place: int) -> None:
    all_said = say(desk, 100)
    thread = open_at(desk, message=all_said[place].pk).context["thread"]
    found = said(thread)
    earlier, later = thread.earlier, thread.later
    while earlier:
        more = ask(desk, before=str(earlier)).context["thread"]
        found, earlier = said(more) + found, more.earlier
    while later:
        more = ask(desk, after=str(later)).context["thread"]
        found, later = found + said(more), more.later
    assert found == all_said


def test_what_happened_between_the_messages_comes_exactly_once(desk: Desk) -> None:
    all_said = say(desk, 120)
    for place in (10, 70, 119):
        record_event(desk.conversation, "active", LocalizedText(f"event {place}"), by=None)
        desk.conversation.events.filter(said__words=f"event {place}").update(created_at=all_said[place].created_at)
    thread = open_at(desk, message=all_said[50].pk).context["thread"]
    down = ask(desk, after=str(thread.later)).context["thread"]
    up = ask(desk, before=str(thread.earlier)).context["thread"]
    events = [entry.id for part in (up, thread, down) for entry in part.entries if isinstance(entry, Happening)]
    assert len(events) == len(set(events)) == 3


@pytest.mark.parametrize("message", ["0", "-1", "x", "999999999"])
def test_a_message_that_is_not_there_shows_the_newest(desk: Desk, message: str) -> None:
    all_said = say(desk, 60)
    assert said(open_at(desk, message=message).context["thread"]) == all_said[-PAGE_SIZE:]


def test_a_message_of_another_conversation_is_not_shown_here(desk: Desk) -> None:
    say(desk, 5)
    other = builders.inbound(builders.conversation(), "elsewhere")
    assert "elsewhere" not in open_at(desk, message=other.pk).content.decode()


def test_who_looks_at_old_messages_has_not_read_the_new_ones(desk: Desk) -> None:
    all_said = say(desk, 200)
    Conversation.objects.update(unread_count=2)
    open_at(desk, message=all_said[3].pk)
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 2
    open_at(desk, message=all_said[199].pk)
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 0


def test_without_the_script_the_links_go_up_and_down(desk: Desk) -> None:
    all_said = say(desk, 200)
    thread = open_at(desk, message=all_said[100].pk).context["thread"]
    assert said(open_at(desk, before=str(thread.earlier)).context["thread"])[-1] == all_said[75]
    assert said(open_at(desk, after=str(thread.later)).context["thread"])[0] == all_said[126]


def test_a_quote_leads_to_the_message_wherever_it_is(desk: Desk) -> None:
    before = builders.inbound(builders.conversation(in_queue=desk.queue), "in an earlier conversation")
    builders.outbound(desk.conversation, "as said", quoted=before)
    here = reverse("desk:conversation", args=[before.conversation_id])
    assert f'href="{here}?message={before.pk}#message-{before.pk}"' in open_at(desk).content.decode()


@pytest.mark.parametrize("count", [60, 600])
def test_looking_for_a_message_takes_ten(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    all_said = say(desk, count)
    client = browser(desk.dana)
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    with django_assert_max_num_queries(10):
        client.get(url, {"message": all_said[count // 2].pk})


def test_the_newest_of_ten_thousand_messages_are_found_by_the_index(desk: Desk) -> None:
    say(desk, 10_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_message")
    with CaptureQueriesContext(connection) as asked:
        get_thread(desk.conversation)
    sql = next(query["sql"] for query in asked if "conversations_message" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"{connection.ops.explain_query_prefix()} {sql}")
        plan = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())
    assert "messages_in_order" in plan
    assert not re.search(r"(?i)scan (on )?conversations_message\b(?! using)", plan)
