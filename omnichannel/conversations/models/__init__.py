"""The desk's nouns: customers, conversations and their timeline, messages and files."""

from omnichannel.conversations.models.automation import AutomatedMessage, Meaning, OptOutWord, Trigger
from omnichannel.conversations.models.contacts import Colour, Contact, ContactAddress, ContactMerge, Label
from omnichannel.conversations.models.conversations import (
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    DispositionCode,
    Mention,
    Note,
    Offer,
    OfferOutcome,
    Part,
    Participation,
    Priority,
    RequiredSkill,
)
from omnichannel.conversations.models.desk import DeskPreferences, QuickReply, QuickReplyTag, Viewer
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
    "Colour",
    "Contact",
    "ContactAddress",
    "ContactMerge",
    "Conversation",
    "ConversationEvent",
    "ConversationQuerySet",
    "DeskPreferences",
    "Direction",
    "DispositionCode",
    "FileState",
    "Kind",
    "Label",
    "Meaning",
    "Mention",
    "Message",
    "Note",
    "Offer",
    "OfferOutcome",
    "OptOutWord",
    "Part",
    "Participation",
    "Priority",
    "QuickReply",
    "QuickReplyTag",
    "RequiredSkill",
    "Status",
    "Trigger",
    "Viewer",
    "attachment_path",
]
