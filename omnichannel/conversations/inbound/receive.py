"""Receive a customer's message: store it in its conversation."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_noop

from channels_whatsapp.events import InboundMessage
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.service_window import get_closing_time
from channels_whatsapp.webhooks.deliveries import IgnoredDeliveryError
from channels_whatsapp.webhooks.number_lookup import find_number
from omnichannel.conversations import timeline
from omnichannel.conversations.contacts import lookup, opt_out
from omnichannel.conversations.lanes import LaneKind, request_automated_message
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    Conversation,
    Message,
    MessageDirection,
    MessageStatus,
    MessageTrigger,
    TimelineEventKind,
)
from omnichannel.conversations.state_machine import resume_on_customer_message
from omnichannel.core.localized_text import localized
from omnichannel.jobs.lanes import enqueue
from routing.models import Queue

BLOCKED_REASON = "This customer is blocked."
ATTACHMENTS_DISABLED = gettext_noop("Attachments from customers are disabled for this number.")


def receive_message(account: WhatsAppAccount, inbound: InboundMessage, *, received_at: datetime) -> Message:
    """Store a customer's message and its pending files in the contact's open conversation or a new one.

    The caller holds the transaction.

    Args:
        account: the account the delivery came for.
        inbound: the parsed message.
        received_at: when the delivery arrived.

    Raises:
        IgnoredDeliveryError: the message is not for this desk, or the customer is blocked.
    """
    if not inbound.sender:
        raise IgnoredDeliveryError("The sender is not a WhatsApp address.")
    if not inbound.sid:
        raise IgnoredDeliveryError("The message SID is missing.")
    number = find_number(account, inbound)
    changed: Sequence[Conversation] = ()
    conversation = _find_open_conversation(number, inbound)
    if conversation is None:
        conversation, changed = _get_or_start_conversation(number, inbound, received_at)
    if conversation.contact.blocked_at:
        raise IgnoredDeliveryError(BLOCKED_REASON)  # rolls back the changes above; the delivery stays stored
    lookup.update_from_message(conversation.contact, inbound)
    message = Message.objects.create(
        conversation=conversation,
        direction=MessageDirection.INBOUND,
        kind=inbound.kind,
        body=inbound.body,
        content=inbound.content,
        status=MessageStatus.RECEIVED,
        twilio_sid=inbound.sid,
        payload=inbound.extra,
        quoted=_find_quoted_message(conversation, inbound),
        created_at=received_at,
    )
    _create_attachments(number, message, inbound)
    _update_activity(conversation, message, received_at)
    opt_out.apply_opt_out_word(conversation, message)
    resume_on_customer_message(conversation)
    for other in changed:
        publish_event(LiveEventKind.CONVERSATION, other)
    publish_event(LiveEventKind.MESSAGE, conversation, part_id=message.pk)
    return message


def _find_open_conversation(number: WhatsAppNumber, inbound: InboundMessage) -> Conversation | None:
    """Return the sender's open conversation, locked, if nothing about the sender's contact is new."""
    locked = Conversation.objects.select_for_update(of=("self",), no_key=True).select_related("contact")
    from_sender = locked.annotate_is_shared().filter(contact__in=lookup.find_sender_keys(number.account_id, inbound))
    has_known_ids = lookup.build_known_ids_filter(number.account_id, inbound, OuterRef("contact"))
    conversations = from_sender.filter(has_known_ids, number=number, closed_at=None)[:2]
    # Number and business-scoped id may belong to two contacts so far: `identify_sender` decides who wrote.
    is_unique = len(conversations) == 1 and lookup.has_sender_number(conversations[0].contact, inbound)
    return conversations[0] if is_unique else None


def _get_or_start_conversation(
    number: WhatsAppNumber, inbound: InboundMessage, at: datetime
) -> tuple[Conversation, Sequence[Conversation]]:
    """Return the sender's conversation, and those of others to publish because their timeline has changed."""
    sender = lookup.identify_sender(number.account_id, inbound)
    locked = sender.contact.conversations.select_for_update(of=("self",), no_key=True)
    existing = locked.filter(number=number, closed_at=None).first()
    conversation = existing or _start_conversation(number, sender.contact, at)
    if sender.has_taken_over_number:
        lookup.record_number_taken_over(conversation, inbound.sender)
    return conversation, sender.changed_conversations


def _start_conversation(number: WhatsAppNumber, contact: Contact, at: datetime) -> Conversation:
    stream = number.work_stream
    queue = stream.fallback_queue or Queue.objects.get_default()
    conversation = Conversation.objects.create(
        contact=contact,
        number=number,
        work_stream=stream,
        queue=queue,
        created_at=at,
        last_activity_at=at,
        **Conversation.objects.get_service_window(contact, number),
    )
    line = localized("Message received on %(number)s. Waiting in %(queue)s.", number=number.name, queue=queue)
    timeline.record(conversation, TimelineEventKind.CREATED, line, actor=None, at=at)
    enqueue(LaneKind.ROUTE, conversation.pk)
    request_automated_message(conversation, MessageTrigger.GREETING, at=at)
    return conversation


def _find_quoted_message(conversation: Conversation, inbound: InboundMessage) -> Message | None:
    if not inbound.quoted_sid:
        return None
    messages = Message.objects.filter(
        conversation__contact=conversation.contact_id, conversation__number=conversation.number_id
    )
    return messages.filter(twilio_sid=inbound.quoted_sid).first()


def _create_attachments(number: WhatsAppNumber, message: Message, inbound: InboundMessage) -> None:
    is_allowed = number.customers_may_attach
    attachments = [
        Attachment(
            message=message,
            position=position,
            source_url=item.url,
            name=item.name,
            declared_type=item.content_type,
            state=AttachmentState.PENDING if is_allowed else AttachmentState.FAILED,
            error="" if is_allowed else ATTACHMENTS_DISABLED,
        )
        for position, item in enumerate(inbound.media)
    ]
    for attachment in Attachment.objects.bulk_create(attachments):
        if is_allowed:
            enqueue(LaneKind.MEDIA, attachment.pk)


def _update_activity(conversation: Conversation, message: Message, received_at: datetime) -> None:
    """Update the last message, unread count and 24-hour window.

    The window counts from the latest message: one that is stored late never shortens it.
    """
    latest = max(received_at, conversation.last_inbound_at or received_at)
    is_latest = received_at >= conversation.last_activity_at or conversation.last_message_id is None
    Conversation.objects.filter(pk=conversation.pk).update(
        last_inbound_at=latest,
        window_closes_at=max(
            get_closing_time(received_at), conversation.window_closes_at or get_closing_time(received_at)
        ),
        unread_count=F("unread_count") + 1,
        last_message_id=message.pk if is_latest else conversation.last_message_id,
        last_activity_at=max(timezone.now(), conversation.last_activity_at),
    )
