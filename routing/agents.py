"""Queries for agents, queue members and presences."""

from collections.abc import Callable

from django.db.models import QuerySet

from omnichannel.accounts.models import User
from routing.models import Agent, BasePresence, Presence, Queue
from routing.presence import set_presence


def get_or_create_agent(user: User) -> Agent:
    """Return the user's agent; create one, Offline and with the default capacity, if there is none."""
    offline = Presence.objects.get(base_status=BasePresence.OFFLINE, is_built_in=True)
    agent, _ = Agent.objects.get_or_create(user=user, defaults={"presence": offline})
    return agent


def filter_queue_members(queue: Queue, agents: QuerySet[Agent]) -> QuerySet[Agent]:
    """Return the members of the queue among these agents; all are members of the default queue."""
    return agents if queue.is_default else agents.filter(memberships__queue=queue)


def get_selectable_presences() -> QuerySet[Presence]:
    """Return the presences that agents may choose; Inactive is set by the system only."""
    return Presence.objects.filter(base_status__in=base_presences(lambda base: base.is_selectable))


def base_presences(predicate: Callable[[BasePresence], bool]) -> list[BasePresence]:
    """Return the base statuses for which the predicate is true, for filters by `base_status__in`."""
    return [base for base in BasePresence if predicate(base)]


def filter_by_presence(agents: QuerySet[Agent], predicate: Callable[[BasePresence], bool]) -> QuerySet[Agent]:
    """Return the agents whose base status satisfies the predicate."""
    return agents.filter(presence__base_status__in=base_presences(predicate))


def set_presence_manually(agent: Agent, presence: Presence) -> None:
    """Set a presence that was chosen by hand; it does not follow the load."""
    set_presence(agent, presence, is_manual=True)
