"""WhatsApp accounts at Twilio, their numbers and templates, and every webhook Twilio delivered."""

import secrets
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

from channels_whatsapp.encrypted_fields import EncryptedTextField
from channels_whatsapp.phone_numbers import normalize_phone_number
from routing.models import Channel, OperatingHours, WorkStream

SANDBOX_NUMBER = "+14155238886"

validate_account_sid = RegexValidator(
    r"\AAC[0-9a-fA-F]{32}\Z",
    "An Account SID is AC followed by 32 hexadecimal characters. Copy it from the Twilio Console.",
)
validate_messaging_service_sid = RegexValidator(
    r"\AMG[0-9a-fA-F]{32}\Z", "A Messaging Service SID is MG followed by 32 hexadecimal characters."
)
# The message does not repeat the value: it may be a real token with one character too many.
validate_auth_token = RegexValidator(
    r"\A[0-9a-fA-F]{32}\Z",
    "An Auth Token is 32 hexadecimal characters (0–9, a–f). Copy it from the Twilio Console.",
)


def generate_webhook_key() -> str:
    """Return a random key for an account's webhook URLs, which nobody can guess."""
    return secrets.token_urlsafe(24)


class WhatsAppAccount(models.Model):
    """A Twilio account whose WhatsApp numbers this desk answers."""

    name = models.CharField("Name", max_length=100)
    account_sid = models.CharField(
        "Account SID",
        max_length=34,
        unique=True,
        validators=[validate_account_sid],
        error_messages={"unique": "Another WhatsApp channel already uses this Account SID."},
    )
    auth_token = EncryptedTextField("Auth Token", validators=[validate_auth_token])
    auth_token_set_at = models.DateTimeField(null=True, editable=False)
    secondary_auth_token = EncryptedTextField(
        "Secondary Auth Token", blank=True, default="", validators=[validate_auth_token]
    )
    messaging_service_sid = models.CharField(
        "Messaging Service SID", max_length=34, blank=True, default="", validators=[validate_messaging_service_sid]
    )
    key = models.CharField(max_length=64, unique=True, default=generate_webhook_key, editable=False)
    is_active = models.BooleanField("active", default=True)

    validated_at = models.DateTimeField(null=True, editable=False)
    validation_report = models.JSONField(default=list, editable=False)
    credentials_rejected_at = models.DateTimeField(null=True, editable=False)
    templates_synced_at = models.DateTimeField(null=True, editable=False)
    # Why the latest sync failed; empty if it succeeded.
    template_sync_error = models.CharField(max_length=300, blank=True, default="", editable=False)

    class Meta:
        verbose_name = "WhatsApp"
        verbose_name_plural = "WhatsApp"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def inbound_url(self) -> str:
        """The URL to which Twilio posts customers' messages."""
        return settings.PUBLIC_URL + reverse("whatsapp_inbound", args=[self.key])

    @property
    def status_url(self) -> str:
        """The URL to which Twilio posts the status of outbound messages."""
        return settings.PUBLIC_URL + reverse("whatsapp_status", args=[self.key])

    @property
    def accepted_tokens(self) -> list[str]:
        """The tokens a webhook may be signed with: the primary one and, while rotating, the secondary one."""
        return [token for token in (self.auth_token, self.secondary_auth_token) if token]


class PhoneNumberField(models.CharField):  # type: ignore[type-arg]
    """A phone number, stored as `+` and digits however it was typed."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return normalize_phone_number(text) if text else text


class WhatsAppNumber(models.Model):
    """A number customers write to, and the work stream their messages go to."""

    name = models.CharField("Name", max_length=100)
    account = models.ForeignKey(
        WhatsAppAccount, models.PROTECT, related_name="numbers", verbose_name="WhatsApp Account"
    )
    number = PhoneNumberField(
        "WhatsApp Number",
        max_length=40,
        unique=True,
        error_messages={"unique": "This number already exists."},
        help_text="Include the country code, for example +1 415 523 8886.",
    )
    work_stream = models.ForeignKey(
        WorkStream,
        models.PROTECT,
        related_name="whatsapp_numbers",
        verbose_name="Work stream",
        limit_choices_to={"channel": Channel.WHATSAPP},
    )
    operating_hours = models.ForeignKey(
        OperatingHours,
        models.PROTECT,
        related_name="whatsapp_numbers",
        null=True,
        blank=True,
        help_text="Outside these hours, customers get an out-of-hours message. Leave empty for always open.",
    )
    customers_may_attach = models.BooleanField("customers can send file attachments", default=True)
    agents_may_attach = models.BooleanField("agents can send file attachments", default=True)
    shows_typing_indicator = models.BooleanField(
        "show customers when agents type",
        default=True,
        help_text="Showing this also marks the customer's message as read.",
    )
    is_active = models.BooleanField("active", default=True)

    class Meta:
        verbose_name = "WhatsApp Number"
        verbose_name_plural = "WhatsApp phone numbers"
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def address(self) -> str:
        """The number as Twilio writes it."""
        return f"whatsapp:{self.number}"

    @property
    def is_sandbox(self) -> bool:
        """Twilio's shared WhatsApp sandbox."""
        return bool(self.number == SANDBOX_NUMBER)


