"""Changes of conversations that are open on a page."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Conversation,
    ConversationEvent,
    Message,
    MessageStatus,
    TimelineEventKind,
)
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import Agent, QueueMembership
from tests import builders


def move_all_to_queue(queue_name: str, *, usernames: list[str]) -> None:
    """Move all conversations to a new queue with only these members."""
    queue = builders.create_queue(queue_name)
    for agent in Agent.objects.filter(user__username__in=usernames):
        QueueMembership.objects.create(queue=queue, agent=agent)
    Conversation.objects.update(queue=queue)


def create_customer_message(index: int, text: str) -> int:
    """Create a message of one of Dana's customers and return its id; no server is needed."""
    conversation = Conversation.objects.get(contact__profile_name=f"Customer {index}")
    with transaction.atomic():
        message = builders.create_inbound_message(conversation, text)
        Conversation.objects.filter(pk=conversation.pk).update(unread_count=F("unread_count") + 1)
        publish_event(LiveEventKind.MESSAGE, conversation, part_id=message.pk)
    return message.pk


def mark_last_reply_read() -> None:
    """Set the status of the last reply to read."""
    reply = Message.objects.filter(direction="outbound").latest("pk")
    with transaction.atomic():
        Message.objects.filter(pk=reply.pk).update(status=MessageStatus.READ, updated_at=timezone.now())
        publish_event(LiveEventKind.MESSAGE, reply.conversation, part_id=reply.pk)


def record_offer_with_details() -> None:
    """Add an event with details to the conversation of Dana's first customer."""
    conversation = Conversation.objects.order_by("pk")[0]
    with transaction.atomic():
        ConversationEvent.objects.create(
            conversation=conversation,
            kind=TimelineEventKind.OFFERED,
            text=localized("Offered to %(agent)s (%(why)s)", agent="Dana", why=localized("only agent available")),
            details=localized("%(free)s units free", free=40),
        )
        publish_event(LiveEventKind.CONVERSATION, conversation)


def create_message_history(messages: int) -> list[int]:
    """Create messages of Dana's first customer, the last quoting the first, and events; return the message ids."""
    conversation, now = Conversation.objects.order_by("pk")[0], timezone.now()
    history = [
        Message(
            conversation=conversation,
            direction="inbound",
            status=MessageStatus.RECEIVED,
            body=f"message {place}.",
            created_at=now - timedelta(minutes=messages - place),
            updated_at=now - timedelta(minutes=messages - place),
        )
        for place in range(messages)
    ]
    pks = [message.pk for message in Message.objects.bulk_create(history)]
    Message.objects.filter(pk=pks[-1]).update(quoted=pks[0])
    Conversation.objects.filter(pk=conversation.pk).update(last_message=pks[-1])
    for place in range(5):
        conversation.events.create(kind="note", text=LocalizedText(f"Event {place}."))
    return pks
