"""The labels and disposition codes of the demonstration's shop."""

from omnichannel.conversations.models import Colour, Conversation, DispositionCode, Label, Priority

LABELS = {
    "VIP": Colour.PURPLE,
    "Delivery": Colour.TEAL,
    "Damaged": Colour.RED,
    "Invoice": Colour.BLUE,
    "Wholesale": Colour.AMBER,
}
CODES = {
    "Solved": "The customer has what they asked for",
    "Refunded": "",
    "Sent a new one": "",
    "No answer": "The customer did not come back",
}


def create_words() -> None:
    """What conversations are sorted by."""
    Label.objects.bulk_create(Label(name=name, colour=colour) for name, colour in LABELS.items())
    DispositionCode.objects.bulk_create(DispositionCode(name=name, description=text) for name, text in CODES.items())


def sort_the_history() -> None:
    """Some of it is on the conversations that are there already."""
    for name, label, priority in [
        ("Amara Diallo", "Damaged", Priority.HIGH),
        ("Jonas Weber", "Invoice", Priority.NORMAL),
    ]:
        conversation = Conversation.objects.get(contact__profile_name=name)
        conversation.labels.add(Label.objects.get(name=label))
        Conversation.objects.filter(pk=conversation.pk).update(priority=priority)
