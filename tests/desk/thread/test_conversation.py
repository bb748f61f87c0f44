"""The conversation's page: messages of every kind, in order, under their days, and nothing a stranger wrote acts."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.inbound.receive import NOT_ACCEPTED
from omnichannel.conversations.models import Attachment, Conversation, FileState, Kind, Message
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized
from omnichannel.desk.thread.messages import Day, Happening, Said, Unread
from routing.models import State
from tests import builders
from tests.desk.people import HTMX, Desk, browser, compact

pytestmark = pytest.mark.django_db


def page(desk: Desk, **query: Any) -> str:
    return browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), query).content.decode()


def entries(desk: Desk, **query: Any) -> list[Any]:
    answer = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), query)
    return list(answer.context["thread"].entries)


def ago(**time: float) -> Any:
    return timezone.now() - timedelta(**time)


def test_messages_and_events_are_in_order_under_their_days(desk: Desk) -> None:
    old = builders.inbound(desk.conversation, "old", created_at=ago(days=3))
    new = builders.inbound(desk.conversation, "new", created_at=ago(minutes=5))
    record_event(desk.conversation, "active", localized("Dana took the conversation."), by=None)
    shown = entries(desk)
    assert [type(entry) for entry in shown] == [Day, Said, Day, Said, Happening]
    assert [entry.message for entry in shown if isinstance(entry, Said)] == [old, new]


def test_days_and_times_are_those_of_the_agents_browser(desk: Desk) -> None:
    builders.inbound(desk.conversation, created_at=timezone.now().replace(hour=23, minute=30) - timedelta(days=9))
    client = browser(desk.dana)
    client.cookies["timezone"] = "Asia%2FTokyo"
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    assert ">08:30</time>" in client.get(url).content.decode()
    client.cookies["timezone"] = "../../etc/passwd"
    assert ">23:30</time>" in client.get(url).content.decode()


def test_the_newest_fifty_come_first_and_the_rest_follows_upwards(desk: Desk) -> None:
    said = [builders.inbound(desk.conversation, f"{n}", created_at=ago(minutes=200 - n)) for n in range(120)]
    client = browser(desk.dana)
    thread = client.get(reverse("desk:conversation", args=[desk.conversation.pk])).context["thread"]
    found: list[Message] = []
    while True:
        found = [entry.message for entry in thread.entries if isinstance(entry, Said)] + found
        if thread.earlier is None:
            break
        url = reverse("desk:earlier", args=[desk.conversation.pk])
        thread = client.get(url, {"before": str(thread.earlier)}, **HTMX).context["thread"]
    assert found == said


def test_without_the_script_earlier_messages_are_a_page_of_their_own(desk: Desk) -> None:
    for n in range(60):
        builders.inbound(desk.conversation, f"message {n}.", created_at=ago(minutes=200 - n))
    client = browser(desk.dana)
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    earlier = client.get(url).context["thread"].earlier
    assert "message 3." in client.get(url, {"before": str(earlier)}).content.decode()


def test_text_keeps_its_lines_and_its_links_open_elsewhere(desk: Desk) -> None:
    builders.inbound(desk.conversation, "See\nhttps://example.com/?a=1&b=2 or javascript:alert(1)")
    shown = page(desk)
    assert (
        'See\n<a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="nofollow noopener noreferrer">' in shown
    )
    assert "javascript:alert(1)</a>" not in shown


HOSTILE = '"><script>alert(1)</script>'


def test_nothing_a_stranger_wrote_becomes_markup(desk: Desk) -> None:
    contact = desk.conversation.contact
    contact.profile_name, contact.external_user_id = HOSTILE, HOSTILE
    contact.save()
    hostile = {
        "location": {"latitude": 1.0, "longitude": 2.0, "label": HOSTILE, "address": HOSTILE},
        "contacts": [{"name": HOSTILE, "phones": [HOSTILE]}],
        "button": {"text": HOSTILE, "payload": HOSTILE},
        "referral": {"headline": HOSTILE, "body": HOSTILE, "url": "javascript:alert(1)//" + HOSTILE},
        "type": HOSTILE,
    }
    first = builders.inbound(desk.conversation, HOSTILE, kind=Kind.UNSUPPORTED, content=hostile)
    builders.inbound(desk.conversation, HOSTILE, quoted=first)
    Attachment.objects.create(
        message=first, name=HOSTILE, state=FileState.FAILED, error=HOSTILE, source_url="https://x.y"
    )
    shown = page(desk)
    assert "<script>alert" not in shown
    assert 'href="javascript:' not in shown


def test_a_location_is_a_place_on_a_map_that_opens_elsewhere(desk: Desk) -> None:
    place = {"latitude": 52.52, "longitude": 13.405, "label": "Hauptstraße 12"}
    builders.inbound(desk.conversation, "", kind=Kind.LOCATION, content={"location": place})
    shown = page(desk)
    assert "Hauptstraße 12" in shown
    assert "52.52, 13.405" in shown
    assert (
        'openstreetmap.org/?mlat=52.52&amp;mlon=13.405#map=17/52.52/13.405" target="_blank" rel="noopener'
        in compact(shown)
    )


def test_a_contact_card_shows_names_and_numbers(desk: Desk) -> None:
    people = [{"name": "Mum", "phones": ["+49 151 1", "+49 30 2"]}, {"name": "Dad", "phones": []}]
    builders.inbound(desk.conversation, "", kind=Kind.CONTACTS, content={"contacts": people})
    shown = page(desk)
    assert all(text in shown for text in ("Mum", "Dad", "+49 151 1", "+49 30 2"))


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (
            Kind.BUTTON,
            {"button": {"text": "Yes, Friday", "payload": "delivery_friday"}},
            ("Yes, Friday", "delivery_friday"),
        ),
        (Kind.LIST, {"list": {"title": "Express", "payload": "ship_express"}}, ("Express", "ship_express")),
        (Kind.UNSUPPORTED, {"type": "reaction"}, ("Unsupported message (reaction)",)),
        (Kind.UNSUPPORTED, {}, ("Unsupported message",)),
        (Kind.TEXT, {"forwarded": "once"}, ("Forwarded",)),
        (Kind.TEXT, {"forwarded": "often"}, ("Forwarded many times",)),
        (Kind.TEXT, {"referral": {"headline": "20 % off", "url": "https://fb.me/1"}}, ("20 % off", "Open the ad")),
    ],
)
def test_every_kind_is_shown_as_what_it_is(desk: Desk, kind: str, content: dict[str, Any], words: tuple[str]) -> None:
    builders.inbound(desk.conversation, "", kind=kind, content=content)
    assert all(text in compact(page(desk)) for text in words)


def test_a_quoted_message_is_shown_above_the_answer(desk: Desk) -> None:
    ours = builders.outbound(desk.conversation, "Which colour?", author=desk.dana.user)
    theirs = builders.inbound(desk.conversation, "Blue", quoted=ours)
    builders.outbound(desk.conversation, "Good", quoted=theirs)
    shown = compact(page(desk))
    assert f'#message-{ours.pk}"><strong dir="auto">You</strong><span dir="auto">Which colour?</span>' in shown
    assert f'?message={theirs.pk}#message-{theirs.pk}"><strong dir="auto">Amara Diallo</strong>' in shown


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
def test_a_file_is_shown_where_that_is_safe_else_offered(desk: Desk, content_type: str, tag: str) -> None:
    message = builders.inbound(desk.conversation, "", kind=Kind.MEDIA)
    Attachment.objects.create(message=message, content_type=content_type, name="a", state=FileState.STORED)
    shown = compact(page(desk))
    assert tag in shown
    assert ("<img src=" in shown) == (content_type == "image/jpeg")


def test_a_file_on_its_way_says_so_and_one_that_never_came_offers_retry(desk: Desk) -> None:
    message = builders.inbound(desk.conversation, "", kind=Kind.MEDIA)
    Attachment.objects.create(message=message, declared_type="image/jpeg")
    failed = {"state": FileState.FAILED, "error": "Twilio answered 404.", "source_url": "https://api.twilio.com/x"}
    lost = Attachment.objects.create(message=message, position=1, declared_type="video/mp4", **failed)
    shown = page(desk)
    assert "On its way" in shown
    assert "Video not available" in shown
    assert reverse("desk:retry", args=[lost.pk]) in shown


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "Waiting to be sent"),
        ("sending", "Sending"),
        ("sent", "Sent"),
        ("delivered", "Delivered"),
        ("read", "Read"),
    ],
)
def test_ticks_come_with_words(desk: Desk, status: str, words: str) -> None:
    builders.outbound(desk.conversation, status=status, author=desk.dana.user)
    assert f'<span class="unseen">{words}</span>' in page(desk)


def test_a_failed_message_has_its_code_a_plain_reason_and_send_again(desk: Desk) -> None:
    failed = builders.outbound(desk.conversation, status="failed", error_code=63024)
    shown = page(desk)
    assert "WhatsApp could not reach this phone" in shown
    assert "(63024)" in shown
    assert reverse("desk:again", args=[desk.conversation.pk, failed.pk]) in shown


def test_what_went_wrong_is_said_in_the_readers_language(desk: Desk) -> None:
    builders.outbound(desk.conversation, status="failed", error_code=63024)
    builders.outbound(desk.conversation, status="failed", error_message="A word of Twilio's own")
    lost = builders.inbound(desk.conversation, kind=Kind.MEDIA)
    for place, error in enumerate(["Twilio answered 404.", "The file is larger than 16 MB.", ""]):
        lost.attachments.create(state=FileState.FAILED, error=error, position=place)
    User.objects.update(language="de")
    shown = page(desk)
    for words in (
        "Twilio hat mit 404 geantwortet.",
        "größer als 16 MB",
        "WhatsApp konnte dieses Telefon nicht erreichen",
    ):
        assert words in shown
    assert "A word of Twilio&#x27;s own" in shown


def test_send_again_is_only_for_the_agent_who_may_answer(desk: Desk) -> None:
    builders.outbound(desk.conversation, status="failed", error_code=63024)
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    assert "Send again" not in browser(desk.omar).get(url).content.decode()


def test_a_message_nobody_knows_the_outcome_of_says_that_twilio_is_asked(desk: Desk) -> None:
    builders.outbound(desk.conversation, status="sending", sending_since=ago(seconds=10))
    assert "Checking with Twilio whether this was sent" not in page(desk)
    Message.objects.update(sending_since=ago(seconds=16))
    assert "Checking with Twilio whether this was sent" in page(desk)
    Message.objects.update(twilio_sid=builders.sid())
    assert "Checking with Twilio whether this was sent" not in page(desk)


def test_its_agents_look_clears_the_unread_mark_and_shows_where_it_was(desk: Desk) -> None:
    for body in ("read", "unread", "unread too"):
        builders.inbound(desk.conversation, body)
    Conversation.objects.update(unread_count=2)
    shown = entries(desk)
    divider = next(place for place, entry in enumerate(shown) if isinstance(entry, Unread))
    assert shown[divider + 1].message.body == "unread"
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 0
    assert "Unread messages" not in page(desk)


def test_anybody_elses_look_leaves_it_unread(desk: Desk) -> None:
    Conversation.objects.update(unread_count=2)
    browser(desk.sue).get(reverse("desk:conversation", args=[desk.conversation.pk]))
    desk.conversation.refresh_from_db()
    assert desk.conversation.unread_count == 2


def test_the_customer_panel_lists_the_other_conversations_one_may_see(desk: Desk) -> None:
    contact = desk.conversation.contact
    at = ago(days=3)
    past = {"of": contact, "state": State.CLOSED, "closed_at": at}
    mine = builders.conversation(in_queue=desk.queue, **past)
    hidden = builders.conversation(in_queue=builders.queue("Secret"), **past)
    shown = browser(desk.dana).get(reverse("desk:former", args=[desk.conversation.pk])).content.decode()
    assert reverse("desk:conversation", args=[mine.pk]) in shown
    assert reverse("desk:conversation", args=[hidden.pk]) not in shown


def test_to_a_page_that_has_the_list_only_the_conversation_is_sent(desk: Desk) -> None:
    headers = {"HX-Request": "true", "HX-Target": "workspace"}
    answer = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]), headers=headers)
    assert "<html" not in answer.content.decode()
    assert "<title>Amara Diallo · Omnichannel</title>" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "HX-Request" in answer["Vary"]


def test_a_file_the_desk_did_not_want_offers_no_retry(desk: Desk) -> None:
    message = builders.inbound(desk.conversation, "", kind=Kind.MEDIA)
    unwanted = {"state": FileState.FAILED, "error": NOT_ACCEPTED, "source_url": "https://api.twilio.com/x"}
    found = Attachment.objects.create(message=message, declared_type="image/jpeg", **unwanted)
    shown = page(desk)
    assert NOT_ACCEPTED in shown
    assert reverse("desk:retry", args=[found.pk]) not in shown
