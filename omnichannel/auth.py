"""Authentication backend, and the staff and agent status that follows from a user's roles."""

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
    """Set `is_staff` by the user's roles and create their agent when they have any of the three roles."""
    roles = set(user.groups.values_list("name", flat=True))
    user.is_staff = user.is_superuser or bool(roles & STAFF_ROLES)
    user.save(update_fields=["is_staff"])
    if roles & AGENT_ROLES:
        get_or_create_agent(user)


class AgentAuthBackend(PermissionCachingBackend):
    """Load the signed-in user together with their agent, and refuse demonstration accounts in production."""

    select_related_fields = ("agent__presence", "agent__preferences")

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user with these credentials; on a public server refuse the demonstration password."""
        if is_disabled_demo_password(password):
            return None
        return super().authenticate(request, username, password, **kwargs)

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Return whether the user may be signed in. Runs on every request, so a refusal also ends sessions."""
        return super().user_can_authenticate(user) and not (isinstance(user, User) and is_disabled_demo_account(user))
