"""Agents and their presence."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q


class BasePresence(models.TextChoices):
    """The built-in status behind a presence.

    Work streams name allowed presences by these. The properties group them; nothing else lists sets of presences. The
    labels are the texts of the built-in presences, so that pages call a presence and its base status the same.
    """

    AVAILABLE = "available", "Available"
    BUSY = "busy", "Busy"
    BUSY_DND = "busy_dnd", "Do not disturb"
    AWAY = "away", "Appear away"
    INACTIVE = "inactive", "Inactive"
    OFFLINE = "offline", "Offline"

    @property
    def follows_load(self) -> bool:
        """Return whether the agent is at work and the presence follows the load; only they keep offers."""
        return self in {BasePresence.AVAILABLE, BasePresence.BUSY, BasePresence.BUSY_DND}

    @property
    def accepts_handover(self) -> bool:
        """Return whether colleagues may transfer conversations to the agent or consult them."""
        return self in {BasePresence.AVAILABLE, BasePresence.BUSY}

    @property
    def is_signed_off(self) -> bool:
        """Return whether the agent has left: nobody assigns them work, not even by hand."""
        return self in {BasePresence.OFFLINE, BasePresence.INACTIVE}

    @property
    def is_selectable(self) -> bool:
        """Return whether people may choose it; Inactive is set by the system only."""
        return self != BasePresence.INACTIVE


class Presence(models.Model):
    """A presence status of agents. The six built-in ones come with the product and can't be changed."""

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

    @property
    def base(self) -> BasePresence:
        """Return the base status as an enum member."""
        return BasePresence(self.base_status)


class Agent(models.Model):
    """A user who answers customers, with their capacity and presence."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="agent")
    capacity = models.PositiveIntegerField(
        default=100,
        validators=[MaxValueValidator(10_000)],
        help_text="Units of work this agent can handle at a time. The work stream sets how many a conversation takes.",
    )
    presence = models.ForeignKey(Presence, models.PROTECT, related_name="agents")
    default_presence = models.ForeignKey(
        Presence,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Set when the agent signs in. Leave empty for Available.",
    )
    # Chosen by hand: it does not follow the load. Cleared at sign-in.
    is_presence_manual = models.BooleanField(default=False, editable=False)
    last_assigned_at = models.DateTimeField(null=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["user__first_name", "user__last_name", "user__username"]

    def __str__(self) -> str:
        return self.user.display_name
