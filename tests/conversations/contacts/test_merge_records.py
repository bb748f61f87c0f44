"""Merging two contacts keeps all records of both."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from omnichannel.conversations.assignment.consult import consulted_participations, invite_colleague
from omnichannel.conversations.contacts.merge_records import merge_contact_data
from omnichannel.conversations.models import Contact, Conversation
from omnichannel.conversations.notes import add_note
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.jobs.models import Lane
from tests import builders
from tests.webhook_client import load_payload, post_webhook

pytestmark = pytest.mark.django_db

PHONE_ADDRESS, SCOPED_ADDRESS = "whatsapp:+4915112345678", "whatsapp:US.13491208655302741918"


@pytest.fixture
def phone_contact() -> Contact:
    return builders.create_contact("Amara", address=PHONE_ADDRESS)


@pytest.fixture
def scoped_contact(number: WhatsAppNumber) -> Contact:
    own_id = SCOPED_ADDRESS.removeprefix("whatsapp:")
    return builders.create_contact("Amara", address=SCOPED_ADDRESS, account=number.account, business_scoped_id=own_id)


def receive_message_with_both_addresses(number: WhatsAppNumber) -> None:
    """Receive a message with a phone number and a business-scoped id."""
    form = load_payload("number_and_business_scoped_id", number)
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    assert WebhookDelivery.objects.get().state == DeliveryState.APPLIED
    assert Contact.objects.count() == 1


def test_merged_conversation_has_the_messages_of_both(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact
) -> None:
    for contact in (phone_contact, scoped_contact):
        builders.create_inbound_message(builders.create_conversation(number=number, contact=contact, unread_count=1))
    receive_message_with_both_addresses(number)
    conversation = Conversation.objects.get()
    assert (conversation.messages.count(), conversation.unread_count) == (3, 3)


@pytest.mark.parametrize("has_it", ["numbered", "scoped"])
def test_merged_conversation_keeps_the_agent(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact, has_it: str
) -> None:
    dana = builders.create_agent("Dana")
    for name, contact in (("numbered", phone_contact), ("scoped", scoped_contact)):
        builders.create_conversation(number=number, contact=contact, agent=dana if name == has_it else None)
    receive_message_with_both_addresses(number)
    conversation = Conversation.objects.get()
    assert (conversation.agent, conversation.state) == (dana, "active")
    assert conversation.contact.address == PHONE_ADDRESS


def test_queued_reply_of_the_removed_conversation_is_still_sent(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact
) -> None:
    dana = builders.create_agent("Dana")
    builders.create_conversation(number=number, contact=phone_contact, agent=builders.create_agent("Eli"))
    reply = send_reply(
        builders.create_conversation(number=number, contact=scoped_contact, agent=dana), author=dana.user, text="Hi"
    )
    receive_message_with_both_addresses(number)
    reply.refresh_from_db()
    assert Lane.objects.filter(kind="send", key=reply.conversation_id).exists()


def test_the_window_is_that_of_the_later_message(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact
) -> None:
    soon = timezone.now() + timedelta(minutes=5)  # The clocks of two servers differ.
    builders.create_conversation(number=number, contact=phone_contact)
    builders.create_conversation(number=number, contact=scoped_contact, last_inbound_at=soon)
    receive_message_with_both_addresses(number)
    assert Conversation.objects.get().last_inbound_at == soon


def test_the_name_a_person_gave_under_either_address_stays(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact
) -> None:
    Contact.objects.filter(pk=scoped_contact.pk).update(name="Amara Diallo")
    receive_message_with_both_addresses(number)
    assert Contact.objects.get().name == "Amara Diallo"


def test_data_known_under_either_address_is_kept(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact
) -> None:
    Contact.objects.filter(pk=phone_contact.pk).update(fields={"tier": "Gold"})
    Contact.objects.filter(pk=scoped_contact.pk).update(fields={"tier": "Silver", "seats": 4})
    builders.create_conversation(number=number, contact=phone_contact, context={"order": "A-17"})
    builders.create_conversation(number=number, contact=scoped_contact, context={"order": "B-2", "color": "red"})
    receive_message_with_both_addresses(number)
    assert Contact.objects.get().fields == {"tier": "Gold", "seats": 4}
    assert set(Conversation.objects.get().context) == {"order", "color"}


def test_conversations_on_other_numbers_and_closed_ones_move_too(
    number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact
) -> None:
    builders.create_conversation(number=builders.create_number(), contact=scoped_contact)
    builders.create_conversation(number=number, contact=scoped_contact, state="closed", closed_at=timezone.now())
    receive_message_with_both_addresses(number)
    assert Contact.objects.get().conversations.count() == 3


def test_timeline_records_the_merge(number: WhatsAppNumber, phone_contact: Contact, scoped_contact: Contact) -> None:
    for contact in (phone_contact, scoped_contact):
        builders.create_conversation(number=number, contact=contact)
    receive_message_with_both_addresses(number)
    assert Conversation.objects.get().events.filter(kind="conversations_joined").count() == 1


def test_participants_and_notes_move_too() -> None:
    dana, omar, paul = (builders.create_agent(name) for name in ("Dana", "Omar", "Paul"))
    target, source = (builders.create_conversation(agent=dana) for _ in range(2))
    for conversation, colleague in ((target, omar), (source, omar), (source, paul)):
        invite_colleague(conversation, colleague, agent=dana)
    add_note(source, dana.user, "@omar look")
    Conversation.objects.filter(pk=source.pk).update(number=target.number)
    with transaction.atomic():
        merge_contact_data(target.contact, source.contact)
    assert {str(participation.agent) for participation in consulted_participations(Conversation.objects.get())} == {
        "Omar",
        "Paul",
    }
    assert Conversation.objects.get().notes.get().mentions.get() == omar
