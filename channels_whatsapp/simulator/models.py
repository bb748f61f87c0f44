"""Twilio's data: accounts, senders, customers' phones, messages, scheduled tasks and faults."""

import secrets
import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from channels_whatsapp.simulator.statuses import ApprovalStatus, get_earlier_statuses

SANDBOX_NUMBER = "+14155238886"
SERVICE_WINDOW = timedelta(hours=24)


def new_sid(prefix: str) -> str:
    """Return a random SID: two letters for the kind of resource, and 32 hex digits."""
    return prefix + secrets.token_hex(16)


def new_account_sid() -> str:
    """Return a random Account SID."""
    return new_sid("AC")


def new_sender_sid() -> str:
    """Return a random SID of a WhatsApp sender."""
    return new_sid("XE")


def new_number_sid() -> str:
    """Return a random SID of a phone number."""
    return new_sid("PN")


def new_media_sid() -> str:
    """Return a random SID of a file."""
    return new_sid("ME")


def new_content_sid() -> str:
    """Return a random SID of a template."""
    return new_sid("HX")


def new_secret() -> str:
    """Return a random token of 32 hex digits."""
    return secrets.token_hex(16)


class Account(models.Model):
    """A Twilio account. Its tokens are valid in this simulator only."""

    sid = models.CharField(max_length=34, unique=True, default=new_account_sid)
    auth_token = models.CharField(max_length=64, default=new_secret)
    secondary_auth_token = models.CharField(max_length=64, blank=True, default="")
    friendly_name = models.CharField(max_length=100)
    status = models.CharField(max_length=20, default="active")  # active, suspended, closed
    type = models.CharField(max_length=10, default="Full")  # Trial, Full
    linked_portfolios = models.CharField(max_length=100, blank=True, default="")  # the same name for all linked ones
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.friendly_name


class SenderQuerySet(models.QuerySet["Sender"]):
    """Queries on senders."""

    def exclude_sandbox(self) -> "SenderQuerySet":
        """Return the senders without the sandbox, which sends but appears in no list."""
        return self.exclude(number=SANDBOX_NUMBER)


class Sender(models.Model):
    """A business number on WhatsApp, with the webhook URLs set in the Twilio console."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="senders")
    sid = models.CharField(max_length=34, unique=True, default=new_sender_sid)
    phone_sid = models.CharField(max_length=34, unique=True, default=new_number_sid)
    number = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=30, default="ONLINE")
    callback_url = models.CharField(max_length=500, blank=True, default="")
    status_callback_url = models.CharField(max_length=500, blank=True, default="")
    messaging_service_sid = models.CharField(max_length=34, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    objects = SenderQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["account", "number"], name="one_sender_per_account_and_number")]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def address(self) -> str:
        """The number as Twilio writes it."""
        return f"whatsapp:{self.number}"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is Twilio's shared sandbox, which sends but which no account owns."""
        return self.number == SANDBOX_NUMBER


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Queries on customers."""

    def find_by_address(self, address: str) -> "Customer | None":
        """Return the customer with this number or business-scoped id; None if there is none."""
        customer = self.filter(address=address).first()
        if customer is None and address:
            customer = self.filter(external_user_id=address).first()
        return customer or self.filter(business_scoped_ids__value=address).first()


class Customer(models.Model):
    """A person with WhatsApp on their phone.

    Attributes:
        address: The number, or for a person who hides it the business-scoped id for the first account.
        external_user_id: A business-scoped id for all accounts, in place of a random one for each.
    """

    name = models.CharField(max_length=100, blank=True, default="")
    address = models.CharField(max_length=140, unique=True)
    external_user_id = models.CharField(max_length=140, blank=True, default="")
    username = models.CharField(max_length=100, blank=True, default="")
    reads_immediately = models.BooleanField(default=True)
    sends_read_receipts = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name or self.username or self.visible_number or "WhatsApp user"

    @property
    def visible_number(self) -> str:
        """The number, if businesses see it; an id is shown to nobody as a name."""
        return self.bare_address if self.has_visible_number else ""

    @property
    def bare_address(self) -> str:
        """The number, or the business-scoped id, without its channel."""
        return self.address.removeprefix("whatsapp:")

    @property
    def has_visible_number(self) -> bool:
        """Whether businesses see this customer's phone number, not just a business-scoped id."""
        return self.bare_address.startswith("+")