class ApprovalStatus(models.TextChoices):
    """WhatsApp's approval status of a template, in Twilio's spelling."""

    UNSUBMITTED = "unsubmitted", "Not submitted"
    RECEIVED = "received", "Received"
    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    PAUSED = "paused", "Paused"
    DISABLED = "disabled", "Disabled"


class MessageTemplate(models.Model):
    """A Content template at Twilio. Only approved ones may be sent outside the 24-hour window."""

    account = models.ForeignKey(WhatsAppAccount, models.CASCADE, related_name="templates")
    content_sid = models.CharField("Content SID", max_length=34)
    name = models.CharField(max_length=500)
    language = models.CharField(max_length=20)
    # Twilio's name of the content type, such as "twilio/quick-reply", and the content of that type.
    content_type = models.CharField(max_length=60)
    content = models.JSONField(default=dict)
    # The readable text, for the search.
    text = models.TextField(blank=True, default="")
    # Examples by the variable's name: {"1": "Anna"}.
    variables = models.JSONField(default=dict)
    category = models.CharField(max_length=30, blank=True, default="")
    # A status unknown to ApprovalStatus is stored unchanged.
    approval = models.CharField(max_length=30, choices=ApprovalStatus, default=ApprovalStatus.UNSUBMITTED)
    rejection_reason = models.TextField(blank=True, default="")
    synced_at = models.DateTimeField(default=timezone.now)
    # Set when Twilio no longer lists it; the row stays for the messages that were sent from it.
    removed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "message template"
        ordering = ["name", "language", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "content_sid"], name="one_template_per_account_and_content_sid")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"


class WebhookKind(models.TextChoices):
    """The kinds of webhooks."""

    INBOUND = "inbound", "Inbound message"
    STATUS = "status", "Status callback"


class DeliveryState(models.TextChoices):
    """The states of a webhook delivery."""

    STORED = "stored", "Stored"
    APPLIED = "applied", "Applied"
    FAILED = "failed", "Failed"
    IGNORED = "ignored", "Ignored"


class WebhookDelivery(models.Model):
    """A webhook as Twilio sent it, stored before it is applied.

    It is due while `next_attempt_at` is set: stored ones at once, failed ones when they are to be retried.
    """

    account = models.ForeignKey(WhatsAppAccount, models.PROTECT, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=WebhookKind)
    fingerprint = models.CharField(max_length=200, unique=True)
    payload = models.JSONField()
    public_id = models.UUIDField(null=True)
    received_at = models.DateTimeField(default=timezone.now, db_index=True)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.STORED)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    # An administrator can act: it failed for good, or keeps failing, or was sent to a number that is not set up.
    needs_attention = models.BooleanField(default=False)

    class Meta:
        verbose_name = "Webhook delivery"
        verbose_name_plural = "Webhook deliveries"
        ordering = ["-received_at"]
        indexes = [
            # The due deliveries of an account in order, and the oldest one: `webhooks.backlog`, `webhooks.applier`.
            models.Index(
                fields=["account", "next_attempt_at", "id"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="due_deliveries_in_order",
            ),
            # The badge and the notice in the administration.
            models.Index(
                fields=["received_at"],
                condition=models.Q(needs_attention=True),
                name="deliveries_needing_attention",
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint


class DeliveryProgress(models.Model):
    """When a delivery of an account was last applied, or found to fail.

    Deliveries that are due long after that have stopped the process that applied them.
    """

    account = models.OneToOneField(WhatsAppAccount, models.CASCADE, primary_key=True, related_name="delivery_progress")
    progress_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account}: {self.progress_at}"
