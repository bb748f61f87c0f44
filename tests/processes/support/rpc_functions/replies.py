"""Customers with phones, replies, quick replies and templates."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from channels_whatsapp.models import WhatsAppNumber
from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.console.sample_templates import create_samples
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, Chat, Customer, Direction, FaultKind, Sender
from channels_whatsapp.simulator.models import Message as SimulatorMessage
from omnichannel.accounts.models import User
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Conversation,
    Message,
    MessageStatus,
    QuickReply,
)
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags
from omnichannel.first_administrator import get_setup_link
from omnichannel.jobs.models import JobSchedule, Lane
from omnichannel.roles import ADMINISTRATOR
from routing.agents import get_or_create_agent
from routing.models import Agent
from tests import builders


def create_customer_conversations(count: int) -> None:
    """Create customers with phones who have just written, each in a conversation with Dana."""
    dana = User.objects.get(username="dana").agent
    sender, number = Sender.objects.get(), WhatsAppNumber.objects.get()
    for place in range(count):
        address = f"whatsapp:+49151140{place:05d}"
        customer = factories.create_customer(f"Customer {place}", address)
        Chat.objects.create(customer=customer, sender=sender, last_inbound_at=timezone.now())
        builders.create_conversation(
            agent=dana, number=number, contact=builders.create_contact(customer.name, address=address)
        )


def send_replies(replies_per_customer: int) -> None:
    """Send each customer this many replies by Dana, each with its own text."""
    dana = User.objects.get(username="dana")
    for part in range(replies_per_customer):
        for conversation in Conversation.objects.order_by("pk"):
            send_reply(conversation, author=dana, text=f"{conversation.pk:05d}-{part:03d}")


def send_one_reply(index: int) -> None:
    """Send a reply by Dana to one customer; index 0 is the newest conversation."""
    conversation = Conversation.objects.order_by("-pk")[index]
    send_reply(conversation, author=User.objects.get(username="dana"), text="On its way.")


def reply_pickup_delays() -> list[float]:
    """Return the seconds each reply waited for a worker."""
    messages = Message.objects.filter(sending_since__isnull=False)
    return [
        (message.sending_since - message.created_at).total_seconds() for message in messages if message.sending_since
    ]


def set_fault(kind: str, *, is_on: bool = True, customer_count: int | None = None) -> None:
    """Switch a fault of the simulator on or off, for all or for this many customers."""
    for customer in [None] if customer_count is None else Customer.objects.all()[:customer_count]:
        inbound.set_fault(FaultKind(kind), customer=customer, is_enabled=is_on)


def count_reply_statuses() -> dict[str, int]:
    """Return the number of replies in each status; `unknown` counts those without a known outcome."""
    replies = Message.objects.filter(direction="outbound")
    counted = dict(replies.values_list("status").annotate(count=Count("pk")).values_list("status", "count"))
    unknown = replies.filter(status=MessageStatus.SENDING, twilio_sid="").count()
    return {**counted, "unknown": unknown, "lanes": Lane.objects.count()}


def list_replies() -> list[dict[str, Any]]:
    """Return all replies of the desk, the oldest first."""
    rows = Message.objects.filter(direction="outbound").order_by("pk")
    return [dict(row) for row in rows.values("body", "status", "twilio_sid", "error_code", "conversation_id")]


def list_twilio_messages() -> list[dict[str, Any]]:
    """Return all messages Twilio accepted from the desk, in that order."""
    rows = SimulatorMessage.objects.filter(direction=Direction.OUTBOUND).order_by("pk")
    return [dict(row) for row in rows.values("sid", "body", "status", "customer_id")]


def make_status_checks_due() -> None:
    """Make the status checks of messages without callbacks due."""
    long_ago = timezone.now() - timedelta(minutes=1)
    Message.objects.filter(check_status_at__isnull=False).update(check_status_at=long_ago)
    JobSchedule.objects.update(next_at=long_ago)


def count_delayed_replies() -> int:
    """Return the number of replies that wait because Twilio was busy."""
    return Message.objects.filter(status=MessageStatus.QUEUED, not_before__isnull=False).count()


def create_quick_replies() -> None:
    """Create shared quick replies in two languages."""
    for title, locale, tag, message in (
        ("Greeting", "en", "hello", "Hello {FullName{Customer}}, {FirstName{Agent}} here."),
        ("Begrüßung", "de", "hello", "Hallo {FullName{Customer}}, hier ist {FirstName{Agent}}."),
        ("Return label", "en", "returns", "The label is on its way, {LastName{Agent}}."),
    ):
        QuickReply.objects.create(title=title, locale=locale, message=message).tags.set(get_or_create_tags([tag]))


def is_typing_shown_to(name: str) -> bool:
    """Return whether the customer's phone shows the typing indicator."""
    return Chat.objects.filter(customer__name=name, typing_until__gt=timezone.now()).exists()


def reassign_all(username: str) -> None:
    """Assign all conversations to this user."""
    with transaction.atomic():
        for conversation in Conversation.objects.select_related("contact", "queue"):
            before = conversation.agent_id
            conversation.agent = Agent.objects.get(user__username=username)
            conversation.save(update_fields=["agent"])
            publish_event(LiveEventKind.CONVERSATION, conversation, extra_agent_ids=[before])


def create_team_member(name: str, role: str) -> None:
    """Create a user who signs in as `name` in small letters with the password "correct horse"."""
    person = builders.create_user(role, name, is_staff=role != "Agent")
    get_or_create_agent(person)


def set_administrators_active(*, are_active: bool) -> str | None:
    """Activate or deactivate all administrators; return the setup link, if there is one."""
    User.objects.filter(groups__name=ADMINISTRATOR).update(is_active=are_active)
    return get_setup_link()


def create_sample_templates() -> None:
    """Create templates of every kind in the Twilio Console."""
    create_samples(Account.objects.get())


def set_window_remaining(name: str, seconds: int) -> None:
    """Let the window close in this many seconds, without an event."""
    window_end = timezone.now() + timedelta(seconds=seconds)
    Conversation.objects.filter(contact__profile_name=name).update(window_closes_at=window_end)
