"""Record that an agent is present while they use the administration."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.presence import sessions


def admin_activity_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Count a page of the administration as activity of the user's agent, as pages of the desk do.

    With scripts the event stream reports the agent, here as at the desk.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.resolver_match and request.resolver_match.app_name == "admin":
            _record_activity(request)
        return response

    return middleware


def _record_activity(request: HttpRequest) -> None:
    agent = access.agent_for_user(request.user) if isinstance(request.user, User) else None
    if agent is not None and agent.last_seen_at is not None:
        sessions.record_page_activity(agent.user)
