"""A customer's day is skipped, for the simulator."""

from datetime import timedelta

import pytest
from django.utils import timezone

from omnichannel.conversations.models import Contact, Conversation
from omnichannel.demo.time_shift import backdate_conversations
from routing.models import State
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["whatsapp:+4915112345678", "whatsapp:US.1"])
def test_all_windows_of_the_customer_end_a_day_later(address: str) -> None:
    number = builders.create_number()
    contact = builders.create_contact(address=address, account=number.account, business_scoped_id="US.1")
    other = builders.create_conversation(number=number)
    builders.create_conversation(number=number, contact=contact, state=State.CLOSED, closed_at=timezone.now())
    builders.create_inbound_message(builders.create_conversation(number=number, contact=contact))
    backdate_conversations(address)
    own = Conversation.objects.filter(contact=Contact.objects.get(pk=contact.pk))
    assert [conversation.window_is_open for conversation in own] == [False, False]
    open_one = own.get(closed_at=None)
    assert open_one.messages.get().created_at < timezone.now() - timedelta(hours=24)
    other.refresh_from_db()
    assert other.window_is_open
