"""Notifications for an agent whose desk is in the background: messages and mentions in notes."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from django.db.models import Max
from django.shortcuts import resolve_url

from omnichannel.conversations.models import Conversation, Mention, Message, MessageDirection, Note
from omnichannel.desk.shared.message_preview import MAX_PREVIEW_LENGTH, summarize_message
from omnichannel.desk.shared.paging import parse_int_or_zero
from routing.models import Agent

MAX_ITEMS: Final = 10


class NotificationCursor(NamedTuple):
    """The last message and the last note that the page knows."""

    message_id: int
    note_id: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor in the text; None for anything else."""
        message, separator, note = text.partition("~")
        return cls(parse_int_or_zero(message), parse_int_or_zero(note)) if separator else None

    @classmethod
    def latest(cls) -> Self:
        """Return the cursor after all messages and notes."""
        newest = (model.objects.aggregate(newest=Max("pk"))["newest"] or 0 for model in (Message, Note))
        return cls(*newest)

    def __str__(self) -> str:
        return f"{self.message_id}~{self.note_id}"


@dataclass(frozen=True)
class Notification:
    """A notification in one line.

    Attributes:
        kind: `message` or `mention`.
    """

    kind: str
    conversation: Conversation
    sender_name: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object for the page's script."""
        url = resolve_url("desk:conversation", pk=self.conversation.pk)
        text = self.text[:MAX_PREVIEW_LENGTH]
        return {
            "kind": self.kind,
            "id": self.conversation.pk,
            "sender_name": self.sender_name,
            "text": text,
            "url": url,
        }


def get_notifications_since(cursor: NotificationCursor, agent: Agent) -> tuple[list[Notification], NotificationCursor]:
    """Return the agent's newest notifications after the cursor, oldest first, and the next cursor.

    There are at most MAX_ITEMS of messages and of mentions each.
    """
    messages, mentions = _new_messages(cursor, agent), _new_mentions(cursor, agent)
    next_cursor = NotificationCursor(
        max([cursor.message_id, *(message.pk for message in messages)]),
        max([cursor.note_id, *(mention.note_id for mention in mentions)]),
    )
    return [*map(_message_notification, messages), *map(_mention_notification, mentions)], next_cursor


def _new_messages(cursor: NotificationCursor, agent: Agent) -> list[Message]:
    messages = Message.objects.filter(
        pk__gt=cursor.message_id, direction=MessageDirection.INBOUND, conversation__agent=agent
    )
    newest = messages.select_related("conversation__contact").prefetch_related("attachments").order_by("-pk")
    return list(newest[:MAX_ITEMS])[::-1]


def _new_mentions(cursor: NotificationCursor, agent: Agent) -> list[Mention]:
    mentions = Mention.objects.filter(agent=agent, seen_at=None, note__gt=cursor.note_id)
    return list(mentions.select_related("note__author", "note__conversation").order_by("-note")[:MAX_ITEMS])[::-1]


def _message_notification(message: Message) -> Notification:
    files = [file.content_type or file.declared_type for file in message.attachments.all()]
    _, text = summarize_message(message, files[0] if files else "")
    return Notification("message", message.conversation, message.conversation.contact.display_name, text)


def _mention_notification(mention: Mention) -> Notification:
    note = mention.note
    return Notification("mention", note.conversation, note.author.display_name, note.text)
