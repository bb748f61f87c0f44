"""Receive a customer's message: store it in its conversation."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import OuterRef
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
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.jobs.lanes import enqueue, enqueue_many
from routing.models import Queue

BLOCKED_REASON = "This customer is blocked."
# Fields that a message changes, see `advance_clocks`.
ACTIVITY_FIELDS = ("last_inbound_at", "window_closes_at", "unread_count", "last_message_id", "last_activity_at")
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
    if is_latest_inbound(conversation, received_at):
        lookup.update_from_message(conversation.contact, inbound)
    message = build_message(conversation, inbound, received_at)
    message.quoted = _find_quoted_message(conversation, inbound)
    message.save(force_insert=True)
    save_attachments(build_attachments(number, message, inbound))
    _update_activity(conversation, message)
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
    conversation = build_conversation(number, contact, queue, at)
    window = Conversation.objects.get_service_window(contact, number)
    conversation.last_inbound_at, conversation.window_closes_at = window["last_inbound_at"], window["window_closes_at"]
    conversation.save(force_insert=True)
    timeline.record(conversation, TimelineEventKind.CREATED, get_created_text(conversation), actor=None, at=at)
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


def _update_activity(conversation: Conversation, message: Message) -> None:
    last_message = Message.objects.filter(pk=conversation.last_message_id or 0).values_list("created_at", flat=True)
    advance_clocks(conversation, message.created_at)
    if is_latest_message(message.created_at, last_message.first()):
        conversation.last_message_id = message.pk
    values = {name: getattr(conversation, name) for name in ACTIVITY_FIELDS}
    Conversation.objects.filter(pk=conversation.pk).update(**values)


# -- What is the same for one message and for many ------------------------------------------------------------------


def build_conversation(number: WhatsAppNumber, contact: Contact, queue: Queue, at: datetime) -> Conversation:
    """Return a new conversation that a customer's message starts, not saved yet and without its service window."""
    return Conversation(
        contact=contact,
        number=number,
        work_stream=number.work_stream,
        queue=queue,
        created_at=at,
        last_activity_at=at,
    )


def get_created_text(conversation: Conversation) -> LocalizedText:
    """Return the first line of the timeline."""
    values = {"number": conversation.number.name, "queue": conversation.queue}
    return localized("Message received on %(number)s. Waiting in %(queue)s.", **values)


def build_message(conversation: Conversation, inbound: InboundMessage, received_at: datetime) -> Message:
    """Return the message as it is stored, without the message that it quotes."""
    return Message(
        conversation=conversation,
        direction=MessageDirection.INBOUND,
        kind=inbound.kind,
        body=inbound.body,
        content=inbound.content,
        status=MessageStatus.RECEIVED,
        twilio_sid=inbound.sid,
        payload=inbound.extra,
        created_at=received_at,
    )


def build_attachments(number: WhatsAppNumber, message: Message, inbound: InboundMessage) -> list[Attachment]:
    """Return the files of a message, which are to be fetched unless the number takes none."""
    is_allowed = number.customers_may_attach
    return [
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


def save_attachments(attachments: Sequence[Attachment]) -> None:
    """Store the files of messages, and let workers fetch those that are pending."""
    Attachment.objects.bulk_create(attachments)
    enqueue_many([(LaneKind.MEDIA, item.pk) for item in attachments if item.state == AttachmentState.PENDING])


def is_latest_inbound(conversation: Conversation, received_at: datetime) -> bool:
    """Return whether no later message of the customer is stored: only the latest one changes names and opt-out."""
    return conversation.last_inbound_at is None or received_at >= conversation.last_inbound_at


def is_latest_message(received_at: datetime, last_message_at: datetime | None) -> bool:
    """Return whether a message is the conversation's last one, which lists show.

    Args:
        received_at: when the message arrived.
        last_message_at: time of the conversation's last message so far; None if there is none.
    """
    return last_message_at is None or received_at >= last_message_at


def advance_clocks(conversation: Conversation, received_at: datetime) -> None:
    """Update the unread count, the 24-hour window and the last activity, without saving them.

    The window counts from the latest message: one that is stored late never shortens it.
    """
    closes_at = get_closing_time(received_at)
    conversation.last_inbound_at = max(received_at, conversation.last_inbound_at or received_at)
    conversation.window_closes_at = max(closes_at, conversation.window_closes_at or closes_at)
    conversation.unread_count += 1
    conversation.last_activity_at = max(timezone.now(), conversation.last_activity_at)
