"""Work streams: the terms on which a channel's work is assigned."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from routing.models.agents import BasePresence
from routing.models.queues import Queue


class Channel(models.TextChoices):
    """The channels of work streams."""

    WHATSAPP = "whatsapp", "WhatsApp"


class DistributionMode(models.TextChoices):
    """The modes of distribution: work is pushed to agents, or agents pick it."""

    PUSH = "push", "Push"
    PICK = "pick", "Pick"


class SkillMatching(models.TextChoices):
    """The ways to match required skills with those of agents."""

    NONE = "none", "None"
    EXACT = "exact", "Exact match"
    CLOSEST = "closest", "Closest match"


def get_default_allowed_presences() -> list[str]:
    """Return the base statuses in which agents of a new work stream get work."""
    return [BasePresence.AVAILABLE.value, BasePresence.BUSY.value]


def validate_base_presences(value: object) -> None:
    """Raise ValidationError unless this is a list of base statuses in which agents can get work."""
    allowed = {base.value for base in BasePresence if base.is_selectable}
    items = value if isinstance(value, list) else []
    if not items or not all(isinstance(item, str) and item in allowed for item in items):
        raise ValidationError("Choose at least one base status.", code="presences")


class WorkStream(models.Model):
    """The queue for a channel's conversations, and the terms on which agents get them."""

    name = models.CharField(max_length=100, unique=True)
    channel = models.CharField(
        max_length=20, choices=Channel, default=Channel.WHATSAPP, help_text="Can't be changed after the first save."
    )
    capacity = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Units of agent capacity that a conversation uses while active or in wrap-up.",
    )
    auto_close_after = models.DurationField(
        "auto-close after inactivity",
        default=timedelta(hours=24),
        validators=[MinValueValidator(timedelta(minutes=1))],
        help_text="Conversations waiting for the customer are closed after this time. Days and HH:MM:SS.",
    )
    distribution_mode = models.CharField(
        "work distribution mode",
        max_length=10,
        choices=DistributionMode,
        default=DistributionMode.PUSH,
        help_text="Push offers work to agents; with pick, agents take it. Can't be changed after the first save.",
    )
    allow_selecting = models.BooleanField(
        "enable selecting from push-based work streams",
        default=True,
        help_text="Agents can also take work themselves, regardless of capacity and presence.",
    )
    offer_seconds = models.PositiveIntegerField(
        "time to accept",
        default=120,
        validators=[MinValueValidator(10), MaxValueValidator(3600)],
        help_text="Seconds an agent has to accept an offer.",
    )
    inactive_after_missed_offer = models.BooleanField(
        "change agent status to inactive after a missed notification", default=False
    )
    wrap_up_seconds = models.PositiveIntegerField(
        "block capacity for wrap-up",
        null=True,
        blank=True,
        help_text="Seconds that wrap-up uses the agent's capacity. Leave empty for the whole wrap-up; 0 for never.",
    )
    skill_matching = models.CharField(
        "default skill matching algorithm", max_length=10, choices=SkillMatching, default=SkillMatching.NONE
    )
    allowed_presences = models.JSONField(
        default=get_default_allowed_presences,
        validators=[validate_base_presences],
        help_text="Only agents with one of these presences get work.",
    )
    keep_same_agent = models.BooleanField(
        "keep same agent for entire conversation",
        default=True,
        help_text="When a waiting customer writes again, the conversation goes back to the agent who had it.",
    )
    return_after_disconnect = models.DurationField(
        "return to queue after the agent disconnects",
        default=timedelta(minutes=15),
        null=True,
        blank=True,
        validators=[MinValueValidator(timedelta(minutes=1))],
        help_text="Agents who are offline for this long lose their active conversations. Leave empty for never.",
    )
    disposition_required = models.BooleanField(
        "disposition code required",
        default=False,
        help_text="Conversations can only be closed with a disposition code.",
    )
    fallback_queue = models.ForeignKey(
        Queue,
        models.PROTECT,
        related_name="fallback_of",
        null=True,
        blank=True,
        help_text="Queue for conversations that match no routing rule. Leave empty for the default queue.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(capacity__range=(1, 10_000)), name="work_streams_take_some_of_an_agents_capacity"
            ),
            models.CheckConstraint(condition=Q(offer_seconds__gte=1), name="agents_have_time_to_accept"),
            models.CheckConstraint(
                condition=Q(auto_close_after__gt=timedelta()), name="waiting_customers_have_time_to_answer"
            ),
            models.CheckConstraint(
                condition=Q(return_after_disconnect=None) | Q(return_after_disconnect__gt=timedelta()),
                name="disconnected_agents_have_time_to_come_back",
            ),
            models.CheckConstraint(
                condition=Q(distribution_mode__in=DistributionMode.values), name="work_is_pushed_or_picked"
            ),
            models.CheckConstraint(
                condition=Q(skill_matching__in=SkillMatching.values), name="skills_match_in_known_ways"
            ),
        ]

    def __str__(self) -> str:
        return self.name
