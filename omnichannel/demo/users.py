"""Users, queue and custom fields of the demonstration shop."""

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
    """A demonstration user with role and presence."""

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
    """Create the demonstration users; return their agents by user name."""
    return {demo_user.username: _create_user(demo_user) for demo_user in DEMO_USERS}


def _create_user(demo_user: DemoUser) -> Agent:
    user = User.objects.create_user(
        demo_user.username,
        password=DEMO_PASSWORD,
        first_name=demo_user.first_name,
        last_name=demo_user.last_name,
        is_staff=demo_user.role != roles.AGENT,
    )
    user.groups.add(Group.objects.get(name=demo_user.role))
    agent = get_or_create_agent(user)
    agent.presence = Presence.objects.get(base_status=demo_user.presence, is_built_in=True)
    agent.save(update_fields=["presence"])
    return agent


def create_returns_work_stream(agents: dict[str, Agent]) -> WorkStream:
    """Create a second work stream with its own queue, in which only some agents work."""
    queue = Queue.objects.create(name="Returns", priority=10)
    for name in ("dana", "omar"):
        QueueMembership.objects.create(queue=queue, agent=agents[name])
    return WorkStream.objects.create(name="Returns work stream", fallback_queue=queue, capacity=40)


def create_custom_fields() -> None:
    """Create the order number of conversations and the customer group of contacts."""
    for stream in WorkStream.objects.all():
        ContextVariable.objects.create(
            work_stream=stream,
            display_name="Order number",
            name="order_number",
            type=VariableType.NUMBER,
            found_after="order",
        )
    ContactField.objects.create(display_name="Customer group", name="customer_group")
