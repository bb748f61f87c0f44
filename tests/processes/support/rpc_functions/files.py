"""Files that customers send from their phones, and what becomes of them. The clerk is asked for it by name."""

from collections import Counter

from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Customer, Sender
from omnichannel.conversations.models import Attachment, Message
from tests.conversations.contacts.hostile_vcards import HOSTILE_VCARDS


def send_hostile_vcards() -> None:
    """The customers with phones take turns to send all hostile contact cards to the shop."""
    phones, sender = list(Customer.objects.order_by("pk")), Sender.objects.get()
    for place, (name, card) in enumerate(HOSTILE_VCARDS.items()):
        file = inbound.Attachment(f"{name}.vcf", "text/vcard", card)
        inbound.receive_customer_message(phones[place % len(phones)], sender, attachments=[file])


def count_files_by_state() -> dict[str, int]:
    """How many of the desk's files there are of each type in each state."""
    return dict(Counter(f"{file.content_type} {file.state}" for file in Attachment.objects.all()))


def list_file_sizes() -> list[int]:
    """How many bytes of each file are stored, the smallest first."""
    return sorted(file.file.size for file in Attachment.objects.all())


def has_message(text: str) -> bool:
    """Whether the desk has a message of this text."""
    return Message.objects.filter(body=text).exists()
