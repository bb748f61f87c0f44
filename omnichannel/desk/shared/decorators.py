"""Decorator for the desk's views: every request is an agent's."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.middleware import HtmxDetails

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.presence import sessions
from routing.agents import get_or_create_agent
from routing.models import Agent

P = ParamSpec("P")


class AgentRequest(HttpRequest):
    """A request of a user who is an agent, as `agent_required` passes it to views."""

    user: User
    agent: Agent
    htmx: HtmxDetails


def agent_required(view: Callable[Concatenate[AgentRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Require an agent: set `request.agent`, redirect to sign-in, or answer 403 without the permission.

    The view answers 410 when the agent has lost access to the conversation.
    """

    @wraps(view)
    def inner(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _redirect_to_sign_in(request)
        request.agent = _get_or_create_agent(request.user)
        if request.agent.last_seen_at is not None:
            # Without scripts no event stream shows that the agent is present, so page requests do.
            sessions.record_page_activity(request.user)
        try:
            response = view(request, *args, **kwargs)
        except access.AccessLostError as error:
            response = _render_no_access(request, error)
        if not response.has_header("Cache-Control"):
            # A page and its fragments share a URL: a cache must not answer one with the other.
            add_never_cache_headers(response)
            patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    return inner


def _render_no_access(request: AgentRequest, error: access.AccessLostError) -> HttpResponse:
    """Return the reason and a link to the inbox; for htmx they replace the conversation."""
    template = "desk/shared/_no_access.html" if request.htmx else "desk/shared/no_access.html"
    return render(request, template, {"reason": str(error)}, status=410)


def _get_or_create_agent(user: User) -> Agent:
    agent = access.agent_for_user(user)
    if agent is None:
        if not user.has_perm(access.WORK_PERMISSION):
            raise PermissionDenied("This user has no permission to work at the desk.")
        agent = get_or_create_agent(user)
    return agent


def _redirect_to_sign_in(request: AgentRequest) -> HttpResponse:
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    query = urlencode({"next": request.htmx.current_url_abs_path or "/"})
    return HttpResponse(status=401, headers={"HX-Redirect": f"{resolve_url(settings.LOGIN_URL)}?{query}"})
