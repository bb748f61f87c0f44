"""Long conversations, full inboxes and a returning customer."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.assignment.consult import invite_colleague
from omnichannel.conversations.lifecycle.close import close_conversation, end_conversation
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    Conversation,
    Label,
    Message,
    MessageStatus,
)
from omnichannel.events.publish import publish
from routing.models import Agent, BasePresence, ContactField, Queue, VariableType
from routing.presence import get_built_in_presence
from tests import builders
from tests.scenario import LAMP_PICTURE


def create_long_conversation(messages: int, unread: int = 0) -> int:
    """Create a conversation of Dana's with this many messages, the last one a picture."""
    dana = Agent.objects.get(user__username="dana")
    conversation = builders.create_conversation(agent=dana, number=WhatsAppNumber.objects.get())
    begin = timezone.now() - timedelta(seconds=messages)
    Message.objects.bulk_create(
        [
            Message(
                conversation=conversation,
                direction="outbound" if place % 2 else "inbound",
                author=dana.user if place % 2 else None,
                status=MessageStatus.READ if place % 2 else MessageStatus.RECEIVED,
                body=f"Message {place}: where is my order?",
                twilio_sid=builders.new_sid(),
                created_at=begin + timedelta(seconds=place),
            )
            for place in range(messages)
        ],
        batch_size=500,
    )
    conversation.last_message = conversation.messages.latest("created_at")
    conversation.unread_count = unread
    conversation.save()
    picture = Attachment(message=conversation.last_message, content_type="image/png", state=AttachmentState.STORED)
    picture.file.save("", ContentFile(LAMP_PICTURE.read_bytes()), save=True)
    return conversation.pk


def publish_unrelated_event(username: str) -> None:
    """Publish an event to this agent's pages that concerns none of them."""
    agent = Agent.objects.get(user__username=username)
    publish("typing", 0, topics=[f"agent:{agent.pk}"])


def create_waiting_conversations(conversations: int) -> None:
    """Create this many conversations without an agent, each with a message."""
    shop, now = WhatsAppNumber.objects.get(), timezone.now()
    begin = Contact.objects.count()
    addresses = [f"whatsapp:+49151{begin + place:08d}" for place in range(conversations)]
    contacts = Contact.objects.bulk_create(
        [Contact(address=at, identity=at, profile_name=f"Customer {place}") for place, at in enumerate(addresses)]
    )
    waiting = Conversation.objects.bulk_create(
        [
            Conversation(
                contact=item,
                number=shop,
                work_stream=shop.work_stream,
                queue=Queue.objects.get_default(),
                queued_at=now - timedelta(seconds=place),
                last_inbound_at=now,
                last_activity_at=now - timedelta(seconds=place),
                window_closes_at=now + timedelta(hours=24),
            )
            for place, item in enumerate(contacts)
        ]
    )
    messages = Message.objects.bulk_create(
        [
            Message(
                conversation=item,
                direction="inbound",
                status=MessageStatus.RECEIVED,
                body="Hi!",
                twilio_sid=builders.new_sid(),
            )
            for item in waiting
        ]
    )
    for item, message in zip(waiting, messages, strict=True):
        item.last_message = message
    Conversation.objects.bulk_update(waiting, ["last_message"], batch_size=200)


def create_returning_customer() -> int:
    """Create Amara with an earlier and a current conversation with Dana, and a second contact of hers."""
    number = WhatsAppNumber.objects.get()
    dana = Agent.objects.get(user__username="dana")
    amara = builders.create_contact("Amara Diallo", address="whatsapp:+4915111111111")
    ago = timezone.now() - timedelta(days=9)
    before = builders.create_conversation(
        contact=amara, number=number, agent=dana, state="closed", closed_at=ago, created_at=ago, last_inbound_at=ago
    )
    builders.create_inbound_message(before, "My lamp is broken", created_at=ago)
    before.notes.create(author=dana.user, text="Third lamp", created_at=ago)
    builders.create_inbound_message(
        builders.create_conversation(contact=amara, number=number, agent=dana), "It is me again"
    )
    at_work = builders.create_contact("Diallo Lamps Ltd", address="whatsapp:+4915122222222")
    builders.create_inbound_message(builders.create_conversation(contact=at_work, number=number), "An invoice, please")
    ContactField.objects.create(display_name="Customer number", name="customer_number", type=VariableType.NUMBER)
    return Conversation.objects.get(contact=amara, closed_at=None).pk


def consult_in_other_queue(colleague: str) -> None:
    """Move every conversation to a queue of its own and consult this colleague."""
    queue = Queue.objects.create(name="Own")
    Conversation.objects.update(queue=queue)
    Agent.objects.update(presence=get_built_in_presence(BasePresence.AVAILABLE))
    for conversation in Conversation.objects.filter(state="active"):
        assert conversation.agent
        invite_colleague(conversation, Agent.objects.get(user__username=colleague), agent=conversation.agent)


def close_active_conversations() -> None:
    """End and close all active conversations."""
    for conversation in Conversation.objects.filter(state="active"):
        assert conversation.agent
        end_conversation(conversation, conversation.agent)
        close_conversation(conversation, conversation.agent)


def create_labels(names: list[str]) -> None:
    """Create labels."""
    Label.objects.bulk_create(Label(name=name) for name in names)
