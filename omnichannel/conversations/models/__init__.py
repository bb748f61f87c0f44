"""The desk's nouns: customers, conversations and their timeline, messages and files."""

from omnichannel.conversations.models.automation import AutomatedMessage, Meaning, OptOutWord, Trigger
from omnichannel.conversations.models.contacts import Contact
from omnichannel.conversations.models.conversations import (
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    Mention,
    Note,
    Offer,
    OfferOutcome,
    Part,
    Participation,
    RequiredSkill,
)
from omnichannel.conversations.models.messages import (
    Attachment,
    Direction,
    FileState,
    Kind,
    Message,
    Status,
    attachment_path,
)

__all__ = [
    "Attachment",
    "AutomatedMessage",
    "Contact",
    "Conversation",
    "ConversationEvent",
    "ConversationQuerySet",
    "Direction",
    "FileState",
    "Kind",
    "Meaning",
    "Mention",
    "Message",
    "Note",
    "Offer",
    "OfferOutcome",
    "OptOutWord",
    "Part",
    "Participation",
    "RequiredSkill",
    "Status",
    "Trigger",
    "attachment_path",
]
