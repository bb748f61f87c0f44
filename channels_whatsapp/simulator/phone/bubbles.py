"""A chat as the customer's phone shows it, with what Twilio knows of each message beside it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max
from django.urls import reverse

from channels_whatsapp.simulator.models import Chat, Customer, Media, Message, Sender, TaskKind

MAX_MESSAGES = 200


@dataclass(frozen=True)
class BubbleFile:
    """A file in a bubble."""

    url: str
    kind: str  # image, audio, video, other
    name: str


@dataclass(frozen=True)
class Bubble:
    """One message: whose it is, what it shows, and how far it came."""

    message: Message
    tick: str  # waiting, sent, delivered, read, failed
    status_label: str  # the same for people who don't see ticks
    error: str
    files: list[BubbleFile]
    new_day: date | None

    @property
    def is_from_customer(self) -> bool:
        """Whether the phone's owner wrote it."""
        return self.message.is_inbound

    @property
    def extra(self) -> dict[str, Any]:
        """What came with it beyond text and files, under Twilio's names."""
        return dict(self.message.extra)

    @property
    def is_forwarded(self) -> bool:
        """Whether it carries the forwarded mark."""
        return self.extra.get("Forwarded") == "true"


STATUS_LABELS = {
    "accepted": "on its way",
    "queued": "on its way",
    "sending": "on its way",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "not delivered",
    "undelivered": "not delivered",
}
TICK_BY_STATUS = {"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed"}


def get_bubbles(customer: Customer, sender: Sender) -> list[Bubble]:
    """The latest messages of a chat, oldest first."""
    rows = Message.objects.filter(customer=customer, sender=sender).select_related("quoted", "account")
    newest = list(rows.prefetch_related("media", "errands").order_by("-pk")[:MAX_MESSAGES])
    bubbles: list[Bubble] = []
    day: date | None = None
    for message in reversed(newest):
        today = message.created_at.date()
        bubbles.append(_build_bubble(message, today if today != day else None))
        day = today
    return bubbles


def _build_bubble(message: Message, new_day: date | None) -> Bubble:
    error = next((errand.error for errand in message.errands.all() if errand.error), "")
    tick, words = _get_inbound_status(message, error) if message.is_inbound else _get_outbound_status(message)
    return Bubble(message, tick, words, error, [_build_file(message, media) for media in message.media.all()], new_day)


def _get_inbound_status(message: Message, complaint: str) -> tuple[str, str]:
    """How far the customer's message came: to Twilio, to the desk, before somebody's eyes."""
    if message.is_read_by_business:
        return "read", "read by the desk"
    webhooks = [errand for errand in message.errands.all() if errand.kind == TaskKind.INBOUND]
    if complaint:
        return "failed", "the desk did not take it"
    if any(errand.http_status for errand in webhooks):
        return "delivered", "delivered to the desk"
    return "sent", "sent"


def _get_outbound_status(message: Message) -> tuple[str, str]:
    return TICK_BY_STATUS.get(message.status, "waiting"), STATUS_LABELS.get(message.status, message.status)


def _build_file(message: Message, media: Media) -> BubbleFile:
    major = media.content_type.partition("/")[0]
    kind = major if major in {"image", "audio", "video"} else "other"
    url = reverse("simulator:cdn", args=[message.account.sid, media.sid, media.key])
    return BubbleFile(url, kind, media.filename or media.content_type)


def get_chat_version(customer: Customer, sender: Sender, now: datetime) -> str:
    """Changes whenever the chat would look different."""
    rows = Message.objects.filter(customer=customer, sender=sender)
    counted = rows.aggregate(messages=Count("pk"), latest=Max("updated_at"))
    latest = counted["latest"].timestamp() if counted["latest"] else 0
    return f"{counted['messages']}-{latest}-{int(is_typing(customer, sender, now))}"


def is_typing(customer: Customer, sender: Sender, now: datetime) -> bool:
    """Whether the desk is writing, or was a moment ago and has not answered since."""
    chat = Chat.objects.filter(customer=customer, sender=sender).first()
    return bool(chat and chat.typing_until and chat.typing_until > now)
