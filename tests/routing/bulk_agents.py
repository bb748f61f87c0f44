"""Create many agents with few queries."""

from django.contrib.auth.models import Group

from omnichannel.accounts.models import User
from routing.models import Agent, BasePresence, Presence, Queue, QueueMembership


def create_agents(count: int, queue: Queue | None = None) -> list[Agent]:
    """Create this many available agents, as members of the queue if given."""
    available = Presence.objects.get(base_status=BasePresence.AVAILABLE, is_built_in=True)
    offset = User.objects.count()
    users = User.objects.bulk_create(User(username=f"crowd{offset + place}", password="!") for place in range(count))
    role = Group.objects.get(name="Agent")
    User.groups.through.objects.bulk_create(User.groups.through(user=user, group=role) for user in users)
    agents = Agent.objects.bulk_create(Agent(user=user, presence=available) for user in users)
    if queue is not None:
        QueueMembership.objects.bulk_create(QueueMembership(queue=queue, agent=user) for user in agents)
    return agents
