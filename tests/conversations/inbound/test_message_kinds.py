"""Recorded forms of each message kind (tests/payloads) are stored as that kind."""

import uuid
from typing import Any

import pytest

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from omnichannel.conversations.models import AttachmentState, Contact, Message
from omnichannel.jobs.models import Lane
from tests import builders
from tests.webhook_client import load_payload, post_webhook, with_new_message_sid

pytestmark = pytest.mark.django_db


def receive_payload(number: WhatsAppNumber, name: str, **changed: Any) -> Message:
    """Post a recorded form and return the stored message."""
    assert post_webhook(number.account.inbound_url, load_payload(name, number, **changed)).status_code == 200
    delivery = WebhookDelivery.objects.latest("pk")
    assert (delivery.state, delivery.error) == (DeliveryState.APPLIED, "")
    return Message.objects.latest("pk")


def test_text_is_filed_with_its_emoji(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "text")
    assert (message.kind, message.body, message.status) == ("text", "Where is my parcel? 📦", "received")
    assert message.content == {"type": "text"}


def test_nul_bytes_are_removed(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "text_with_nul")
    assert message.body == "onetwo"
    assert message.conversation.contact.display_name == "Amara"
    assert "\x00" not in str(WebhookDelivery.objects.get().payload)


def test_several_media_are_queued_in_order(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "several_media")
    files = list(message.attachments.all())
    assert (message.kind, message.body) == ("media", "Three of them")
    assert [file.declared_type for file in files] == ["image/jpeg", "application/pdf", "audio/ogg"]
    assert {file.state for file in files} == {AttachmentState.PENDING}
    assert set(Lane.objects.filter(kind="media").values_list("key", flat=True)) == {file.pk for file in files}


@pytest.mark.parametrize("name", ["media_without_count", "media_counted_as_none", "voice"])
def test_media_is_filed_regardless_of_num_media(number: WhatsAppNumber, name: str) -> None:
    message = receive_payload(number, name)
    assert (message.kind, message.attachments.count()) == ("media", 1)


def test_a_file_is_not_fetched_where_customers_may_not_attach(number: WhatsAppNumber) -> None:
    number.customers_may_attach = False
    number.save()
    file = receive_payload(number, "voice").attachments.get()
    assert (file.state, file.error) == (
        AttachmentState.FAILED,
        "Attachments from customers are disabled for this number.",
    )
    assert not Lane.objects.filter(kind="media").exists()


def test_a_location_has_coordinates_a_label_and_an_address(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "location")
    assert message.kind == "location"
    place = {"latitude": 52.52, "longitude": 13.405, "label": "The shop", "address": "Unter den Linden 1, Berlin"}
    assert message.content["location"] == place


def test_a_location_needs_neither_label_nor_address(number: WhatsAppNumber) -> None:
    assert receive_payload(number, "location_bare").content["location"] == {"latitude": -33.8688, "longitude": 151.2093}


@pytest.mark.parametrize("latitude", ["north", "nan", "inf", "91", "", "1" * 400])
def test_location_with_invalid_coordinates_is_unsupported(number: WhatsAppNumber, latitude: str) -> None:
    assert receive_payload(number, "location_bare", Latitude=latitude).kind == "unsupported"


def test_a_contact_card_is_filed_as_one(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "contact_card")
    assert (message.kind, message.attachments.get().declared_type) == ("contacts", "text/vcard")


@pytest.mark.parametrize(
    ("name", "button"),
    [
        ("template_button", {"text": "Yes, please", "payload": "confirm-order-7"}),
        ("in_session_button", {"text": "Confirm", "payload": '{"order":7}'}),
    ],
)
def test_a_button_reply_has_the_shown_text_and_the_payload(number: WhatsAppNumber, name: str, button: Any) -> None:
    message = receive_payload(number, name)
    assert (message.kind, message.body, message.content["button"]) == ("button", button["text"], button)


def test_a_list_reply_has_the_shown_text_and_the_payload(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "list_reply")
    assert (message.kind, message.content["list"]) == ("list", {"title": "Tomorrow morning", "payload": "slot-2"})


def test_a_quoted_reply_points_at_the_quoted_message(number: WhatsAppNumber) -> None:
    first = receive_payload(number, "text")
    reply = builders.create_outbound_message(first.conversation, "Which one?")
    assert receive_payload(number, "quoted_reply", OriginalRepliedMessageSid=reply.twilio_sid).quoted == reply


def test_quote_of_an_unknown_message_is_plain_text(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "quoted_reply")
    assert (message.kind, message.quoted) == ("text", None)


def test_a_quote_never_shows_another_customers_message(number: WhatsAppNumber) -> None:
    others = builders.create_outbound_message(builders.create_conversation(number=number), "For somebody else")
    assert receive_payload(number, "quoted_reply", OriginalRepliedMessageSid=others.twilio_sid).quoted is None


