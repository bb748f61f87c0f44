"""Create many agents with few queries."""

from django.contrib.auth.models import Group

from omnichannel.accounts.models import User
from routing.models import Agent, BasePresence, Presence, Queue, QueueMembership


def create_agents(count: int, queue: Queue | None = None) -> list[Agent]:
    """Create this many available agents, as members of the queue if given."""
    available = Presence.objects.get(base_status=BasePresence.AVAILABLE, is_built_in=True)
    begin = User.objects.count()
    people = User.objects.bulk_create(User(username=f"crowd{begin + place}", password="!") for place in range(count))
    role = Group.objects.get(name="Agent")
    User.groups.through.objects.bulk_create(User.groups.through(user=person, group=role) for person in people)
    agents = Agent.objects.bulk_create(Agent(user=person, presence=available) for person in people)
    if queue is not None:
        QueueMembership.objects.bulk_create(QueueMembership(queue=queue, agent=person) for person in agents)
    return agents
