"""Messages of blocked customers are stored and shown to nobody."""

from typing import Any

import pytest

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from channels_whatsapp.webhooks.deliveries import retry_deliveries
from omnichannel.conversations.contacts.blocking import BlockContactError, block_contact, unblock_contact
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound.compose import BLOCKED_ERROR, ReplyError, send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import claim_lanes
from routing.models import Agent
from tests import builders
from tests.webhook_client import apply_deliveries, load_payload, post_webhook, with_new_message_sid

pytestmark = pytest.mark.django_db

PHONE_ADDRESS = "whatsapp:+4915112345678"


@pytest.fixture
def conversation(number: WhatsAppNumber, dana: Agent) -> Conversation:
    return builders.create_conversation(
        number=number, contact=builders.create_contact(address=PHONE_ADDRESS), agent=dana
    )


def receive_delivery_from_customer(number: WhatsAppNumber, **changed: Any) -> WebhookDelivery:
    form = with_new_message_sid(load_payload("text", number, From=PHONE_ADDRESS, **changed))
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    return WebhookDelivery.objects.get(fingerprint__endswith=form["MessageSid"])


def test_message_of_a_blocked_customer_is_stored_and_ignored(conversation: Conversation, dana: Agent) -> None:
    block_contact(conversation, by=dana.user)
    Event.objects.all().delete()
    delivery = receive_delivery_from_customer(conversation.number)
    assert delivery.state == DeliveryState.IGNORED
    assert "blocked" in delivery.error
    assert delivery.payload["Body"]
    conversation.refresh_from_db()
    assert (Message.objects.count(), conversation.unread_count, Event.objects.count()) == (0, 0, 0)


def test_a_blocked_customer_opens_no_conversation(number: WhatsAppNumber, conversation: Conversation) -> None:
    block_contact(conversation, by=builders.create_agent("Sue", role="Supervisor").user)
    Conversation.objects.update(state="closed", closed_at=conversation.created_at)
    for receiving_number in (number, builders.create_number(number.account)):
        assert receive_delivery_from_customer(receiving_number).state == DeliveryState.IGNORED
    assert Conversation.objects.count() == 1


def test_after_unblocking_new_messages_come_through_and_kept_ones_can_be_retried(
    conversation: Conversation, dana: Agent
) -> None:
    block_contact(conversation, by=dana.user)
    message = receive_delivery_from_customer(conversation.number, Body="Let me in")
    unblock_contact(conversation, by=dana.user)
    assert receive_delivery_from_customer(conversation.number, Body="Sorry").state == DeliveryState.APPLIED
    retry_deliveries([message.pk])
    apply_deliveries()
    assert set(Message.objects.values_list("body", flat=True)) == {"Let me in", "Sorry"}


def test_retry_while_blocked_stays_ignored(conversation: Conversation, dana: Agent) -> None:
    block_contact(conversation, by=dana.user)
    message = receive_delivery_from_customer(conversation.number)
    retry_deliveries([message.pk])
    apply_deliveries()
    message.refresh_from_db()
    assert (message.state, Message.objects.count()) == (DeliveryState.IGNORED, 0)


def test_blocking_is_in_the_timeline_with_who_did_it(conversation: Conversation, dana: Agent) -> None:
    block_contact(conversation, by=dana.user)
    block_contact(conversation, by=builders.create_agent("Sue", role="Supervisor").user)  # This step is done already.
    unblock_contact(conversation, by=dana.user)
    lines = conversation.events.values_list("kind", "text", "actor")
    dana_pk = dana.user.pk
    assert [(kind, str(line), actor) for kind, line, actor in lines] == [
        ("blocked", "Dana blocked this customer.", dana_pk),
        ("unblocked", "Dana unblocked this customer.", dana_pk),
    ]


def test_only_the_assigned_agent_or_a_supervisor_can_block(conversation: Conversation, dana: Agent) -> None:
    for user in (builders.create_agent("Omar").user, builders.create_user("", "Stranger")):
        with pytest.raises(BlockContactError):
            block_contact(conversation, by=user)
    assert Contact.objects.get().blocked_at is None
    for role in ("Supervisor", "Administrator"):
        somebody = builders.create_agent(role, role=role).user
        block_contact(conversation, by=somebody)
        assert Contact.objects.get().blocked_at is not None
        unblock_contact(conversation, by=somebody)


@pytest.mark.usefixtures("memory_backend")
def test_replies_to_a_blocked_customer_are_refused(conversation: Conversation, dana: Agent) -> None:
    queued = send_reply(conversation, author=dana.user, text="Hi")
    block_contact(conversation, by=dana.user)
    with pytest.raises(ReplyError) as refused:
        send_reply(conversation, author=dana.user, text="Hello?")
    assert (refused.value.code, refused.value.message) == ("blocked", BLOCKED_ERROR)
    [lease] = claim_lanes(["send"], 1)
    deliver_messages(lease)
    queued.refresh_from_db()
    assert (queued.status, queued.error_message) == ("failed", BLOCKED_ERROR)
