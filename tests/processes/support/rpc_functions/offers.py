"""Offers, presences and messages of new customers."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from channels_whatsapp.models import WhatsAppNumber
from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Customer, Sender
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.models import (
    Conversation,
)
from routing.models import Agent, BasePresence
from routing.presence import get_built_in_presence
from tests import builders


def set_all_offline() -> None:
    """Set all agents to Offline."""
    Agent.objects.update(presence=get_built_in_presence(BasePresence.OFFLINE))


def create_waiting_conversation(name: str, text: str) -> int:
    """Create a conversation with a message and no agent."""
    with transaction.atomic():
        conversation = builders.create_conversation(
            number=WhatsAppNumber.objects.get(), contact=builders.create_contact(name)
        )
        builders.create_inbound_message(conversation, text)
        request_assignment()
    return conversation.pk


def create_offers(username: str, count: int, seconds: int = 110) -> None:
    """Offer new conversations to this user; the last of them end last."""
    agent = Agent.objects.get(user__username=username)
    with transaction.atomic():
        for index in range(count):
            conversation = builders.create_conversation(
                number=WhatsAppNumber.objects.first(), contact=builders.create_contact(f"Offered {index}")
            )
            builders.create_inbound_message(conversation, "My order 4711 never arrived and I have waited for two weeks")
            expires_at = timezone.now() + timedelta(seconds=seconds + index)
            Conversation.objects.filter(pk=conversation.pk).update(offered_to=agent, offer_expires_at=expires_at)


def set_offer_seconds(seconds: int) -> None:
    """Set the seconds to accept an offer; agents who miss one become Inactive."""
    builders.update_work_stream(offer_seconds=seconds, inactive_after_missed_offer=True)


def set_all_capacities(units: int) -> None:
    """Set the capacity of all agents."""
    Agent.objects.update(capacity=units)


def send_from_new_customer(name: str, text: str) -> None:
    """Send a message from a new customer's phone; it is delivered when the server runs."""
    inbound.receive_customer_message(factories.create_customer(name, "+4915112345678"), Sender.objects.get(), text)


def send_from_customer(index: int, text: str) -> None:
    """Send a message from one of the customers with phones."""
    inbound.receive_customer_message(Customer.objects.get(name=f"Customer {index}"), Sender.objects.get(), text)


def queue_name_of_customer(customer: str) -> str:
    """Return the name of the queue of the customer's conversation, or "" without one."""
    conversation = Conversation.objects.filter(contact__profile_name=customer).first()
    return conversation.queue.name if conversation else ""
