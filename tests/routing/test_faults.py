"""Promise 4: a fault in the routing delays a message's assignment, never the message."""

import pytest
from django.utils import timezone

from channels_whatsapp.models import WebhookDelivery
from omnichannel.conversations.classification import classify
from omnichannel.conversations.distribution import hand_out
from omnichannel.conversations.models import Conversation, Message
from routing.models import WorkStream
from tests import builders
from tests.door import another, deliver, recorded

pytestmark = pytest.mark.django_db

NO_LIST = 5  # allowed presences no engine can make sense of: every decision fails


def test_while_every_decision_fails_messages_are_stored_and_afterwards_they_are_handed_out() -> None:
    dana, number = builders.agent("Dana"), builders.number()
    WorkStream.objects.update(allowed_presences=NO_LIST)
    first = recorded("text", number)
    for form in (first, another(first)):
        assert deliver(number.account.inbound_url, form).status_code == 200
        classify(Conversation.objects.get().pk)
        with pytest.raises(TypeError):
            hand_out(timezone.now())
    assert Message.objects.count() == 2
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"applied"}
    WorkStream.objects.update(allowed_presences=["available"])
    hand_out(timezone.now())
    assert Conversation.objects.get().offered_to == dana
