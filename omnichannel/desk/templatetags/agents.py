"""Template tags about the user's own agent, for pages inside and outside the desk."""

from django import template
from django.http import HttpRequest

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from routing.models import Agent

register = template.Library()


@register.simple_tag(takes_context=True)
def own_agent(context: template.Context) -> Agent | None:
    """Return the agent of the user who requests the page; None for users who do not work at the desk."""
    request = context.get("request")
    return get_own_agent(request) if isinstance(request, HttpRequest) else None


def get_own_agent(request: HttpRequest) -> Agent | None:
    """Return the agent of the request's user; None for users who do not work at the desk."""
    agent = getattr(request, "agent", None)
    if isinstance(agent, Agent):
        return agent
    user = getattr(request, "user", None)
    return access.agent_for_user(user) if isinstance(user, User) else None


@register.filter
def can_work(user: object) -> bool:
    """Return whether the user may open the desk."""
    return isinstance(user, User) and user.has_perm(access.WORK_PERMISSION)
