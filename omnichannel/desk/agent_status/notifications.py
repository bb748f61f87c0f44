"""What an agent is told of while they look elsewhere: messages of their customers, notes that mention them."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from django.db.models import Max
from django.shortcuts import resolve_url

from omnichannel.conversations.models import Conversation, Mention, Message, MessageDirection, Note
from omnichannel.desk.shared.message_preview import LONGEST_LINE, summary
from omnichannel.desk.shared.paging import whole_number
from routing.models import Agent

MOST: Final = 10


class Place(NamedTuple):
    """The last message and the last note that the page knows of."""

    message: int
    note: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The place that was written; None for anything else."""
        message, _, note = text.partition("~")
        return cls(whole_number(message), whole_number(note)) if _ else None

    @classmethod
    def now(cls) -> Self:
        """After everything there is."""
        newest = (model.objects.aggregate(newest=Max("pk"))["newest"] or 0 for model in (Message, Note))
        return cls(*newest)

    def __str__(self) -> str:
        return f"{self.message}~{self.note}"


@dataclass(frozen=True)
class News:
    """Something to tell: `message` or `mention`, in which conversation, by whom, in a line."""

    kind: str
    conversation: Conversation
    who: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """As the page reads it."""
        address = resolve_url("desk:conversation", pk=self.conversation.pk)
        text = self.text[:LONGEST_LINE]
        return {"kind": self.kind, "id": self.conversation.pk, "who": self.who, "text": text, "address": address}


def news_since(place: Place, agent: Agent) -> tuple[list[News], Place]:
    """The newest of what the agent has not been told of, oldest first, and where to go on from."""
    messages, mentions = _messages(place, agent), _mentions(place, agent)
    reached = Place(
        max([place.message, *(one.pk for one in messages)]), max([place.note, *(one.note_id for one in mentions)])
    )
    return [*map(_written, messages), *map(_mentioned, mentions)], reached


def _messages(place: Place, agent: Agent) -> list[Message]:
    theirs = Message.objects.filter(pk__gt=place.message, direction=MessageDirection.INBOUND, conversation__agent=agent)
    newest = theirs.select_related("conversation__contact").prefetch_related("attachments").order_by("-pk")
    return list(newest[:MOST])[::-1]


def _mentions(place: Place, agent: Agent) -> list[Mention]:
    meant = Mention.objects.filter(agent=agent, seen_at=None, note__gt=place.note)
    return list(meant.select_related("note__author", "note__conversation").order_by("-note")[:MOST])[::-1]


def _written(message: Message) -> News:
    files = [file.content_type or file.declared_type for file in message.attachments.all()]
    _, text = summary(message, files[0] if files else "")
    return News("message", message.conversation, message.conversation.contact.display_name, text)


def _mentioned(mention: Mention) -> News:
    note = mention.note
    return News("mention", note.conversation, note.author.display_name, note.text)
