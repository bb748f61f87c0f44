"""Files that customers send, and their state."""

from collections import Counter

from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Customer, Sender
from omnichannel.conversations.models import Attachment, Message
from tests.conversations.contacts.hostile_vcards import HOSTILE_VCARDS


def send_hostile_vcards() -> None:
    """Send all hostile contact cards to the shop, from the customers in turn."""
    phones, sender = list(Customer.objects.order_by("pk")), Sender.objects.get()
    for place, (name, card) in enumerate(HOSTILE_VCARDS.items()):
        file = inbound.Attachment(f"{name}.vcf", "text/vcard", card)
        inbound.receive_customer_message(phones[place % len(phones)], sender, attachments=[file])


def count_files_by_state() -> dict[str, int]:
    """Return the number of files of each type and state."""
    return dict(Counter(f"{file.content_type} {file.state}" for file in Attachment.objects.all()))


def list_file_sizes() -> list[int]:
    """Return the sizes of all stored files in bytes, the smallest first."""
    return sorted(file.file.size for file in Attachment.objects.all())


def has_message(text: str) -> bool:
    """Return whether a message with this text exists."""
    return Message.objects.filter(body=text).exists()
