"""The desk stores whatever the simulator's customers send, as a message and with all its parameters."""

from typing import Any

import pytest

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import ScheduledTask, Sender
from omnichannel.conversations.models import Message
from tests.webhook_client import post_webhook

pytestmark = pytest.mark.django_db

DOCUMENT = inbound.Attachment("Rechnung März.pdf", "application/pdf", b"%PDF-1.4")
PICTURE = inbound.Attachment("ad.jpg", "image/jpeg", b"\xff\xd8\xff")


@pytest.fixture
def sender(number: WhatsAppNumber) -> Sender:
    account = factories.create_account("Shop", number.account.account_sid, linked_portfolios="Group")
    return factories.create_sender(account, number.number, "Shop")


@pytest.mark.parametrize("address", ["+491511234567", "US.13491208655302741918"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"text": "hello?"},
        {"attachments": [DOCUMENT]},
        {"text": "look", "is_frequently_forwarded": True},
        {"text": "is it still there?", "ad": inbound.Ad("Lamps", picture=PICTURE)},
        {"location": inbound.SharedLocation("52.52", "13.405", "Café", "Hauptstraße 12")},
        {"contact": inbound.ContactCard("Amara", ("+491511111111",))},
        {"button_press": inbound.ButtonPress("Blue", "color-blue")},
        {"flow_answers": inbound.FlowAnswers({"size": "Large"})},
    ],
)
def test_every_kind_of_message_is_stored(
    number: WhatsAppNumber, sender: Sender, address: str, arguments: dict[str, Any]
) -> None:
    customer = factories.create_customer("Omar", address, username="omar.b")
    inbound.receive_customer_message(customer, sender, **arguments)
    params = ScheduledTask.objects.get().params
    assert post_webhook(number.account.inbound_url, params).status_code == 200
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.error) == (DeliveryState.APPLIED, "")
    assert {name: values[0] for name, values in delivery.payload.items()} == params
    assert Message.objects.get().conversation.contact.profile_name == "Omar"
