"""What follows from a person's roles: whether they may enter the administration, and that they are an agent."""

from omnichannel.accounts.backends import RolesBackend
from omnichannel.accounts.models import User
from omnichannel.roles import ADMINISTRATOR, AGENT, SUPERVISOR
from routing.agents import ensure_agent

ENTERS_THE_ADMINISTRATION = {ADMINISTRATOR, SUPERVISOR}
WORKS_AT_THE_DESK = {ADMINISTRATOR, SUPERVISOR, AGENT}


def settle_roles(user: User) -> None:
    """Make the person what their roles say: staff or not, and an agent where they have any of the three."""
    roles = set(user.groups.values_list("name", flat=True))
    user.is_staff = user.is_superuser or bool(roles & ENTERS_THE_ADMINISTRATION)
    user.save(update_fields=["is_staff"])
    if roles & WORKS_AT_THE_DESK:
        ensure_agent(user)


class PeopleBackend(RolesBackend):
    """Who signs in works at the desk, mostly: the agent they are comes with them."""

    along = ("agent__presence", "agent__preferences")
