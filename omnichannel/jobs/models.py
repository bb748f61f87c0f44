"""Models of the job queue: lanes and schedules of periodic jobs."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q


class Lane(models.Model):
    """A queue of work that is processed one piece at a time, such as the replies of one conversation.

    A row exists while there is work. Only the worker that holds the lease processes it. A lane that failed too often is
    given up: its row stays, with the error, until an administrator or new work retries it.
    """

    kind = models.CharField(max_length=40)
    key = models.BigIntegerField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    owner = models.UUIDField(null=True)
    # Changes with every enqueue: a worker that finishes sees whether new work came in meanwhile.
    token = models.UUIDField(default=uuid.uuid4)
    # Incremented when a worker claims the lane, so that an attempt that kills or hangs the worker counts too.
    attempts = models.PositiveIntegerField(default=0)
    given_up_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_lane_per_kind_and_key")]
        indexes = [
            models.Index(fields=["due_at"], name="lanes_that_are_due"),
            # The admin list of failed jobs, newest first.
            models.Index(fields=["-given_up_at"], name="lanes_given_up", condition=Q(given_up_at__isnull=False)),
        ]
        verbose_name = "failed background job"

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @staticmethod
    def claimable_filter(at: datetime) -> Q:
        """Return the filter for lanes that are due, not given up and not under a valid lease."""
        return Q(due_at__lte=at, given_up_at=None) & (Q(lease_until=None) | Q(lease_until__lt=at))


class JobSchedule(models.Model):
    """Next run of a periodic job. Workers claim the row, so any number of them may run."""

    name = models.CharField(max_length=60, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