class BusinessScopedId(models.Model):
    """The id of a customer for one account, or for all accounts of linked portfolios."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="business_scoped_ids")
    scope = models.CharField(max_length=120)  # an Account SID, or the name of linked portfolios
    value = models.CharField(max_length=140, unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "scope"], name="one_id_per_customer_and_scope")]

    def __str__(self) -> str:
        return self.value


class Chat(models.Model):
    """A chat between a customer and a business number; WhatsApp counts the 24-hour window per chat."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="chats")
    sender = models.ForeignKey(Sender, models.CASCADE, related_name="chats")
    last_inbound_at = models.DateTimeField(null=True)
    typing_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "sender"], name="one_chat_per_customer_and_sender")]

    def __str__(self) -> str:
        return f"{self.customer} and {self.sender}"

    def is_window_open(self, at: datetime) -> bool:
        """Return whether WhatsApp still accepts free text; exactly 24 hours after the message it does."""
        return self.last_inbound_at is not None and at - self.last_inbound_at <= SERVICE_WINDOW


class Content(models.Model):
    """A message template and its approval."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="contents")
    sid = models.CharField(max_length=34, unique=True, default=new_content_sid)
    friendly_name = models.CharField(max_length=100)
    language = models.CharField(max_length=20, default="en")
    variables = models.JSONField(default=dict)
    types = models.JSONField(default=dict)
    category = models.CharField(max_length=30, default="UTILITY")
    approval = models.CharField(max_length=30, default=ApprovalStatus.APPROVED)
    rejection_reason = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.friendly_name


class Direction(models.TextChoices):
    """The directions of messages, in Twilio's spelling."""

    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound-api", "Outbound"


class Message(models.Model):
    """A message at Twilio. `extra` holds an inbound message's parameters beyond the common ones."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="messages")
    sender = models.ForeignKey(Sender, models.CASCADE, related_name="messages")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="messages")
    sid = models.CharField(max_length=34, unique=True)
    direction = models.CharField(max_length=20, choices=Direction)
    from_address = models.CharField(max_length=140)
    to_address = models.CharField(max_length=140)
    body = models.TextField(blank=True, default="")
    status = models.CharField(max_length=20)
    error_code = models.PositiveIntegerField(null=True)
    error_message = models.CharField(max_length=300, blank=True, default="")
    num_media = models.PositiveIntegerField(default=0)
    content = models.ForeignKey(Content, models.SET_NULL, null=True, related_name="+")
    messaging_service_sid = models.CharField(max_length=34, blank=True, default="")
    status_callback = models.CharField(max_length=500, blank=True, default="")
    buttons = models.JSONField(default=list)
    quoted = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    extra = models.JSONField(default=dict)
    is_read_by_business = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["account", "to_address"], name="simulator_messages_by_to"),
            models.Index(fields=["customer", "sender"], name="simulator_messages_of_a_chat"),
        ]

    def __str__(self) -> str:
        return self.sid

    @property
    def is_inbound(self) -> bool:
        """Whether the customer sent it."""
        return self.direction == Direction.INBOUND

    def advance_status(self, status: str, *, code: int | None, reason: str, now: datetime) -> bool:
        """Change to a later status; return False if the message has reached that status or a later one."""
        changes: dict[str, object] = {"status": status, "updated_at": now}
        if code is not None:
            changes.update(error_code=code, error_message=reason)
        elif self.sent_at is None:
            changes["sent_at"] = self.sent_at = now
        earlier = get_earlier_statuses(status)
        return bool(Message.objects.filter(pk=self.pk, status__in=earlier).update(**changes))


def get_media_path(media: "Media", filename: str) -> str:
    """Return the storage path: the SID alone, whatever the file's name."""
    return f"simulator/{media.sid}"


