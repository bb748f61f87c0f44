"""The agent's own status: presence, free capacity and offers."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from omnichannel.conversations.presence import sessions
from omnichannel.desk.agent_status.forms import PresenceForm
from omnichannel.desk.agent_status.notifications import NotificationCursor
from omnichannel.desk.agent_status.status import get_agent_status
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


def render_agent_status(
    request: AgentRequest,
    *,
    notification_cursor: NotificationCursor | None = None,
    error_message: str = "",
    status: int = 200,
) -> HttpResponse:
    """Return the agent's current status, as a fragment or as a page."""
    template = "desk/agent_status/_status.html" if request.htmx else "desk/agent_status/page.html"
    context = {
        "agent_status": get_agent_status(request.agent),
        "error_message": error_message,
        "notification_cursor": notification_cursor,
    }
    return render(request, template, context, status=status)


@require_POST
@agent_required
def set_presence(request: AgentRequest) -> HttpResponse:
    """Change the agent's presence."""
    form = PresenceForm(request.POST)
    if form.is_valid():
        sessions.choose_presence(request.agent, form.cleaned_data["presence"])
    if request.htmx:
        return render_agent_status(request, status=200 if form.is_valid() else 422)
    next_url = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(next_url, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(next_url if is_safe else reverse("desk:inbox"))


@require_POST
@agent_required
def return_from_inactive(request: AgentRequest) -> HttpResponse:
    """End the Inactive presence that the system set."""
    sessions.return_from_absence(request.agent)
    return render_agent_status(request) if request.htmx else redirect("desk:inbox")
