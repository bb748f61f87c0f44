"""Labels and disposition codes of the demonstration shop."""

from omnichannel.conversations.models import Conversation, DispositionCode, Label, LabelColor, Priority

LABELS = {
    "VIP": LabelColor.PURPLE,
    "Delivery": LabelColor.TEAL,
    "Damaged": LabelColor.RED,
    "Invoice": LabelColor.BLUE,
    "Wholesale": LabelColor.AMBER,
}
DISPOSITION_CODES = {
    "Solved": "The customer has what they asked for",
    "Refunded": "",
    "Sent a new one": "",
    "No answer": "The customer did not come back",
}


def create_labels_and_codes() -> None:
    """Create the labels and disposition codes."""
    Label.objects.bulk_create(Label(name=name, color=color) for name, color in LABELS.items())
    DispositionCode.objects.bulk_create(
        DispositionCode(name=name, description=text) for name, text in DISPOSITION_CODES.items()
    )


def label_history() -> None:
    """Add labels and priorities to the conversations of the history."""
    for name, label, priority in [
        ("Amara Diallo", "Damaged", Priority.HIGH),
        ("Jonas Weber", "Invoice", Priority.NORMAL),
    ]:
        conversation = Conversation.objects.get(contact__profile_name=name)
        conversation.labels.add(Label.objects.get(name=label))
        Conversation.objects.filter(pk=conversation.pk).update(priority=priority)
