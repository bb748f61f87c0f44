"""The two tables the worker lives on: lanes and periodic rows."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q


class Lane(models.Model):
    """Work that is to be done one piece at a time: all replies of one conversation, say, in their order.

    A row stands while there is work. Whoever holds the lease works in it; nobody else does.
    """

    kind = models.CharField(max_length=40)
    key = models.BigIntegerField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    owner = models.UUIDField(null=True)
    # New with every enqueue: a worker that finishes sees whether more came in meanwhile.
    token = models.UUIDField(default=uuid.uuid4)
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_lane_per_kind_and_key")]
        indexes = [models.Index(fields=["due_at"], name="lanes_that_are_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @staticmethod
    def free(at: datetime) -> Q:
        """Due, and not leased by a worker that is still alive."""
        return Q(due_at__lte=at) & (Q(lease_until=None) | Q(lease_until__lt=at))


class Periodic(models.Model):
    """A job that comes back every so often; the row is claimed like a lane, so any number of workers may run."""

    name = models.CharField(max_length=60, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
