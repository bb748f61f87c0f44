"""Queues and their members."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import ProtectedError, Q

from routing.models.agents import Agent
from routing.models.hours import OperatingHours

# Fixed, as documented: only the assignment settings of the default queue can be changed.
DEFAULT_QUEUE_NAME, DEFAULT_PRIORITY = "Default messaging queue", 100


class QueueQuerySet(models.QuerySet["Queue"]):
    """Queries on queues."""

    def get_default(self) -> "Queue":
        """Return the default queue, which takes all work that no rule sends elsewhere."""
        return self.get(is_default=True)

    def for_agent(self, agent: Agent) -> "QueueQuerySet":
        """Return the queues this agent works in; every agent works in the default queue."""
        return self.filter(Q(is_default=True) | Q(memberships__agent=agent)).distinct()


class AssignmentMethod(models.TextChoices):
    """The criteria by which a queue's work is assigned."""

    HIGHEST_CAPACITY = "highest_capacity", "Highest capacity"
    ROUND_ROBIN = "round_robin", "Round robin"


class Queue(models.Model):
    """A queue in which conversations wait for one of its agents."""

    name = models.CharField(max_length=100, unique=True)
    priority = models.PositiveIntegerField(
        default=DEFAULT_PRIORITY,
        validators=[MinValueValidator(1)],
        help_text="Queues with lower numbers are assigned first.",
    )
    is_default = models.BooleanField(default=False, editable=False)
    assignment_method = models.CharField(
        max_length=20, choices=AssignmentMethod, default=AssignmentMethod.HIGHEST_CAPACITY
    )
    operating_hours = models.ForeignKey(
        OperatingHours,
        models.PROTECT,
        related_name="queues",
        null=True,
        blank=True,
        help_text="Leave empty for always open.",
    )
    closing_windows_first = models.BooleanField(
        "windows ending first",
        default=False,
        help_text="Conversations whose 24-hour window ends first come before those that have waited longer.",
    )
    members = models.ManyToManyField(Agent, through="QueueMembership", related_name="queues")

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ["priority", "name"]
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_queue"),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(name=DEFAULT_QUEUE_NAME, priority=DEFAULT_PRIORITY),
                name="the_default_queue_keeps_its_name_and_priority",
                violation_error_message="The default queue keeps its name and its priority.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the queue; the default queue can't be deleted and raises ProtectedError."""
        if self.is_default:
            raise ProtectedError(f"{self.name} is the default queue and can't be deleted.", {self})
        return super().delete(*args, **kwargs)


class QueueMembership(models.Model):
    """An agent's membership of a queue. The default queue has no rows: every agent is in it."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="memberships")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "agent"], name="an_agent_is_in_a_queue_once")]

    def __str__(self) -> str:
        return f"{self.agent} in {self.queue}"

    def clean(self) -> None:
        """Refuse members of the default queue, in which every agent is."""
        if self.queue_id and self.queue.is_default:
            raise ValidationError({"queue": "All agents are already in the default queue."})
