"""Inbound messages are matched to our numbers; messages to other numbers are stored and ignored."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from channels_whatsapp.phone_numbers import normalize_phone_number
from channels_whatsapp.webhooks.deliveries import retry_deliveries
from omnichannel.conversations.models import Message
from tests import builders
from tests.webhook_client import apply_deliveries, load_payload, post_webhook, with_new_message_sid

MESSAGING_SERVICE_SID = "MG00000000000000000000000000000001"


def ignored_reason(number: WhatsAppNumber, form: Any) -> str:
    """Return the reason for which the form is ignored."""
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    delivery = WebhookDelivery.objects.get()
    assert delivery.state == DeliveryState.IGNORED
    assert not Message.objects.exists()
    return delivery.error


@pytest.mark.parametrize("prefix", ["whatsapp:", "", "whatsapp: "])
def test_to_is_accepted_with_and_without_its_prefix(number: WhatsAppNumber, prefix: str) -> None:
    post_webhook(number.account.inbound_url, load_payload("text", number, To=f"{prefix}{number.number}"))
    assert Message.objects.get().conversation.number == number


def test_a_plus_that_was_lost_on_the_way_is_put_back(number: WhatsAppNumber) -> None:
    form = load_payload("text", number, To=f"whatsapp: {number.number[1:]}", From="whatsapp: 4915112345678")
    post_webhook(number.account.inbound_url, form)
    assert Message.objects.get().conversation.contact.address == "whatsapp:+4915112345678"


def test_missing_to_falls_back_to_the_messaging_service(number: WhatsAppNumber) -> None:
    builders.create_number(number.account)
    number.account.messaging_service_sid = MESSAGING_SERVICE_SID
    number.account.save()
    post_webhook(number.account.inbound_url, load_payload("messaging_service", number))
    assert Message.objects.get().conversation.number == number


def test_missing_to_falls_back_to_the_only_number(number: WhatsAppNumber) -> None:
    post_webhook(number.account.inbound_url, load_payload("messaging_service", number))
    assert Message.objects.get().conversation.number == number


def test_a_service_that_is_not_ours_is_ignored(number: WhatsAppNumber) -> None:
    builders.create_number(number.account)
    assert "Messaging Service" in ignored_reason(number, load_payload("messaging_service", number))


def test_a_number_that_is_not_ours_is_ignored(number: WhatsAppNumber) -> None:
    assert "has no number +14155559999" in ignored_reason(
        number, load_payload("text", number, To="whatsapp:+14155559999")
    )


def test_a_number_of_another_account_is_ignored(number: WhatsAppNumber) -> None:
    assert "has no number" in ignored_reason(number, load_payload("text", number, To=builders.create_number().address))


def test_another_channel_is_ignored(number: WhatsAppNumber) -> None:
    assert "WhatsApp address" in ignored_reason(number, load_payload("messenger", number))


def test_a_message_to_another_channel_is_ignored(number: WhatsAppNumber) -> None:
    assert "messenger" in ignored_reason(number, load_payload("text", number, To="messenger:1122334455"))


def test_an_sms_is_ignored(number: WhatsAppNumber) -> None:
    assert "WhatsApp address" in ignored_reason(
        number, load_payload("sms_of_the_same_account", number, To=number.number)
    )


@pytest.mark.parametrize("form", [{}, {"Body": "x"}, {"MessageSid": "", "From": "whatsapp:+1", "Body": "x"}])
def test_an_empty_form_and_one_without_any_id_are_ignored(number: WhatsAppNumber, form: Any) -> None:
    assert "SID" in ignored_reason(number, form)


@pytest.mark.parametrize("to", ["", "whatsapp:", "+", "whatsapp:abc", ":", "٤٩١٥١١", "1" * 500, "whatsapp:+1\x00"])
def test_odd_recipients_are_ignored(number: WhatsAppNumber, to: str) -> None:
    assert ignored_reason(number, load_payload("text", number, To=to))


@pytest.mark.parametrize("sender", ["", "whatsapp:", "whatsapp: ", "messenger:1", "+4915112345678"])
def test_odd_senders_are_ignored(number: WhatsAppNumber, sender: str) -> None:
    assert ignored_reason(number, load_payload("text", number, From=sender, WaId=""))


def test_a_message_without_from_is_filed_by_the_other_names_of_its_sender(number: WhatsAppNumber) -> None:
    post_webhook(number.account.inbound_url, with_new_message_sid(load_payload("text", number, From=None)))
    post_webhook(
        number.account.inbound_url, with_new_message_sid(load_payload("business_scoped_id", number, From=None))
    )
    addresses = [message.conversation.contact.address for message in Message.objects.order_by("pk")]
    assert addresses == ["whatsapp:+4915112345678", "whatsapp:US.13491208655302741918"]


@pytest.mark.parametrize("inactive_model", ["number", "account"])
def test_deliveries_while_deactivated_are_stored_and_applied_after_reactivation(
    number: WhatsAppNumber, inactive_model: str
) -> None:
    switched = number if inactive_model == "number" else number.account
    switched.is_active = False
    switched.save()
    assert "deactivated" in ignored_reason(number, load_payload("text", number))
    switched.is_active = True
    switched.save()
    delivery = WebhookDelivery.objects.get()
    assert (retry_deliveries([delivery.pk]), apply_deliveries()) == (1, 1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.APPLIED, "")
    assert Message.objects.get().created_at == delivery.received_at


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("123456989", "+123456989"),
        ("+1 (415) 523-8886", "+14155238886"),
        ("whatsapp:+14155238886", "+14155238886"),
        (" WhatsApp: +1.415.523.8886 ", "+14155238886"),
        ("+49 (0)30 123456", "+4930123456"),
        ("0049 (0) 30 / 12 34 56", "+4930123456"),
        ("+٤٩ ٣٠ ١٢٣٤٥٦", "+4930123456"),
        ("\u202a+49 151\u00a0123\u2011456\u202c", "+49151123456"),
    ],
)
def test_numbers_are_stored_as_plus_and_digits_however_typed(typed: str, stored: str) -> None:
    assert normalize_phone_number(typed) == stored


@given(st.text())
def test_any_text_is_a_number_or_refused_with_a_message(text: str) -> None:
    try:
        stored = normalize_phone_number(text)
    except ValidationError:
        return
    assert normalize_phone_number(stored) == stored
    assert stored[0] == "+"
    assert stored[1:].isdigit()
