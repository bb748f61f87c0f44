"""Work streams: on what terms a channel's work is given out."""

from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from routing.models.agents import BasePresence
from routing.models.queues import Queue


class Channel(models.TextChoices):
    WHATSAPP = "whatsapp", "WhatsApp"


def presences_out_of_the_box() -> list[str]:
    return [BasePresence.AVAILABLE.value, BasePresence.BUSY.value]


class WorkStream(models.Model):
    """To which queue a channel's conversations go, and on what terms agents get them."""

    name = models.CharField(max_length=100, unique=True)
    channel = models.CharField(
        max_length=20, choices=Channel, default=Channel.WHATSAPP, help_text="Can't be changed after the first save."
    )
    capacity = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Units of an agent's capacity that one conversation takes while it is active or in wrap-up.",
    )
    auto_close_after = models.DurationField(
        "auto-close after inactivity",
        default=timedelta(hours=24),
        validators=[MinValueValidator(timedelta(minutes=1))],
        help_text="A conversation that waits for the customer this long is closed. Days and HH:MM:SS.",
    )
    allowed_presences = models.JSONField(
        default=presences_out_of_the_box,
        help_text="An agent showing one of these gets their conversation back when the customer writes again.",
    )
    keep_same_agent = models.BooleanField(
        "keep same agent for entire conversation",
        default=True,
        help_text="When a waiting customer writes again, the conversation goes back to the agent who had it.",
    )
    fallback_queue = models.ForeignKey(
        Queue,
        models.PROTECT,
        related_name="fallback_of",
        null=True,
        blank=True,
        help_text="Where conversations go. Empty: the default queue.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
