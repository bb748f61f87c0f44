"""Who signs in to the demonstration, and the shop they work for."""

from dataclasses import dataclass

from django.contrib.auth.models import Group

from omnichannel import roles
from omnichannel.accounts.demo_accounts import DEMO_PASSWORD
from omnichannel.accounts.models import User
from routing.agents import get_or_create_agent
from routing.models import (
    Agent,
    BasePresence,
    ContactField,
    ContextVariable,
    Presence,
    Queue,
    QueueMembership,
    VariableType,
    WorkStream,
)


@dataclass(frozen=True)
class DemoUser:
    username: str
    first_name: str
    last_name: str
    role: str
    presence: BasePresence = BasePresence.AVAILABLE


DEMO_USERS = [
    DemoUser("admin", "Ada", "Moreau", roles.ADMINISTRATOR, BasePresence.OFFLINE),
    DemoUser("sofia", "Sofia", "Lindqvist", roles.SUPERVISOR),
    DemoUser("dana", "Dana", "Kim", roles.AGENT),
    DemoUser("omar", "Omar", "Haddad", roles.AGENT, BasePresence.AWAY),
]


def create_users() -> dict[str, Agent]:
    """One person for each role, and two agents; by user name."""
    return {person.username: _create_user(person) for person in DEMO_USERS}


def _create_user(person: DemoUser) -> Agent:
    user = User.objects.create_user(
        person.username,
        password=DEMO_PASSWORD,
        first_name=person.first_name,
        last_name=person.last_name,
        is_staff=person.role != roles.AGENT,
    )
    user.groups.add(Group.objects.get(name=person.role))
    agent = get_or_create_agent(user)
    agent.presence = Presence.objects.get(base_status=person.presence, is_built_in=True)
    agent.save(update_fields=["presence"])
    return agent


def create_returns_work_stream(agents: dict[str, Agent]) -> WorkStream:
    """A second work stream with a queue of its own, in which only some agents work."""
    queue = Queue.objects.create(name="Returns", priority=10)
    for name in ("dana", "omar"):
        QueueMembership.objects.create(queue=queue, agent=agents[name])
    return WorkStream.objects.create(name="Returns work stream", fallback_queue=queue, capacity=40)


def create_custom_fields() -> None:
    """Which order a conversation is about, and which kind of customer somebody is."""
    for stream in WorkStream.objects.all():
        ContextVariable.objects.create(
            work_stream=stream,
            display_name="Order number",
            name="order_number",
            type=VariableType.NUMBER,
            found_after="order",
        )
    ContactField.objects.create(display_name="Customer group", name="customer_group")
