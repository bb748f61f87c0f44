"""The agent a person is, who works in a queue, and the presence agents show."""

from collections.abc import Callable

from django.db.models import QuerySet

from omnichannel.accounts.models import User
from routing.models import Agent, BasePresence, Presence, Queue
from routing.presence import set_presence


def get_or_create_agent(user: User) -> Agent:
    """The agent this person is, made if need be: offline, with the usual capacity."""
    offline = Presence.objects.get(base_status=BasePresence.OFFLINE, is_built_in=True)
    agent, _ = Agent.objects.get_or_create(user=user, defaults={"presence": offline})
    return agent


def filter_queue_members(queue: Queue, agents: QuerySet[Agent]) -> QuerySet[Agent]:
    """Those of these agents who work in the queue; in the default queue all do."""
    return agents if queue.is_default else agents.filter(memberships__queue=queue)


def get_selectable_presences() -> QuerySet[Presence]:
    """What agents may show of their own accord; Inactive is for the system to set."""
    return Presence.objects.filter(base_status__in=base_presences(lambda base: base.is_selectable))


def base_presences(predicate: Callable[[BasePresence], bool]) -> list[BasePresence]:
    """Return the base statuses for which the predicate is true, for queries: `presence__base_status__in=…`."""
    return [base for base in BasePresence if predicate(base)]


def filter_by_presence(agents: QuerySet[Agent], predicate: Callable[[BasePresence], bool]) -> QuerySet[Agent]:
    """Return the agents whose base status satisfies the predicate."""
    return agents.filter(presence__base_status__in=base_presences(predicate))


def set_presence_manually(agent: Agent, presence: Presence) -> None:
    """The agent has chosen this presence: the load does not change it."""
    set_presence(agent, presence, is_manual=True)