class Media(models.Model):
    """A file of a message. Twilio answers 404 for it until `available_at`."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="media")
    sid = models.CharField(max_length=34, unique=True, default=new_media_sid)
    key = models.CharField(
        max_length=64, default=new_secret
    )  # the secret part of the CDN's URL, which needs no password
    content_type = models.CharField(max_length=120)
    filename = models.CharField(max_length=200, blank=True, default="")
    is_from_ad = models.BooleanField(default=False)  # the picture of the ad that brought the customer
    file = models.FileField(upload_to=get_media_path)
    available_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.sid


class TaskKind(models.TextChoices):
    """The kinds of scheduled tasks."""

    INBOUND = "inbound", "Inbound webhook"
    STATUS = "status", "Status callback"
    FETCH = "fetch", "Fetch outbound media"


class TaskState(models.TextChoices):
    """The states of a scheduled task."""

    DUE = "due", "Due"
    RUNNING = "running", "Running"
    DONE = "done", "Done"


class ScheduledTask(models.Model):
    """A task due at a set time: post a webhook, or fetch the files of an outbound message."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=10, choices=TaskKind)
    due_at = models.DateTimeField()
    status = models.CharField(max_length=20, blank=True, default="")  # the message's new status
    error_code = models.PositiveIntegerField(null=True)
    url = models.CharField(max_length=500, blank=True, default="")  # empty: no webhook is posted
    params = models.JSONField(default=dict)
    token = models.UUIDField(default=uuid.uuid4)  # I-Twilio-Idempotency-Token, the same in a retry
    state = models.CharField(max_length=10, choices=TaskState, default=TaskState.DUE)
    owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    http_status = models.PositiveIntegerField(null=True)
    error = models.CharField(
        max_length=500, blank=True, default=""
    )  # the error of the response, as Twilio would report it

    class Meta:
        ordering = ["due_at", "pk"]
        indexes = [
            # For the scheduler, which queries five times a second.
            models.Index(fields=["due_at"], condition=~Q(state=TaskState.DONE), name="simulator_tasks_to_run")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status} {self.message_id}"


class FaultKind(models.TextChoices):
    """The faults that can be switched on."""

    SLOW = "slow", "Slow: responds after 3 seconds"
    HANG = "hang", "Timeout: accepts, then does not respond for 20 seconds"
    TOO_MANY = "too_many", "429: too many requests"
    ERROR_BEFORE = "error_before", "500 before accepting"
    ERROR_AFTER = "error_after", "500 after accepting"
    WRONG_TOKEN = "wrong_token", "401: token rejected"  # noqa: S105 (a fault's name)
    OPTED_OUT = "opted_out", "Opted out (21610)"
    NOT_ON_WHATSAPP = "not_on_whatsapp", "Not on WhatsApp (63024)"
    NOT_JOINED = "not_joined", "Has not joined the sandbox (63015)"
    LOST_CALLBACKS = "lost_callbacks", "Status callbacks are lost"
    TWICE = "twice", "Webhooks are sent twice"
    OUT_OF_ORDER = "out_of_order", "Status callbacks arrive out of order"
    MEDIA_LATE = "media_late", "Media returns 404 at first"


class FaultQuerySet(models.QuerySet["Fault"]):
    """Queries on faults."""

    def kinds_for(self, customer: Customer | None) -> set[str]:
        """Return the faults switched on for all customers and for this one."""
        return set(self.filter(Q(customer=None) | Q(customer=customer)).values_list("kind", flat=True))


class Fault(models.Model):
    """A fault switched on for one customer, or for all if `customer` is empty."""

    kind = models.CharField(max_length=20, choices=FaultKind)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, related_name="faults")

    objects = FaultQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "customer"], name="one_switch_per_fault_and_customer"),
            models.UniqueConstraint(fields=["kind"], condition=Q(customer=None), name="one_switch_per_fault_for_all"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.customer or 'everybody'}"
