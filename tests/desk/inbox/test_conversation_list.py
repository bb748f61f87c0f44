"""The inbox: what is in which tab, in what order, in what words."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Attachment, Conversation, MessageKind
from omnichannel.desk.inbox.conversation_list import Inbox
from routing.models import State
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def open_tab(desk: Desk, view: str = "my", **query: Any) -> Any:
    return browser(desk.dana).get(reverse("desk:inbox"), {"view": view, **query}, **HTMX)


def inbox(desk: Desk, view: str = "my", **query: Any) -> Inbox:
    found: Inbox = open_tab(desk, view, **query).context["inbox"]
    return found


def shown(desk: Desk, view: str = "my", **query: Any) -> list[Conversation]:
    return [row.conversation for row in inbox(desk, view, **query).rows]


def closed(desk: Desk, hours_ago: float) -> Conversation:
    at = timezone.now() - timedelta(hours=hours_ago)
    return builders.conversation(in_queue=desk.queue, state=State.CLOSED, closed_at=at, state_since=at)


def test_each_conversation_is_in_its_tab(desk: Desk) -> None:
    waiting = builders.conversation(in_queue=desk.queue)
    lately, long_ago = closed(desk, 23), closed(desk, 25)
    of_omar = builders.conversation(with_agent=desk.omar, in_queue=desk.queue)
    assert shown(desk, "my") == [desk.conversation]
    assert shown(desk, "open") == [waiting]
    assert shown(desk, "closed") == [lately]
    assert [tab.count for tab in inbox(desk).tabs] == [1, 1, 1]
    assert long_ago.pk != of_omar.pk


def test_what_waits_for_the_customer_and_what_is_wrapped_up_stays_mine(desk: Desk) -> None:
    waiting = builders.conversation(with_agent=desk.dana, state=State.WAITING)
    ending = builders.conversation(with_agent=desk.dana, state=State.WRAP_UP)
    assert set(shown(desk)) == {desk.conversation, waiting, ending}


def test_the_newest_comes_first(desk: Desk) -> None:
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    newer = builders.conversation(with_agent=desk.dana)
    assert shown(desk) == [newer, desk.conversation]


def test_an_unknown_tab_is_ones_own(desk: Desk) -> None:
    assert inbox(desk, "<script>").view == "my"


def test_load_more_goes_on_where_the_page_ended_even_when_rows_came_meanwhile(desk: Desk) -> None:
    number = builders.number()
    all_of_them = [builders.conversation(in_queue=desk.queue, on=number) for _ in range(64)]
    first = inbox(desk, "open")
    builders.conversation(in_queue=desk.queue, on=number)
    second = inbox(desk, "open", before=str(first.more))
    third = inbox(desk, "open", before=str(second.more))
    pages = [[row.conversation for row in page.rows] for page in (first, second, third)]
    assert [len(page) for page in pages] == [30, 30, 4]
    assert sum(pages, []) == all_of_them[::-1]
    assert not third.more


def test_a_page_that_shows_sixty_rows_is_brought_up_to_date_with_sixty(desk: Desk) -> None:
    number = builders.number()
    for _ in range(70):
        builders.conversation(in_queue=desk.queue, on=number)
    assert len(shown(desk, "open", shown=60)) == 60


@pytest.mark.parametrize(
    "text", ["", "x", "2026-01-01~1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z~-1", "~", "²~²"]
)
def test_a_broken_place_in_the_list_is_never_an_error(desk: Desk, text: str) -> None:
    assert open_tab(desk, before=text, shown=text).status_code == 200


def test_a_row_shows_the_last_line_and_who_wrote_it(desk: Desk) -> None:
    builders.outbound(desk.conversation, "It is\non its way", author=desk.dana.user)
    assert inbox(desk).rows[0].line == ("You", "", "It is on its way", False)
    builders.outbound(desk.conversation, "Mine", author=desk.omar.user)
    assert inbox(desk).rows[0].line.who == "Omar"


def test_a_failed_answer_is_marked_in_the_list(desk: Desk) -> None:
    builders.outbound(desk.conversation, status="undelivered", author=desk.dana.user)
    assert "Not delivered" in open_tab(desk).content.decode()


@pytest.mark.parametrize(
    ("content_type", "word"),
    [("image/jpeg", "Photo"), ("audio/ogg", "Voice message"), ("video/mp4", "Video"), ("application/pdf", "Document")],
)
def test_a_file_is_a_word_in_the_list_while_it_is_on_its_way_too(desk: Desk, content_type: str, word: str) -> None:
    message = builders.inbound(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=message, declared_type=content_type)
    assert inbox(desk).rows[0].line.text == word


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (MessageKind.LOCATION, {"location": {"latitude": 1, "longitude": 2}}, "Location"),
        (MessageKind.LOCATION, {"location": {"latitude": 1, "longitude": 2, "label": "Shop"}}, "Shop"),
        (MessageKind.CONTACTS, {}, "Contact card"),
        (MessageKind.CONTACTS, {"contacts": [{"name": "Mum", "phones": []}]}, "Mum"),
        (MessageKind.BUTTON, {"button": {"text": "Yes", "payload": "y"}}, "Yes"),
        (MessageKind.LIST, {"list": {"title": "Express", "payload": "x"}}, "Express"),
        (MessageKind.UNSUPPORTED, {}, "Unsupported message"),
    ],
)
def test_every_kind_has_words(desk: Desk, kind: str, content: dict[str, Any], words: str) -> None:
    builders.inbound(desk.conversation, "", kind=kind, content=content)
    assert inbox(desk).rows[0].line.text == words


def test_unread_messages_are_counted_on_the_row_and_for_the_title(desk: Desk) -> None:
    Conversation.objects.update(unread_count=3)
    page = open_tab(desk).content.decode()
    assert "3 unread" in page
    assert 'data-unread="3"' in page


@pytest.mark.parametrize(
    ("view", "words"),
    [("my", "You have no conversations"), ("open", "Nobody is waiting"), ("closed", "Nothing was closed")],
)
def test_an_empty_tab_says_what_belongs_there(desk: Desk, view: str, words: str) -> None:
    page = browser(desk.eve).get(reverse("desk:inbox"), {"view": view}).content.decode()
    assert words in page


def test_a_name_full_of_markup_is_only_text(desk: Desk) -> None:
    desk.conversation.contact.profile_name = "<script>alert(1)</script>"
    desk.conversation.contact.save()
    builders.inbound(desk.conversation, '<img src=x onerror="alert(1)">')
    page = open_tab(desk).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
