"""What an agent is told of while they look elsewhere: messages of their customers, notes that mention them."""

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
    """The last message and the last note that the page knows of."""

    message_id: int
    note_id: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The place that was written; None for anything else."""
        message, _, note = text.partition("~")
        return cls(parse_int_or_zero(message), parse_int_or_zero(note)) if _ else None

    @classmethod
    def latest(cls) -> Self:
        """After everything there is."""
        newest = (model.objects.aggregate(newest=Max("pk"))["newest"] or 0 for model in (Message, Note))
        return cls(*newest)

    def __str__(self) -> str:
        return f"{self.message_id}~{self.note_id}"


@dataclass(frozen=True)
class Notification:
    """Something to tell: `message` or `mention`, in which conversation, by whom, in a line."""

    kind: str
    conversation: Conversation
    sender_name: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """As the page reads it."""
        address = resolve_url("desk:conversation", pk=self.conversation.pk)
        text = self.text[:MAX_PREVIEW_LENGTH]
        return {
            "kind": self.kind,
            "id": self.conversation.pk,
            "sender_name": self.sender_name,
            "text": text,
            "address": address,
        }


def get_notifications_since(place: NotificationCursor, agent: Agent) -> tuple[list[Notification], NotificationCursor]:
    """The newest of what the agent has not been told of, oldest first, and where to go on from."""
    messages, mentions = _new_messages(place, agent), _new_mentions(place, agent)
    reached = NotificationCursor(
        max([place.message_id, *(one.pk for one in messages)]), max([place.note_id, *(one.note_id for one in mentions)])
    )
    return [*map(_message_notification, messages), *map(_mention_notification, mentions)], reached


def _new_messages(place: NotificationCursor, agent: Agent) -> list[Message]:
    theirs = Message.objects.filter(
        pk__gt=place.message_id, direction=MessageDirection.INBOUND, conversation__agent=agent
    )
    newest = theirs.select_related("conversation__contact").prefetch_related("attachments").order_by("-pk")
    return list(newest[:MAX_ITEMS])[::-1]


def _new_mentions(place: NotificationCursor, agent: Agent) -> list[Mention]:
    meant = Mention.objects.filter(agent=agent, seen_at=None, note__gt=place.note_id)
    return list(meant.select_related("note__author", "note__conversation").order_by("-note")[:MAX_ITEMS])[::-1]


def _message_notification(message: Message) -> Notification:
    files = [file.content_type or file.declared_type for file in message.attachments.all()]
    _, text = summarize_message(message, files[0] if files else "")
    return Notification("message", message.conversation, message.conversation.contact.display_name, text)


def _mention_notification(mention: Mention) -> Notification:
    note = mention.note
    return Notification("mention", note.conversation, note.author.display_name, note.text)
