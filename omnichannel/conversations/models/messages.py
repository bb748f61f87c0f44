"""Messages and their attachments."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from omnichannel.conversations.models.automation import MessageTrigger
from omnichannel.conversations.models.conversations import Conversation
from omnichannel.conversations.models.search import store_message_words
from routing.models import Agent


class MessageDirection(models.TextChoices):
    """Inbound messages come from the customer, outbound ones from the desk."""

    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"


class MessageKind(models.TextChoices):
    """The kind of content of a message; details are in `content`."""

    TEXT = "text", "Text"
    MEDIA = "media", "Media"
    LOCATION = "location", "Location"
    CONTACTS = "contacts", "Contact card"
    BUTTON = "button", "Button reply"
    LIST = "list", "List reply"
    TEMPLATE = "template", "Template"
    UNSUPPORTED = "unsupported", "Unsupported message"


class MessageStatus(models.TextChoices):
    """The delivery status of a message. Inbound messages are always `received`."""

    RECEIVED = "received", "Received"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    UNDELIVERED = "undelivered", "Undelivered"


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages; their words for the search are stored with them."""

    def bulk_create(self, objs: Iterable["Message"], *args: Any, **kwargs: Any) -> list["Message"]:
        created = super().bulk_create(objs, *args, **kwargs)
        store_message_words(created, self.db)
        return created

    def update(self, **values: Any) -> int:
        if "body" not in values:
            return super().update(**values)
        keys = list(self.order_by().values_list("pk", flat=True))
        count = super().update(**values)
        store_message_words(Message.objects.using(self.db).filter(pk__in=keys).only("body"), self.db)
        return count


class Message(models.Model):
    """A message from or to the customer."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", db_index=False)
    direction = models.CharField(max_length=10, choices=MessageDirection)
    kind = models.CharField(max_length=12, choices=MessageKind, default=MessageKind.TEXT)
    body = models.TextField(blank=True, default="")
    # Details of the kind, by key: location, contacts, button, list, referral, forwarded.
    content = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=MessageStatus)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    twilio_sid = models.CharField(max_length=34, blank=True, default="")
    error_code = models.PositiveIntegerField(null=True)
    error_message = models.TextField(blank=True, default="")
    payload = models.JSONField(default=dict)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="messages", null=True, db_index=False
    )
    # The trigger of an automated message; empty for messages that people write.
    automated_trigger = models.CharField(max_length=20, choices=MessageTrigger, blank=True, default="")
    # The position given in a queue position message.
    queue_position = models.PositiveIntegerField(null=True)
    quoted = models.ForeignKey("self", models.SET_NULL, related_name="+", null=True, db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    # Sending: the token and time of the worker that claimed it, the address; the earliest retry; when to ask Twilio for
    # the status.
    send_token = models.UUIDField(null=True)
    sending_since = models.DateTimeField(null=True)
    sent_to = models.CharField(max_length=140, blank=True, default="")
    send_attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    check_status_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["twilio_sid"], condition=~Q(twilio_sid=""), name="one_message_per_sid"),
            models.CheckConstraint(
                condition=Q(direction=MessageDirection.INBOUND, status=MessageStatus.RECEIVED)
                | (Q(direction=MessageDirection.OUTBOUND) & ~Q(status=MessageStatus.RECEIVED)),
                name="only_customers_messages_are_received",
            ),
        ]
        indexes = [
            # None has `status`, `updated_at` or another column that a status callback changes, and none has a condition
            # on it: PostgreSQL then rewrites no index for a callback.
            # The thread of a conversation.
            models.Index(fields=["conversation", "created_at", "id"], name="messages_in_order"),
            # Automated messages already sent in a conversation, and the last queue position sent to a customer.
            models.Index(
                fields=["conversation", "automated_trigger"],
                condition=~Q(automated_trigger=""),
                name="automated_messages_by_trigger",
            ),
            # outbound.delivery: the next message to send. What is not sent yet has no SID.
            models.Index(
                fields=["conversation", "id"],
                condition=Q(direction="outbound", twilio_sid=""),
                name="messages_without_sid",
            ),
            # Whether a user may be deleted, and the quotes of a message that is deleted.
            models.Index(fields=["author"], condition=Q(author__isnull=False), name="messages_by_author"),
            models.Index(fields=["quoted"], condition=Q(quoted__isnull=False), name="messages_by_quoted"),
            # outbound.delivery: check_overdue_statuses.
            models.Index(
                fields=["check_status_at"],
                condition=Q(check_status_at__isnull=False),
                name="messages_by_check_status_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.kind} {self.pk}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save the words with the body."""
        super().save(*args, update_fields=update_fields, **kwargs)
        if update_fields is None or "body" in update_fields:
            store_message_words([self], self._state.db or "default")

    @property
    def is_inbound(self) -> bool:
        return self.direction == MessageDirection.INBOUND

    @property
    def has_failed(self) -> bool:
        return self.status in {MessageStatus.FAILED, MessageStatus.UNDELIVERED}


class FailedReply(models.Model):
    """A reply that failed when its author no longer had the conversation in front of them, until somebody saw it."""

    message = models.OneToOneField(Message, models.CASCADE, related_name="failed_reply")
    # The author; None notifies the supervisors, when the author can't see the conversation any more.
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            # The notices on an agent's pages.
            models.Index(fields=["agent", "id"], condition=Q(seen_at=None), name="unseen_failed_replies")
        ]

    def __str__(self) -> str:
        return f"{self.message} failed"


def attachment_path(attachment: "Attachment", filename: str) -> str:
    """Return a random storage path, so that a customer's file name never reaches the disk."""
    return f"attachments/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


# Types that browsers can show without a plug-in. Not among them: SVG, which may contain programs; HEIC, TIFF and raw
# photos; AMR and MIDI; AVI and other old films.
BROWSER_TYPES = {
    *("image/jpeg", "image/png", "image/apng", "image/gif", "image/webp", "image/avif", "image/bmp", "image/x-icon"),
    *("audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav", "audio/x-wav", "audio/x-flac", "audio/webm"),
    *("audio/3gpp", "video/mp4", "video/x-m4v", "video/webm", "video/ogg", "video/3gpp", "video/quicktime"),
}


class AttachmentState(models.TextChoices):
    """The state of the download of an attachment."""

    PENDING = "pending", "Downloading"
    STORED = "stored", "Stored"
    FAILED = "failed", "Not available"


class Attachment(models.Model):
    """A file of a message: from the customer, fetched from Twilio, or from an agent."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments", db_index=False)
    position = models.PositiveSmallIntegerField(default=0)
    source_url = models.URLField(max_length=500, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    declared_type = models.CharField(max_length=120, blank=True, default="")
    # The type detected from the bytes; empty until stored.
    content_type = models.CharField(max_length=120, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0)
    file = models.FileField(upload_to=attachment_path, max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=AttachmentState, default=AttachmentState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["message", "position"]
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="one_attachment_per_position")]

    def __str__(self) -> str:
        return self.name or f"file {self.position + 1} of message {self.message_id}"

    def display_type(self) -> str:
        """Return `image`, `audio`, `video` or `pdf`; `file` for types that are only offered as a download."""
        if self.content_type == "application/pdf":
            return "pdf"
        return self.content_type.partition("/")[0] if self.content_type in BROWSER_TYPES else "file"
