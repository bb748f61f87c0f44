"""The conversation page: messages of every kind, in order, under their days."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.inbound.receive import ATTACHMENTS_DISABLED
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Conversation,
    Message,
    MessageKind,
    TimelineEventKind,
)
from omnichannel.core.localized_text import localized
from omnichannel.desk.thread.messages import DayDivider, MessageEntry, UnreadDivider
from omnichannel.desk.thread.timeline import EventEntry
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact

pytestmark = pytest.mark.django_db


def get_page(desk: DeskScenario, **query: Any) -> str:
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    return compact(client_for(desk.dana).get(url, query).content.decode())


def thread_entries(desk: DeskScenario, **query: Any) -> list[Any]:
    answer = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), query)
    return list(answer.context["thread"].entries)


def time_ago(**time: float) -> Any:
    return timezone.now() - timedelta(**time)


def test_messages_and_events_are_in_order_under_their_days(desk: DeskScenario) -> None:
    old = builders.create_inbound_message(desk.conversation, "old", created_at=time_ago(days=3))
    new = builders.create_inbound_message(desk.conversation, "new", created_at=time_ago(minutes=5))
    timeline.record(desk.conversation, TimelineEventKind.ACTIVE, localized("Dana took the conversation."), actor=None)
    shown = thread_entries(desk)
    assert [type(entry) for entry in shown] == [DayDivider, MessageEntry, DayDivider, MessageEntry, EventEntry]
    assert [entry.message for entry in shown if isinstance(entry, MessageEntry)] == [old, new]


def test_days_and_times_are_those_of_the_agents_browser(desk: DeskScenario) -> None:
    builders.create_inbound_message(
        desk.conversation, created_at=timezone.now().replace(hour=23, minute=30) - timedelta(days=9)
    )
    client = client_for(desk.dana)
    client.cookies["timezone"] = "Asia%2FTokyo"
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    assert ">08:30</time>" in client.get(url).content.decode()
    client.cookies["timezone"] = "../../etc/passwd"
    assert ">23:30</time>" in client.get(url).content.decode()


def test_the_newest_fifty_come_first_and_the_rest_follows_upwards(desk: DeskScenario) -> None:
    messages = [
        builders.create_inbound_message(desk.conversation, f"{n}", created_at=time_ago(minutes=200 - n))
        for n in range(120)
    ]
    client = client_for(desk.dana)
    thread = client.get(reverse("desk:conversation", args=[desk.conversation.pk])).context["thread"]
    shown_messages: list[Message] = []
    while True:
        shown_messages = [entry.message for entry in thread.entries if isinstance(entry, MessageEntry)] + shown_messages
        if thread.earlier_cursor is None:
            break
        url = reverse("desk:messages", args=[desk.conversation.pk])
        thread = client.get(url, {"before": str(thread.earlier_cursor)}, **HTMX_HEADERS).context["thread"]
    assert shown_messages == messages


def test_without_the_script_earlier_messages_are_a_page_of_their_own(desk: DeskScenario) -> None:
    for n in range(60):
        builders.create_inbound_message(desk.conversation, f"message {n}.", created_at=time_ago(minutes=200 - n))
    client = client_for(desk.dana)
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    earlier_cursor = client.get(url).context["thread"].earlier_cursor
    assert "message 3." in client.get(url, {"before": str(earlier_cursor)}).content.decode()


def test_text_keeps_its_lines_and_its_links_open_elsewhere(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "See\nhttps://example.com/?a=1&b=2 or javascript:alert(1)")
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    shown = client_for(desk.dana).get(url).content.decode()
    link = '<a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="nofollow noopener noreferrer">'
    assert f"See\n{link}" in shown
    assert "javascript:alert(1)</a>" not in shown


@pytest.mark.parametrize(
    ("text", "is_folded"),
    [("x" * 20_000, True), ("\n" * 3000, True), ("Hello\n" * 31, True), ("x" * 2000, False), ("Hello\n" * 30, False)],
)
def test_a_long_message_is_folded(desk: DeskScenario, text: str, is_folded: bool) -> None:
    builders.create_inbound_message(desk.conversation, text)
    desk.conversation.notes.create(author=desk.dana.user, text=text)
    shown = get_page(desk)
    assert shown.count("Show all") == shown.count(" is-long") == (2 if is_folded else 0)


HOSTILE_TEXT = '"><script>alert(1)</script>'


def test_nothing_a_stranger_wrote_becomes_markup(desk: DeskScenario) -> None:
    contact = desk.conversation.contact
    contact.profile_name, contact.username = HOSTILE_TEXT, HOSTILE_TEXT
    contact.save()
    hostile = {
        "location": {"latitude": 1.0, "longitude": 2.0, "label": HOSTILE_TEXT, "address": HOSTILE_TEXT},
        "contacts": [{"name": HOSTILE_TEXT, "phones": [HOSTILE_TEXT]}],
        "button": {"text": HOSTILE_TEXT, "payload": HOSTILE_TEXT},
        "referral": {"headline": HOSTILE_TEXT, "body": HOSTILE_TEXT, "url": "javascript:alert(1)//" + HOSTILE_TEXT},
        "type": HOSTILE_TEXT,
    }
    first = builders.create_inbound_message(
        desk.conversation, HOSTILE_TEXT, kind=MessageKind.UNSUPPORTED, content=hostile
    )
    builders.create_inbound_message(desk.conversation, HOSTILE_TEXT, quoted=first)
    Attachment.objects.create(
        message=first, name=HOSTILE_TEXT, state=AttachmentState.FAILED, error=HOSTILE_TEXT, source_url="https://x.y"
    )
    shown = get_page(desk)
    assert "<script>alert" not in shown
    assert 'href="javascript:' not in shown


def test_a_location_is_a_place_on_a_map_that_opens_elsewhere(desk: DeskScenario) -> None:
    place = {"latitude": 52.52, "longitude": 13.405, "label": "Hauptstraße 12"}
    builders.create_inbound_message(desk.conversation, "", kind=MessageKind.LOCATION, content={"location": place})
    shown = get_page(desk)
    assert "Hauptstraße 12" in shown
    assert "52.52, 13.405" in shown
    assert 'openstreetmap.org/?mlat=52.52&amp;mlon=13.405#map=17/52.52/13.405" target="_blank" rel="noopener' in shown


def test_a_contact_card_shows_names_and_numbers(desk: DeskScenario) -> None:
    people = [{"name": "Mum", "phones": ["+49 151 1", "+49 30 2"]}, {"name": "Dad", "phones": []}]
    builders.create_inbound_message(desk.conversation, "", kind=MessageKind.CONTACTS, content={"contacts": people})
    shown = get_page(desk)
    assert all(text in shown for text in ("Mum", "Dad", "+49 151 1", "+49 30 2"))


@pytest.mark.parametrize(
    ("kind", "content", "texts"),
    [
        (
            MessageKind.BUTTON,
            {"button": {"text": "Yes, Friday", "payload": "delivery_friday"}},
            ("Yes, Friday", "delivery_friday"),
        ),
        (MessageKind.LIST, {"list": {"title": "Express", "payload": "ship_express"}}, ("Express", "ship_express")),
        (MessageKind.UNSUPPORTED, {"type": "reaction"}, ("Unsupported message (reaction)",)),
        (MessageKind.UNSUPPORTED, {"type": "poll_creation"}, ("Unsupported message (poll)",)),
        (MessageKind.UNSUPPORTED, {"type": "text"}, ("Empty message",)),
        (MessageKind.UNSUPPORTED, {}, ("Unsupported message",)),
        (MessageKind.TEXT, {"type": "reaction"}, (">Reaction<",)),
        (MessageKind.BUTTON, {"button": {"payload": "delivery_friday"}}, ("Button reply", "delivery_friday")),
        (MessageKind.TEXT, {"forwarded": "once"}, ("Forwarded",)),
        (MessageKind.TEXT, {"forwarded": "often"}, ("Forwarded many times",)),
        (
            MessageKind.TEXT,
            {"referral": {"headline": "20 % off", "url": "https://fb.me/1"}},
            ("20 % off", "Open the ad"),
        ),
    ],
)
def test_every_kind_is_shown_as_what_it_is(
    desk: DeskScenario, kind: str, content: dict[str, Any], texts: tuple[str]
) -> None:
    builders.create_inbound_message(desk.conversation, "", kind=kind, content=content)
    assert all(text in get_page(desk) for text in texts)


def test_a_quoted_message_is_shown_above_the_answer(desk: DeskScenario) -> None:
    quoted_reply = builders.create_outbound_message(desk.conversation, "Which color?", author=desk.dana.user)
    answer = builders.create_inbound_message(desk.conversation, "Blue", quoted=quoted_reply)
    builders.create_outbound_message(desk.conversation, "Good", quoted=answer)
    shown = get_page(desk)
    assert f'#message-{quoted_reply.pk}"><strong dir="auto">You</strong><span dir="auto">Which color?</span>' in shown
    assert f'?message={answer.pk}#message-{answer.pk}"><strong dir="auto">Amara Diallo</strong>' in shown


@pytest.mark.parametrize(
    ("content_type", "tag"),
    [
        ("image/jpeg", "<img src="),
        ("audio/ogg", "<audio controls"),
        ("video/mp4", "<video "),
        ("application/pdf", '<iframe class="pdf"'),
        ("image/svg+xml", "?download=1"),
        ("application/zip", "?download=1"),
    ],
)
def test_a_file_is_shown_where_that_is_safe_else_offered(desk: DeskScenario, content_type: str, tag: str) -> None:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=message, content_type=content_type, name="a", state=AttachmentState.STORED)
    shown = get_page(desk)
    assert tag in shown
    assert ("<img src=" in shown) == (content_type == "image/jpeg")


def test_pending_file_is_labeled_and_failed_file_offers_retry(desk: DeskScenario) -> None:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=message, declared_type="image/jpeg")
    failed = {
        "state": AttachmentState.FAILED,
        "error": "Twilio returned error 404.",
        "source_url": "https://api.twilio.com/x",
    }
    lost = Attachment.objects.create(message=message, position=1, declared_type="video/mp4", **failed)
    shown = get_page(desk)
    assert "Downloading" in shown
    assert "Video not available" in shown
    assert reverse("desk:retry_download", args=[lost.pk]) in shown


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("queued", "Waiting to send"),
        ("sending", "Sending"),
        ("sent", "Sent"),
        ("delivered", "Delivered"),
        ("read", "Read"),
    ],
)
def test_status_ticks_have_text_labels(desk: DeskScenario, status: str, text: str) -> None:
    builders.create_outbound_message(desk.conversation, status=status, author=desk.dana.user)
    assert f'<span class="visually-hidden">{text}</span>' in get_page(desk)


def test_a_failed_message_has_its_code_a_plain_reason_and_send_again(desk: DeskScenario) -> None:
    failed = builders.create_outbound_message(desk.conversation, status="failed", error_code=63024)
    shown = get_page(desk)
    assert "WhatsApp could not reach this number" in shown
    assert "(63024)" in shown
    assert reverse("desk:resend", args=[desk.conversation.pk, failed.pk]) in shown


@pytest.mark.parametrize(
    ("code", "reason"), [(63014, "The customer blocked us"), (63049, "how many marketing messages a customer gets")]
)
def test_failure_that_would_come_again_has_no_send_again(desk: DeskScenario, code: int, reason: str) -> None:
    builders.create_outbound_message(desk.conversation, status="failed", error_code=code)
    shown = get_page(desk)
    assert reason in shown
    assert "Send again" not in shown


def test_send_error_is_in_the_readers_language(desk: DeskScenario) -> None:
    builders.create_outbound_message(desk.conversation, status="failed", error_code=63024)
    builders.create_outbound_message(desk.conversation, status="failed", error_message="A word of Twilio's own")
    lost = builders.create_inbound_message(desk.conversation, kind=MessageKind.MEDIA)
    for place, error in enumerate(["Twilio returned error 404.", "The file is larger than 16 MB.", ""]):
        lost.attachments.create(state=AttachmentState.FAILED, error=error, position=place)
    User.objects.update(language="de")
    shown = get_page(desk)
    for text in (
        "Twilio hat den Fehler 404 zurückgegeben.",
        "größer als 16 MB",
        "WhatsApp konnte diese Nummer nicht erreichen",
    ):
        assert text in shown
    assert "A word of Twilio&#x27;s own" in shown


def test_send_again_is_only_for_the_agent_who_may_answer(desk: DeskScenario) -> None:
    builders.create_outbound_message(desk.conversation, status="failed", error_code=63024)
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    assert "Send again" not in client_for(desk.omar).get(url).content.decode()


def test_message_with_unknown_outcome_shows_that_twilio_is_queried(desk: DeskScenario) -> None:
    builders.create_outbound_message(desk.conversation, status="sending", sending_since=time_ago(seconds=10))
    assert "Checking with Twilio if this was sent" not in get_page(desk)
    Message.objects.update(sending_since=time_ago(seconds=16))
    assert "Checking with Twilio if this was sent" in get_page(desk)
    Message.objects.update(twilio_sid=builders.new_sid())
    assert "Checking with Twilio if this was sent" not in get_page(desk)


def test_assigned_agent_opening_it_clears_unread_and_shows_the_unread_line(desk: DeskScenario) -> None:
    for body in ("read", "unread", "unread too"):
        builders.create_inbound_message(desk.conversation, body)
    Conversation.objects.update(unread_count=2)
    shown = thread_entries(desk)
    divider = next(place for place, entry in enumerate(shown) if isinstance(entry, UnreadDivider))
    assert shown[divider + 1].message.body == "unread"
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 0
    assert "Unread messages" not in get_page(desk)


def test_other_users_opening_it_leave_it_unread(desk: DeskScenario) -> None:
    Conversation.objects.update(unread_count=2)
    client_for(desk.supervisor).get(reverse("desk:conversation", args=[desk.conversation.pk]))
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 2


def test_the_customer_panel_lists_the_other_conversations_one_may_see(desk: DeskScenario) -> None:
    contact = desk.conversation.contact
    at = time_ago(days=3)
    past = {"contact": contact, "state": State.CLOSED, "closed_at": at}
    own_conversation = builders.create_conversation(queue=desk.queue, **past)
    hidden = builders.create_conversation(queue=builders.create_queue("Secret"), **past)
    shown = (
        client_for(desk.dana).get(reverse("desk:previous_conversations", args=[desk.conversation.pk])).content.decode()
    )
    assert reverse("desk:conversation", args=[own_conversation.pk]) in shown
    assert reverse("desk:conversation", args=[hidden.pk]) not in shown


def test_to_a_page_that_has_the_list_only_the_conversation_is_sent(desk: DeskScenario) -> None:
    headers = {"HX-Request": "true", "HX-Target": "workspace"}
    answer = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), headers=headers)
    assert "<html" not in answer.content.decode()
    assert "<title>Amara Diallo · Omnichannel</title>" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "HX-Request" in answer["Vary"]


def test_a_file_the_desk_did_not_want_offers_no_retry(desk: DeskScenario) -> None:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    unwanted = {
        "state": AttachmentState.FAILED,
        "error": ATTACHMENTS_DISABLED,
        "source_url": "https://api.twilio.com/x",
    }
    attachment = Attachment.objects.create(message=message, declared_type="image/jpeg", **unwanted)
    shown = get_page(desk)
    assert ATTACHMENTS_DISABLED in shown
    assert reverse("desk:retry_download", args=[attachment.pk]) not in shown
