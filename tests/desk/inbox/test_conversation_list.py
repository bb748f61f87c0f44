"""The inbox: tabs, order and previews."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Attachment, Conversation, MessageKind
from omnichannel.desk.inbox import conversation_list, queries
from omnichannel.desk.inbox.conversation_list import Inbox
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


def get_view(desk: DeskScenario, view: str = "my", **query: Any) -> Any:
    return client_for(desk.dana).get(reverse("desk:inbox"), {"view": view, **query}, **HTMX_HEADERS)


def get_inbox(desk: DeskScenario, view: str = "my", **query: Any) -> Inbox:
    inbox: Inbox = get_view(desk, view, **query).context["inbox"]
    return inbox


def listed_conversations(desk: DeskScenario, view: str = "my", **query: Any) -> list[Conversation]:
    return [row.conversation for row in get_inbox(desk, view, **query).rows]


def create_closed_conversation(desk: DeskScenario, hours_ago: float) -> Conversation:
    at = timezone.now() - timedelta(hours=hours_ago)
    return builders.create_conversation(queue=desk.queue, state=State.CLOSED, closed_at=at, state_since=at)


def test_each_conversation_is_in_its_view(desk: DeskScenario) -> None:
    waiting = builders.create_conversation(queue=desk.queue)
    lately, long_ago = create_closed_conversation(desk, 23), create_closed_conversation(desk, 25)
    of_omar = builders.create_conversation(agent=desk.omar, queue=desk.queue)
    assert listed_conversations(desk, "my") == [desk.conversation]
    assert listed_conversations(desk, "open") == [waiting]
    assert listed_conversations(desk, "closed") == [lately]
    assert [tab.count for tab in get_inbox(desk).tabs] == [1, 1, 1]
    assert long_ago.pk != of_omar.pk


def test_closed_lists_each_visible_conversation_once(desk: DeskScenario) -> None:
    of_queue, foreign = create_closed_conversation(desk, 3), builders.create_queue("Foreign")
    at = timezone.now() - timedelta(hours=2)
    closed: dict[str, Any] = {"state": State.CLOSED, "closed_at": at}
    own_elsewhere = builders.create_conversation(agent=desk.dana, queue=foreign, **closed)
    own_in_queue = builders.create_conversation(
        agent=desk.dana, queue=desk.queue, **{**closed, "closed_at": at + timedelta(hours=1)}
    )
    builders.create_conversation(agent=desk.omar, queue=foreign, **closed)
    assert listed_conversations(desk, "closed") == [own_in_queue, own_elsewhere, of_queue]
    in_queue = {"sort": "newest", "include_older": 1, "queue": desk.queue.pk}
    assert listed_conversations(desk, "closed", **in_queue) == [own_in_queue, of_queue]
    assert listed_conversations(desk, "closed", **{**in_queue, "queue": foreign.pk}) == [own_elsewhere]


def test_other_orders_of_closed_conversations_contain_the_newest_of_each_queue(
    desk: DeskScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_CLOSED_CANDIDATES", 6)
    monkeypatch.setattr(conversation_list, "PAGE_SIZE", 1)
    monkeypatch.setattr(conversation_list, "MAX_ROWS", 1)
    by_age = [create_closed_conversation(desk, hours) for hours in (1, 2, 3)]
    pages = [get_inbox(desk, "closed", sort="created")]
    while pages[-1].next_cursor:
        pages.append(get_inbox(desk, "closed", sort="created", before=pages[-1].next_cursor))
    assert [row.conversation for page in pages for row in page.rows] == by_age[:2][::-1]


def test_tabs_count_up_to_a_limit(desk: DeskScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (queries, conversation_list):
        monkeypatch.setattr(module, "MAX_COUNT", 3)
    for _ in range(2):
        builders.create_conversation(queue=desk.queue)
    assert [tab.count_label for tab in get_inbox(desk).tabs] == ["1", "2", "0"]
    for _ in range(2):
        builders.create_conversation(queue=desk.queue)
    assert [tab.count_label for tab in get_inbox(desk).tabs] == ["1", "2+", "0"]


def test_waiting_and_wrap_up_conversations_are_in_my_view(desk: DeskScenario) -> None:
    waiting = builders.create_conversation(agent=desk.dana, state=State.WAITING)
    ending = builders.create_conversation(agent=desk.dana, state=State.WRAP_UP)
    assert set(listed_conversations(desk)) == {desk.conversation, waiting, ending}


def test_the_newest_comes_first(desk: DeskScenario) -> None:
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    newer = builders.create_conversation(agent=desk.dana)
    assert listed_conversations(desk) == [newer, desk.conversation]


def test_unknown_view_falls_back_to_my_conversations(desk: DeskScenario) -> None:
    assert get_inbox(desk, "<script>").view == "my"


def test_load_more_goes_on_where_the_page_ended_even_when_rows_came_meanwhile(desk: DeskScenario) -> None:
    number = builders.create_number()
    all_of_them = [builders.create_conversation(queue=desk.queue, number=number) for _ in range(64)]
    first = get_inbox(desk, "open")
    builders.create_conversation(queue=desk.queue, number=number)
    second = get_inbox(desk, "open", before=str(first.next_cursor))
    third = get_inbox(desk, "open", before=str(second.next_cursor))
    pages = [[row.conversation for row in page.rows] for page in (first, second, third)]
    assert [len(page) for page in pages] == [30, 30, 4]
    assert sum(pages, []) == all_of_them[::-1]
    assert not third.next_cursor


def test_a_page_that_shows_sixty_rows_is_brought_up_to_date_with_sixty(desk: DeskScenario) -> None:
    number = builders.create_number()
    for _ in range(70):
        builders.create_conversation(queue=desk.queue, number=number)
    assert len(listed_conversations(desk, "open", shown=60)) == 60


@pytest.mark.parametrize(
    "text", ["", "x", "2026-01-01~1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z~-1", "~", "²~²"]
)
def test_invalid_list_cursor_causes_no_error(desk: DeskScenario, text: str) -> None:
    assert get_view(desk, before=text, shown=text).status_code == 200


def test_a_row_shows_the_last_line_and_who_wrote_it(desk: DeskScenario) -> None:
    builders.create_outbound_message(desk.conversation, "It is\non its way", author=desk.dana.user)
    assert get_inbox(desk).rows[0].preview == ("You", "", "It is on its way", False)
    builders.create_outbound_message(desk.conversation, "Mine", author=desk.omar.user)
    assert get_inbox(desk).rows[0].preview.author == "Omar"


def test_a_failed_answer_is_marked_in_the_list(desk: DeskScenario) -> None:
    builders.create_outbound_message(desk.conversation, status="undelivered", author=desk.dana.user)
    assert "Not delivered" in get_view(desk).content.decode()


@pytest.mark.parametrize(
    ("content_type", "word"),
    [("image/jpeg", "Photo"), ("audio/ogg", "Voice message"), ("video/mp4", "Video"), ("application/pdf", "Document")],
)
def test_list_shows_a_label_for_a_pending_file(desk: DeskScenario, content_type: str, word: str) -> None:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=message, declared_type=content_type)
    assert get_inbox(desk).rows[0].preview.text == word


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        (MessageKind.LOCATION, {"location": {"latitude": 1, "longitude": 2}}, "Location"),
        (MessageKind.LOCATION, {"location": {"latitude": 1, "longitude": 2, "label": "Shop"}}, "Shop"),
        (MessageKind.CONTACTS, {}, "Contact card"),
        (MessageKind.CONTACTS, {"contacts": [{"name": "Mum", "phones": []}]}, "Mum"),
        (MessageKind.BUTTON, {"button": {"text": "Yes", "payload": "y"}}, "Yes"),
        (MessageKind.LIST, {"list": {"title": "Express", "payload": "x"}}, "Express"),
        (MessageKind.UNSUPPORTED, {}, "Unsupported message"),
        (MessageKind.UNSUPPORTED, {"type": "order"}, "Unsupported message (order)"),
    ],
)
def test_every_message_kind_has_a_summary(desk: DeskScenario, kind: str, content: dict[str, Any], text: str) -> None:
    builders.create_inbound_message(desk.conversation, "", kind=kind, content=content)
    assert get_inbox(desk).rows[0].preview.text == text


def test_unread_messages_are_counted_on_the_row_and_for_the_title(desk: DeskScenario) -> None:
    Conversation.objects.update(unread_count=3)
    page = get_view(desk).content.decode()
    assert "3 unread" in page
    assert 'data-unread="3"' in page


@pytest.mark.parametrize(
    ("view", "text", "next_view"),
    [
        ("my", "No conversations", "open"),
        ("open", "No one is waiting", "my"),
        ("ongoing", "No ongoing conversations", "open"),
        ("closed", "No conversations closed", "my"),
    ],
)
def test_an_empty_tab_says_what_belongs_there_and_leads_on(
    desk: DeskScenario, view: str, text: str, next_view: str
) -> None:
    Conversation.objects.all().delete()
    page = client_for(desk.supervisor).get(reverse("desk:inbox"), {"view": view}).content.decode()
    assert text in page
    assert f'id="show-{next_view}-empty"' in page
    assert f'href="{reverse("desk:inbox")}?view={next_view}"' in page


def test_a_name_full_of_markup_is_only_text(desk: DeskScenario) -> None:
    desk.conversation.contact.profile_name = "<script>alert(1)</script>"
    desk.conversation.contact.save()
    builders.create_inbound_message(desk.conversation, '<img src=x onerror="alert(1)">')
    page = get_view(desk).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
