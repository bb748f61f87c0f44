"""Prepare a chat for the customer's phone, with each message's status at Twilio."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max
from django.urls import reverse
from django.utils import timezone

from channels_whatsapp.simulator.models import Chat, Customer, Media, Message, Sender, TaskKind
from channels_whatsapp.simulator.statuses import MessageStatus

MAX_MESSAGES = 200


@dataclass(frozen=True)
class BubbleFile:
    """A file in a bubble."""

    url: str
    kind: str  # image, audio, video, other
    name: str


@dataclass(frozen=True)
class Bubble:
    """A message in the chat, with its status and files."""

    message: Message
    tick: str  # waiting, sent, delivered, read, failed
    status_label: str  # the tick's meaning, for screen readers
    error: str
    files: list[BubbleFile]
    new_day: date | None

    @property
    def is_from_customer(self) -> bool:
        """Whether the phone's owner sent it."""
        return self.message.is_inbound

    @property
    def extra(self) -> dict[str, Any]:
        """The message's further parameters, by Twilio's names."""
        return dict(self.message.extra)

    @property
    def is_forwarded(self) -> bool:
        """Whether the message is marked as forwarded."""
        return "true" in (self.extra.get("Forwarded"), self.extra.get("FrequentlyForwarded"))

    @property
    def text(self) -> str:
        """The text; a document's name is shown with its file only."""
        names = [file.name for file in self.files]
        return "" if self.message.body in names else self.message.body

    @property
    def flow_answers(self) -> dict[str, Any]:
        """The answers of a form by their names; empty for other messages."""
        try:
            answers = json.loads(self.extra.get("FlowData", "{}"))
        except ValueError:
            answers = None
        if not isinstance(answers, dict):
            return {}
        return {name: value for name, value in answers.items() if name != "flow_token"}


STATUS_LABELS: dict[str, str] = {
    MessageStatus.ACCEPTED: "sending",
    MessageStatus.QUEUED: "sending",
    MessageStatus.SENDING: "sending",
    MessageStatus.SENT: "sent",
    MessageStatus.DELIVERED: "delivered",
    MessageStatus.READ: "read",
    MessageStatus.FAILED: "not delivered",
    MessageStatus.UNDELIVERED: "not delivered",
}
TICK_BY_STATUS: dict[str, str] = {
    MessageStatus.SENT: "sent",
    MessageStatus.DELIVERED: "delivered",
    MessageStatus.READ: "read",
    MessageStatus.FAILED: "failed",
    MessageStatus.UNDELIVERED: "failed",
}


def get_bubbles(customer: Customer, sender: Sender) -> list[Bubble]:
    """Return the latest messages of a chat, oldest first."""
    rows = Message.objects.filter(customer=customer, sender=sender).select_related("quoted", "account")
    newest = list(rows.prefetch_related("media", "tasks").order_by("-pk")[:MAX_MESSAGES])
    bubbles: list[Bubble] = []
    previous_day: date | None = None
    for message in reversed(newest):
        message_day = timezone.localdate(message.created_at)
        bubbles.append(_build_bubble(message, message_day if message_day != previous_day else None))
        previous_day = message_day
    return bubbles


def _build_bubble(message: Message, new_day: date | None) -> Bubble:
    error = next((task.error for task in message.tasks.all() if task.error), "")
    tick, label = _get_inbound_status(message, error) if message.is_inbound else _get_outbound_status(message)
    files = [_build_file(message, media) for media in message.media.all() if not media.is_from_ad]
    return Bubble(message, tick, label, error, files, new_day)


def _get_inbound_status(message: Message, error: str) -> tuple[str, str]:
    """Return tick and label of a customer's message: received by Twilio, by the desk, or read there."""
    if message.is_read_by_business:
        return "read", "read by an agent"
    webhooks = [task for task in message.tasks.all() if task.kind == TaskKind.INBOUND]
    if error:
        return "failed", "rejected by the desk"
    if any(webhook.http_status for webhook in webhooks):
        return "delivered", "delivered to the desk"
    return "sent", "sent"


def _get_outbound_status(message: Message) -> tuple[str, str]:
    return TICK_BY_STATUS.get(message.status, "waiting"), STATUS_LABELS.get(message.status, message.status)


def _build_file(message: Message, media: Media) -> BubbleFile:
    media_type = media.content_type.partition("/")[0]
    kind = media_type if media_type in {"image", "audio", "video"} else "other"
    url = reverse("simulator:cdn", args=[message.account.sid, media.sid, media.key])
    return BubbleFile(url, kind, media.filename or media.content_type)


def get_chat_version(customer: Customer, sender: Sender, now: datetime) -> str:
    """Return a text that changes whenever the chat would look different."""
    rows = Message.objects.filter(customer=customer, sender=sender)
    counts = rows.aggregate(messages=Count("pk"), latest=Max("updated_at"))
    latest = counts["latest"].timestamp() if counts["latest"] else 0
    return f"{counts['messages']}-{latest}-{int(is_typing(customer, sender, now))}"


def is_typing(customer: Customer, sender: Sender, now: datetime) -> bool:
    """Return whether the desk's typing indicator is shown now."""
    chat = Chat.objects.filter(customer=customer, sender=sender).first()
    return bool(chat and chat.typing_until and chat.typing_until > now)
