"""Automated messages, and the words with which customers opt out of messages."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from omnichannel.conversations.models.conversations import Conversation
from routing.models import WorkStream


class MessageTrigger(models.TextChoices):
    """The occasion on which an automated message is sent; names as in Dynamics 365."""

    GREETING = "greeting", "Greeting message"
    OUT_OF_HOURS = "out_of_hours", "Out of operating hour message to customer"
    HOLIDAY = "holiday", "Holiday message to customer"
    AGENT_ASSIGNED = "agent_assigned", "Agent assigned to a conversation"
    QUEUE_POSITION = "position", "Customer's position in queue"
    CONVERSATION_ENDED = "ended", "Agent ended conversation"
    OVERFLOW = "overflow", "End conversation due to overflow"
    OPTED_OUT = "opted_out", "Customer opted out"
    OPTED_IN = "opted_in", "Customer opted in again"


class AutomatedMessage(models.Model):
    """A text sent to the customer on a trigger, for one work stream or all, in one language or any."""

    trigger = models.CharField("message trigger", max_length=20, choices=MessageTrigger)
    work_stream = models.ForeignKey(
        WorkStream,
        models.CASCADE,
        related_name="automated_messages",
        null=True,
        blank=True,
        help_text="Leave empty for all work streams without their own message.",
    )
    language = models.CharField(
        "language code",
        max_length=10,
        blank=True,
        default="",
        help_text="For example de or pt-BR. Leave empty for any language.",
    )
    text = models.TextField(max_length=1000)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["trigger", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["trigger", "work_stream", "language"], name="one_automated_message_of_a_work_stream"
            ),
            models.UniqueConstraint(
                fields=["trigger", "language"],
                condition=Q(work_stream=None),
                name="one_automated_message_for_all_work_streams",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_trigger_display()} ({self.language or 'any language'})"


class AutomatedMessageRequest(models.Model):
    """A request to send an automated message in a conversation; a worker sends it and deletes the row."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="automated_message_requests")
    trigger = models.CharField(max_length=20, choices=MessageTrigger)
    requested_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "trigger"], name="one_automated_message_request_per_trigger"
            )
        ]

    def __str__(self) -> str:
        return f"{self.trigger} in {self.conversation}"


class OptOutMeaning(models.TextChoices):
    """The effect of an opt-out word."""

    STOP = "stop", "Opts out"
    START = "start", "Opts in again"


class OptOutWord(models.Model):
    """A word that opts out or in again when it is the whole message; upper and lower case are the same."""

    word = models.CharField(max_length=40, unique=True)
    meaning = models.CharField(max_length=10, choices=OptOutMeaning, default=OptOutMeaning.STOP)

    class Meta:
        ordering = ["meaning", "word"]
        verbose_name = "opt-out word"

    def __str__(self) -> str:
        return self.word
