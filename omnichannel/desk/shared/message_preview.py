"""Summaries of messages in one line: for the inbox, for quotes and for screen readers."""

import re
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.message_types import describe_unsupported_message, get_heading
from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, Message, MessageKind, MessageStatus
from omnichannel.core.text.whatsapp_markup import remove_markup

MAX_PREVIEW_LENGTH = 160
MAX_SUMMARIZED_LENGTH = 1000  # characters of a body; nothing shows more in one line
AUTOMATED_MESSAGE_LABEL = _("Automated message")

FILE_LABELS = {"image": (_("Photo"), "photo"), "audio": (_("Voice message"), "mic"), "video": (_("Video"), "video")}
STATUS_LABELS = {
    MessageStatus.QUEUED: _("Waiting to send"),
    MessageStatus.SENDING: _("Sending"),
    MessageStatus.SENT: _("Sent"),
    MessageStatus.DELIVERED: _("Delivered"),
    MessageStatus.READ: _("Read"),
    MessageStatus.FAILED: _("Not delivered"),
    MessageStatus.UNDELIVERED: _("Not delivered"),
}


class MessagePreview(NamedTuple):
    """A message in one line: its author, the name of an icon and a text."""

    author: str = ""
    icon: str = ""
    text: str = ""
    has_failed: bool = False


def file_label_and_icon(content_type: str) -> tuple[str, str]:
    """Return the label of a file of this content type, and the name of its icon."""
    label, icon = FILE_LABELS.get(content_type.partition("/")[0], (_("Document"), "document"))
    return str(label), icon


def missing_file_reason(error: str) -> str:
    """Translate the stored reason why a file could not be downloaded; a number in it stays as it is."""
    if not error:
        return gettext("The file did not arrive.")
    number = re.search(r"\d+", error)
    if number is None:
        return gettext(error)
    return gettext(error.replace(number[0], "%(number)s")).replace("%(number)s", number[0])


def summarize_message(message: Message, file_type: str) -> tuple[str, str]:
    """Return the name of an icon and the message in one line.

    Args:
        file_type: The content type of the message's first file; empty without one.
    """
    body = " ".join(remove_markup(message.body.strip()[:MAX_SUMMARIZED_LENGTH]).split())
    match message.kind:
        case MessageKind.TEXT:
            heading = get_heading(message.content.get("type", ""))
            return "", f"{heading}: {body}" if heading else body
        case MessageKind.MEDIA:
            label, icon = file_label_and_icon(file_type)
            return icon, body or label
        case MessageKind.LOCATION:
            location = message.content.get("location", {})
            return "pin", location.get("label") or location.get("address") or gettext("Location")
        case MessageKind.CONTACTS:
            names = [person.get("name", "") for person in message.content.get("contacts", [])]
            return "contact", ", ".join(filter(None, names)) or gettext("Contact card")
        case MessageKind.BUTTON:
            return "reply", message.content.get("button", {}).get("text") or body or gettext("Button reply")
        case MessageKind.LIST:
            return "reply", message.content.get("list", {}).get("title") or body or gettext("List reply")
        case MessageKind.TEMPLATE:
            template = message.content.get("template", {})
            location = template.get("location") or {}
            return "template", body or location.get("label") or template.get("name") or gettext("Template")
        case MessageKind.UNSUPPORTED:
            return "unknown", describe_unsupported_message(message.content.get("type", ""))
    raise ValueError(f"No summary is defined for messages of kind {message.kind}.")


def author_label(message: Message, reader: User) -> str:
    """Return the author for this reader: "You", a colleague's first name or "Automated message".

    A customer's message has an empty label.
    """
    if message.is_inbound:
        return ""
    if message.author is None:
        return str(AUTOMATED_MESSAGE_LABEL)
    return gettext("You") if message.author_id == reader.pk else message.author.first_name or message.author.username


def preview_last_message(conversation: Conversation, reader: User) -> MessagePreview:
    """Return the preview of a conversation's last message.

    Args:
        conversation: Annotated with `last_file_type`, the content type of the last message's first file.
    """
    message = conversation.last_message
    if message is None:
        return MessagePreview(text=gettext("No messages yet"))
    icon, text = summarize_message(message, getattr(conversation, "last_file_type", "") or "")
    return MessagePreview(author_label(message, reader), icon, text[:MAX_PREVIEW_LENGTH], message.has_failed)
