"""Offers, presences and messages of new customers."""

from django.db import transaction

from channels_whatsapp.models import WhatsAppNumber
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
    """All agents are Offline."""
    Agent.objects.update(presence=get_built_in_presence(BasePresence.OFFLINE))


def create_waiting_conversation(name: str, text: str) -> int:
    """A customer has written, and no agent has the conversation."""
    with transaction.atomic():
        conversation = builders.create_conversation(
            number=WhatsAppNumber.objects.get(), contact=builders.create_contact(name)
        )
        builders.create_inbound_message(conversation, text)
        request_assignment()
    return conversation.pk


def set_offer_seconds(seconds: int) -> None:
    """Agents have only so long to accept, and are Inactive when they did not."""
    builders.update_work_stream(offer_seconds=seconds, inactive_after_missed_offer=True)


def set_all_capacities(units: int) -> None:
    """No agent can take on more than this."""
    Agent.objects.update(capacity=units)


def send_from_new_customer(name: str, text: str) -> None:
    """A customer sends this to the shop from their phone; Twilio delivers it as soon as the server runs."""
    inbound.receive_customer_message(inbound.create_customer(name, "+4915112345678"), Sender.objects.get(), text)


def send_from_customer(index: int, text: str) -> None:
    """One of the customers with phones writes once more, through Twilio."""
    inbound.receive_customer_message(Customer.objects.get(name=f"Customer {index}"), Sender.objects.get(), text)


def queue_name_of_customer(customer: str) -> str:
    """The queue this customer's conversation is in; "" while there is none."""
    conversation = Conversation.objects.filter(contact__profile_name=customer).first()
    return conversation.queue.name if conversation else ""