def test_a_click_to_whatsapp_referral_is_kept(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "referral")
    assert message.content["referral"] == {
        "headline": "Garden chairs",
        "body": "Half price this week",
        "url": "https://fb.example/ad",
        "source": "ad",
        "source_id": "1234567890",
    }
    assert message.payload["ReferralCtwaClid"] == ["clid-1"]


@pytest.mark.parametrize(("name", "mark"), [("forwarded", "once"), ("forwarded_often", "often"), ("text", None)])
def test_a_forwarded_message_carries_its_mark(number: WhatsAppNumber, name: str, mark: str | None) -> None:
    assert receive_payload(number, name).content.get("forwarded") == mark


def test_unknown_kind_is_filed_as_unsupported(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "unsupported")
    assert (message.kind, message.body, message.content) == ("unsupported", "", {"type": "reaction"})


@pytest.mark.parametrize("name", ["InteractiveData", "FlowData"])
def test_answers_of_a_form_are_filed_as_text(number: WhatsAppNumber, name: str) -> None:
    answers = '{"rating": "5", "comment": "fast"}'
    message = receive_payload(number, "unsupported", MessageType="interactive", **{name: answers})
    assert (message.kind, message.body) == ("text", "rating: 5\ncomment: fast")
    assert message.payload[name] == [answers]


def test_answers_of_a_form_follow_the_text(number: WhatsAppNumber) -> None:
    both = {"InteractiveData": '{"rating": 5}', "FlowData": '{"rating": 5}'}
    message = receive_payload(number, "unsupported", Body="Sent", **both)
    assert message.body == "Sent\nrating: 5"


def test_button_and_list_replies_have_no_answers(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "list_reply", InteractiveData='{"id": "slot-2"}')
    assert (message.kind, "slot-2" in message.body) == ("list", False)


def test_text_that_cannot_be_seen_is_not_filed_as_text(number: WhatsAppNumber) -> None:
    assert receive_payload(number, "text", Body="\u3164\u200b").kind == "unsupported"


def test_reaction_with_its_emoji_is_filed_with_its_type(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "unsupported", Body="👍")
    assert (message.kind, message.body, message.content) == ("text", "👍", {"type": "reaction"})


def test_unknown_parameters_are_stored_with_the_message(number: WhatsAppNumber) -> None:
    message = receive_payload(number, "unknown_parameters")
    assert message.kind == "text"
    assert message.payload["MessageMood"] == ["curious"]
    assert message.payload["HoloUrl0"] == ["https://example.com/holo"]


@pytest.mark.parametrize("name", ["status_sent", "status_unknown_word"])
def test_a_status_is_never_filed_as_a_message(number: WhatsAppNumber, name: str) -> None:
    post_webhook(f"{number.account.status_url}{uuid.uuid4()}/", load_payload(name, number))
    assert not Message.objects.exists()


def test_an_unknown_status_is_stored_and_ignored(number: WhatsAppNumber) -> None:
    message = builders.create_outbound_message(
        builders.create_conversation(number=number), twilio_sid="SM000000000000000000000000000000e1"
    )
    answer = post_webhook(
        f"{number.account.status_url}{message.public_id}/", load_payload("status_unknown_word", number)
    )
    delivery = WebhookDelivery.objects.get()
    assert (answer.status_code, delivery.state) == (200, DeliveryState.IGNORED)
    assert "levitating" in delivery.error
    message.refresh_from_db()
    assert message.status == "sent"


@pytest.mark.parametrize(
    "changed",
    [
        {"Body": "x" * 70_000},
        {"ProfileName": "n" * 500},
        {"MediaUrl0": "https://api.twilio.com/" + "x" * 5000, "MediaContentType0": "y" * 500},
        {"OriginalRepliedMessageSid": "z" * 500},
        {"MessageType": "q" * 500, "ButtonText": "b" * 5000},
        {"Latitude": "1", "Longitude": "2", "Label": "l" * 5000},
        {"ExternalUserId": "whatsapp:" + "e" * 300},
    ],
)
def test_values_of_any_length_are_filed(number: WhatsAppNumber, changed: dict[str, str]) -> None:
    assert receive_payload(number, "text", **changed).pk


def test_message_kind_is_derived_from_its_fields_without_a_type(number: WhatsAppNumber) -> None:
    kinds = [
        receive_payload(number, name, MessageType=None).kind
        for name in ("text", "location", "voice", "template_button")
    ]
    assert kinds == ["text", "location", "media", "button"]


def test_both_message_sid_prefixes_are_accepted(number: WhatsAppNumber) -> None:
    post_webhook(number.account.inbound_url, with_new_message_sid(load_payload("text", number)))
    post_webhook(number.account.inbound_url, with_new_message_sid(load_payload("voice", number)))
    assert {message.twilio_sid[:2] for message in Message.objects.all()} == {"SM", "MM"}
    assert Contact.objects.count() == 1
