"""The base model of routed work: its state, its queue and its agent."""

from typing import Self, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.models.agents import Agent
from routing.models.queues import Queue
from routing.models.work_streams import WorkStream


class State(models.TextChoices):
    """The states of a conversation; `routing` knows only which of them use an agent's capacity."""

    OPEN = "open", _("Open")
    ACTIVE = "active", _("Active")
    WAITING = "waiting", _("Waiting")
    WRAP_UP = "wrap_up", _("Wrap-up")
    CLOSED = "closed", _("Closed")


CAPACITY_STATES = (State.ACTIVE, State.WRAP_UP)


RoutableT = TypeVar("RoutableT", bound=models.Model, covariant=True)


class RoutableQuerySet(models.QuerySet[RoutableT]):
    """Queries on work, whatever is routed."""

    def waiting_for_agent(self) -> Self:
        """Return the work that waits for an agent."""
        return self.filter(state=State.OPEN)


class Routable(models.Model):
    """The fields of an object that is routed to a queue and worked on by an agent."""

    # The indexes for queues and agents are up to the subclass, which knows how its rows are searched.
    work_stream = models.ForeignKey(WorkStream, models.PROTECT, related_name="%(class)ss", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="%(class)ss", db_index=False)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="%(class)ss", null=True, blank=True, db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    state_since = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    offered_to = models.ForeignKey(
        Agent, models.PROTECT, related_name="offered_%(class)ss", null=True, blank=True, db_index=False
    )
    offer_expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=CAPACITY_STATES) | Q(agent__isnull=False),
                name="active_and_wrap_up_%(class)ss_have_an_agent",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.OPEN) | Q(agent__isnull=True), name="open_%(class)ss_have_no_agent"
            ),
            models.CheckConstraint(
                condition=Q(offered_to__isnull=True, offer_expires_at__isnull=True)
                | Q(offered_to__isnull=False, offer_expires_at__isnull=False, state=State.OPEN),
                name="only_open_%(class)ss_are_offered",
            ),
        ]
