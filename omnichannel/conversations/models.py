"""Customers, conversations, messages, files, and the timeline."""

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from channels_whatsapp.identity import shown_address
from channels_whatsapp.models import WhatsAppNumber
from channels_whatsapp.service_window import is_inside
from routing.models import Routable, RoutableQuerySet, State


class Contact(models.Model):
    """A customer. One row holds the phone number and the business-scoped id of the same person."""

    name = models.CharField(max_length=200, blank=True, default="", help_text="Given by a person; empty until then.")
    profile_name = models.CharField(max_length=200, blank=True, default="")
    # Where answers go, in the spelling the customer last wrote from.
    address = models.CharField(max_length=140)
    # The same for every spelling of one number; see channels_whatsapp.identity.
    identity = models.CharField(max_length=140, unique=True)
    external_user_id = models.CharField(max_length=140, blank=True, default="")
    opted_out_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "profile_name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_user_id"],
                condition=~Q(external_user_id=""),
                name="one_contact_per_external_user_id",
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The name a person gave, else the profile name, else the number."""
        return self.name or self.profile_name or self.number

    @property
    def number(self) -> str:
        """The phone number as people write it, or the business-scoped id."""
        return shown_address(self.address)


class ConversationQuerySet(RoutableQuerySet["Conversation"]):
    def for_inbox(self) -> Self:
        """With everything an inbox row shows."""
        return self.select_related("contact", "number", "queue", "agent__user", "last_message")


class Conversation(Routable):
    """What a customer and the desk say to each other on one number, until it is closed."""

    number = models.ForeignKey(WhatsAppNumber, models.PROTECT, related_name="conversations")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="conversations")
    closed_at = models.DateTimeField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    window_closes_at = models.DateTimeField(null=True)
    unread_count = models.PositiveIntegerField(default=0)
    last_message = models.ForeignKey("Message", models.SET_NULL, related_name="+", null=True)
    last_activity_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta(Routable.Meta):
        abstract = False
        ordering = ["-last_activity_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *Routable.Meta.constraints,
            models.UniqueConstraint(
                fields=["contact", "number"],
                condition=Q(closed_at=None),
                name="one_open_conversation_per_contact_and_number",
            ),
            models.CheckConstraint(
                condition=Q(state=State.CLOSED, closed_at__isnull=False)
                | (~Q(state=State.CLOSED) & Q(closed_at__isnull=True)),
                name="closed_conversations_say_when",
            ),
        ]
        indexes = [
            # The inbox of an agent, and the open work of a queue, newest first.
            models.Index(fields=["agent", "state", "-last_activity_at"], name="inbox_of_an_agent"),
            models.Index(fields=["queue", "state", "-last_activity_at"], name="inbox_of_a_queue"),
            # The sweep that closes what has stood still.
            models.Index(fields=["state", "state_since"], name="conversations_by_time_in_state"),
        ]
        permissions = [
            ("work_on_conversations", "Can take, answer, end and close conversations"),
            ("see_all_conversations", "Can see every conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} on {self.number}"

    @property
    def window_is_open(self) -> bool:
        """Whether free text and media may still be sent to the customer."""
        return is_inside(self.window_closes_at, at=timezone.now())


class Direction(models.TextChoices):
    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"


class Kind(models.TextChoices):
    """What a message is shown as; details are in `content`."""

    TEXT = "text", "Text"
    MEDIA = "media", "Media"
    LOCATION = "location", "Location"
    CONTACTS = "contacts", "Contact card"
    BUTTON = "button", "Button reply"
    LIST = "list", "List reply"
    UNSUPPORTED = "unsupported", "Unsupported message"


class Status(models.TextChoices):
    """What became of a message. A customer's message is `received` and stays so."""

    RECEIVED = "received", "Received"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    UNDELIVERED = "undelivered", "Undelivered"


class Message(models.Model):
    """One message, either way."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    direction = models.CharField(max_length=10, choices=Direction)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.TEXT)
    body = models.TextField(blank=True, default="")
    # What the kind shows: location, contacts, button, list, referral, forwarded.
    content = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=Status)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    twilio_sid = models.CharField(max_length=34, blank=True, default="")
    error_code = models.PositiveIntegerField(null=True)
    error_message = models.TextField(blank=True, default="")
    payload = models.JSONField(default=dict)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="messages", null=True)
    quoted = models.ForeignKey("self", models.SET_NULL, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    # Sending: who claimed it, when and for which address; when to try again; when to ask Twilio what became of it.
    send_token = models.UUIDField(null=True)
    sending_since = models.DateTimeField(null=True)
    sent_to = models.CharField(max_length=140, blank=True, default="")
    send_attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    check_status_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["twilio_sid"], condition=~Q(twilio_sid=""), name="one_message_per_sid"),
            models.CheckConstraint(
                condition=Q(direction=Direction.INBOUND, status=Status.RECEIVED)
                | (Q(direction=Direction.OUTBOUND) & ~Q(status=Status.RECEIVED)),
                name="only_customers_messages_are_received",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "created_at", "id"], name="messages_in_order"),
            models.Index(fields=["conversation", "updated_at"], name="messages_changed_lately"),
            models.Index(
                fields=["conversation", "id"],
                condition=Q(status__in=("queued", "sending")),
                name="messages_to_send",
            ),
            models.Index(
                fields=["check_status_at"],
                condition=Q(check_status_at__isnull=False),
                name="messages_to_ask_about",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.kind} {self.pk}"

    @property
    def is_inbound(self) -> bool:
        return self.direction == Direction.INBOUND

    @property
    def has_failed(self) -> bool:
        return self.status in {Status.FAILED, Status.UNDELIVERED}


def attachment_path(attachment: "Attachment", filename: str) -> str:
    """A name of our own: a stranger's file name never reaches the disk."""
    return f"attachments/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


class FileState(models.TextChoices):
    PENDING = "pending", "On its way"
    STORED = "stored", "Stored"
    FAILED = "failed", "Not available"


class Attachment(models.Model):
    """A file of a message: a customer's, fetched from Twilio, or an agent's."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    source_url = models.URLField(max_length=500, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    declared_type = models.CharField(max_length=120, blank=True, default="")
    # What the bytes are, by looking at them; empty until stored.
    content_type = models.CharField(max_length=120, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0)
    file = models.FileField(upload_to=attachment_path, max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=FileState, default=FileState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["message", "position"]
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="one_attachment_per_place_in_a_message")
        ]

    def __str__(self) -> str:
        return self.name or f"file {self.position + 1} of message {self.message_id}"

    def shown_as(self) -> str:
        """`image`, `audio`, `video`, `pdf`, or `file` for what is only offered as a download."""
        if self.content_type == "application/pdf":
            return "pdf"
        family = self.content_type.partition("/")[0]
        return family if family in {"image", "audio", "video"} and "svg" not in self.content_type else "file"


class ConversationEvent(models.Model):
    """A line of a conversation's timeline: what happened, who did it, why."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [models.Index(fields=["conversation", "created_at"], name="timeline_in_order")]

    def __str__(self) -> str:
        return self.text
