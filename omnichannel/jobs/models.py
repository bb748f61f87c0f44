"""The two tables the worker lives on: lanes and periodic rows."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q


class Lane(models.Model):
    """Work that is to be done one piece at a time: all replies of one conversation, say, in their order.

    A row exists while there is work. Only the worker that holds the lease works in it. A lane that failed too often is
    given up: it keeps its row with the error until an administrator or new work has it tried again.
    """

    kind = models.CharField(max_length=40)
    key = models.BigIntegerField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    owner = models.UUIDField(null=True)
    # New with every enqueue: a worker that finishes sees whether more came in meanwhile.
    token = models.UUIDField(default=uuid.uuid4)
    # Counted when a worker takes the lane, so that an attempt that kills or hangs the worker counts too.
    attempts = models.PositiveIntegerField(default=0)
    given_up_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_lane_per_kind_and_key")]
        indexes = [
            models.Index(fields=["due_at"], name="lanes_that_are_due"),
            # The administration's list of work that was given up, newest first.
            models.Index(fields=["-given_up_at"], name="lanes_given_up", condition=Q(given_up_at__isnull=False)),
        ]
        verbose_name = "failed background job"

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @staticmethod
    def claimable_filter(at: datetime) -> Q:
        """Due, not given up, and not leased by a worker that is still alive."""
        return Q(due_at__lte=at, given_up_at=None) & (Q(lease_until=None) | Q(lease_until__lt=at))


class JobSchedule(models.Model):
    """A job that comes back every so often; the row is claimed like a lane, so any number of workers may run."""

    name = models.CharField(max_length=60, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
