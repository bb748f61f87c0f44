"""What follows from a person's roles: whether they may enter the administration, and that they are an agent."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from omnichannel.accounts.backends import PermissionCachingBackend
from omnichannel.accounts.demo_accounts import is_disabled_demo_account, is_disabled_demo_password
from omnichannel.accounts.models import User
from omnichannel.roles import ADMINISTRATOR, AGENT, SUPERVISOR
from routing.agents import get_or_create_agent

STAFF_ROLES = {ADMINISTRATOR, SUPERVISOR}
AGENT_ROLES = {ADMINISTRATOR, SUPERVISOR, AGENT}


def apply_roles(user: User) -> None:
    """Make the person what their roles say: staff or not, and an agent where they have any of the three."""
    roles = set(user.groups.values_list("name", flat=True))
    user.is_staff = user.is_superuser or bool(roles & STAFF_ROLES)
    user.save(update_fields=["is_staff"])
    if roles & AGENT_ROLES:
        get_or_create_agent(user)


class AgentAuthBackend(PermissionCachingBackend):
    """Who signs in works at the desk, mostly: the agent they are comes with them."""

    select_related_fields = ("agent__presence", "agent__preferences")

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return who has this name and password; on a public server nobody signs in with the demonstration's."""
        if is_disabled_demo_password(password):
            return None
        return super().authenticate(request, username, password, **kwargs)

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Return whether this person may be signed in; asked at every request, so that refusing ends sessions too."""
        return super().user_can_authenticate(user) and not (isinstance(user, User) and is_disabled_demo_account(user))
