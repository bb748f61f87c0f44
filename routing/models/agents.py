"""Agents and their presence."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q


class BasePresence(models.TextChoices):
    """The statuses every presence stands on; only these can be chosen as a work stream's allowed presences."""

    AVAILABLE = "available", "Available"
    BUSY = "busy", "Busy"
    BUSY_DND = "busy_dnd", "Busy - DND"
    AWAY = "away", "Away"
    INACTIVE = "inactive", "Inactive"
    OFFLINE = "offline", "Offline"


class Presence(models.Model):
    """A status an agent can show. The six built-in ones come with the product and stay as they are."""

    name = models.CharField(max_length=100, unique=True)
    text = models.CharField("presence text", max_length=100)
    base_status = models.CharField(max_length=20, choices=BasePresence)
    description = models.CharField(max_length=200, blank=True)
    is_built_in = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["base_status"], condition=Q(is_built_in=True), name="one_built_in_presence_per_base_status"
            )
        ]

    def __str__(self) -> str:
        return self.text


class Agent(models.Model):
    """A person who answers customers: how much they can take on, and whether they are there."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="agent")
    capacity = models.PositiveIntegerField(
        default=100,
        validators=[MaxValueValidator(10_000)],
        help_text="Units of work this agent can have at a time. A conversation takes as many as its work stream says.",
    )
    presence = models.ForeignKey(Presence, models.PROTECT, related_name="agents")
    default_presence = models.ForeignKey(
        Presence,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Shown when the agent signs in. Empty: Available.",
    )
    # By hand: the system does not change it with the load. Cleared at sign-in.
    is_presence_manual = models.BooleanField(default=False, editable=False)
    last_assigned_at = models.DateTimeField(null=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["user__first_name", "user__last_name", "user__username"]

    def __str__(self) -> str:
        return self.user.display_name
