"""Messages in a word or a line: for the inbox, for quotes, for screen readers."""

import re
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, Message, MessageKind, MessageStatus

LONGEST_LINE = 160
AUTOMATIC = _("Automatic message")

FILE_WORDS = {"image": (_("Photo"), "photo"), "audio": (_("Voice message"), "mic"), "video": (_("Video"), "video")}
STATUS_WORDS = {
    MessageStatus.QUEUED: _("Waiting to be sent"),
    MessageStatus.SENDING: _("Sending"),
    MessageStatus.SENT: _("Sent"),
    MessageStatus.DELIVERED: _("Delivered"),
    MessageStatus.READ: _("Read"),
    MessageStatus.FAILED: _("Not delivered"),
    MessageStatus.UNDELIVERED: _("Not delivered"),
}


class Line(NamedTuple):
    """A message in a line: who wrote it, an icon's name, words."""

    who: str = ""
    icon: str = ""
    text: str = ""
    has_failed: bool = False


def file_word(content_type: str) -> tuple[str, str]:
    """What a file is called and its icon, by its type."""
    word, icon = FILE_WORDS.get(content_type.partition("/")[0], (_("Document"), "document"))
    return str(word), icon


def why_missing(error: str) -> str:
    """Why a file could not be fetched, as it was stored, in the reader's language; its number stays as it is."""
    if not error:
        return gettext("The file did not arrive.")
    number = re.search(r"\d+", error)
    if number is None:
        return gettext(error)
    return gettext(error.replace(number[0], "%(number)s")).replace("%(number)s", number[0])


def summary(message: Message, file_type: str) -> tuple[str, str]:
    """An icon's name and the message in a line."""
    body = " ".join(message.body.split())
    match message.kind:
        case MessageKind.TEXT:
            return "", body
        case MessageKind.MEDIA:
            word, icon = file_word(file_type)
            return icon, body or word
        case MessageKind.LOCATION:
            place = message.content.get("location", {})
            return "pin", place.get("label") or place.get("address") or gettext("Location")
        case MessageKind.CONTACTS:
            names = [person.get("name", "") for person in message.content.get("contacts", [])]
            return "contact", ", ".join(filter(None, names)) or gettext("Contact card")
        case MessageKind.BUTTON:
            return "reply", message.content.get("button", {}).get("text") or body or gettext("Button reply")
        case MessageKind.LIST:
            return "reply", message.content.get("list", {}).get("title") or body or gettext("List reply")
        case MessageKind.TEMPLATE:
            template = message.content.get("template", {})
            place = template.get("place") or {}
            return "template", body or place.get("label") or template.get("name") or gettext("Template")
        case MessageKind.UNSUPPORTED:
            return "unknown", gettext("Unsupported message")
    raise ValueError(f"There are no words for a message of kind {message.kind}.")


def author_name(message: Message, reader: User) -> str:
    """Who of the desk wrote it: `You`, a colleague's first name, or the desk itself; empty for the customer."""
    if message.is_inbound:
        return ""
    if message.author is None:
        return str(AUTOMATIC)
    return gettext("You") if message.author_id == reader.pk else message.author.first_name or message.author.username


def last_line(conversation: Conversation, reader: User) -> Line:
    """The last message of a conversation, whose `last_file_type` is its first file's type."""
    message = conversation.last_message
    if message is None:
        return Line(text=gettext("No messages yet"))
    icon, text = summary(message, getattr(conversation, "last_file_type", "") or "")
    return Line(author_name(message, reader), icon, text[:LONGEST_LINE], message.has_failed)
