"""The offers to the agent: list, accept and reject."""

import json
from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_GET, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.assignment.offers import accept_offer, reject_offer
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.desk.agent_status.notifications import NotificationCursor
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.views.agent_status.status import render_agent_status
from routing.models import Agent


@require_GET
@agent_required
def offers(request: AgentRequest) -> HttpResponse:
    """Return offers, presence and free capacity, as a fragment for every page or as a page of its own."""
    # A page requests this when it has just been opened, and polls for notifications from this cursor on.
    return render_agent_status(request, notification_cursor=NotificationCursor.latest() if request.htmx else None)


def _offer_view(
    action: Callable[[Conversation, Agent], None], build_response: Callable[[AgentRequest, int], HttpResponse]
) -> Callable[..., HttpResponseBase]:
    """Return a view that accepts or rejects an offer; 409 with the reason when that is not possible."""

    @require_POST
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            action(conversation, request.agent)
        except TransitionError as refusal:
            return render_agent_status(request, error_message=str(refusal), status=409)
        return build_response(request, pk)

    return view


def _has_workspace(request: AgentRequest) -> bool:
    """Return whether the page that sent the request can show a conversation."""
    path = request.htmx.current_url_abs_path
    try:
        match = resolve(path.partition("?")[0]) if path else None
    except Resolver404:
        match = None
    return match is None or match.view_name in {"desk:inbox", "desk:conversation"}


def _open_conversation(request: AgentRequest, pk: int) -> HttpResponse:
    url = resolve_url("desk:conversation", pk=pk)
    if not request.htmx:
        return redirect(url)
    if not _has_workspace(request):
        return HttpResponse(headers={"HX-Redirect": url})
    location = {"path": url, "target": "#workspace", "swap": "outerHTML show:none"}
    return HttpResponse(headers={"HX-Location": json.dumps(location)})


def _show_offers(request: AgentRequest, pk: int) -> HttpResponse:
    return render_agent_status(request) if request.htmx else redirect("desk:offers")


accept = _offer_view(accept_offer, _open_conversation)
reject = _offer_view(reject_offer, _show_offers)
