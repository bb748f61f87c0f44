"""Which agent a person is."""

from omnichannel.accounts.models import User
from routing.models import Agent, BasePresence, Presence


def ensure_agent(user: User) -> Agent:
    """The agent this person is, made if need be: offline, with the usual capacity."""
    offline = Presence.objects.get(base_status=BasePresence.OFFLINE, is_built_in=True)
    agent, _ = Agent.objects.get_or_create(user=user, defaults={"presence": offline})
    return agent


def agent_of(user: User) -> Agent | None:
    """The agent this person is; None for someone who has never had a role."""
    return Agent.objects.select_related("user", "presence").filter(user=user).first()
