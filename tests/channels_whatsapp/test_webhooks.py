"""The door for Twilio."""

import pytest

from channels_whatsapp.models import DeliveryState, WebhookDelivery
from omnichannel.conversations.models import Conversation, Message
from tests import builders
from tests.door import deliver

pytestmark = pytest.mark.django_db


def test_a_customers_message_is_filed_and_answered_with_empty_twiml() -> None:
    number = builders.number()
    answer = deliver(number.account.inbound_url, builders.inbound_form(number))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml")
    assert answer.content.endswith(b"<Response/>")
    assert Message.objects.get().body == "Hello"
    assert Conversation.objects.get().contact.display_name == "Amara Diallo"
    assert WebhookDelivery.objects.get().state == DeliveryState.APPLIED
