"""Who works, in which queues, on what terms."""

from routing.models.agents import Agent, BasePresence, Presence
from routing.models.queues import Queue, QueueMembership
from routing.models.routable import Routable, RoutableQuerySet, State
from routing.models.streams import Channel, WorkStream

__all__ = [
    "Agent",
    "BasePresence",
    "Channel",
    "Presence",
    "Queue",
    "QueueMembership",
    "Routable",
    "RoutableQuerySet",
    "State",
    "WorkStream",
]
