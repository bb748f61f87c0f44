"""What is offered to the agent, and what they show."""

import json
from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.views.decorators.http import require_GET, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.assignment import offers as verbs
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.desk.agent_status.notifications import NotificationCursor
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.views.agent_status.status import render_agent_status
from routing.models import Agent


@require_GET
@agent_required
def offers(request: AgentRequest) -> HttpResponse:
    """What is offered, the presence and the free capacity: for every page of the agent, or as a page of its own."""
    # A page that has just been opened begins with this: from here on there are news for it.
    return render_agent_status(request, notification_cursor=NotificationCursor.latest() if request.htmx else None)


def _offer_view(
    verb: Callable[[Conversation, Agent], None], then: Callable[[AgentRequest, int], HttpResponse]
) -> Callable[..., HttpResponseBase]:
    """A view with which the agent answers an offer; 409 with the reason when it is theirs no more."""

    @require_POST
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            verb(conversation, request.agent)
        except TransitionError as refused:
            return render_agent_status(request, error_message=str(refused), status=409)
        return then(request, pk)

    return view


def _open_conversation(request: AgentRequest, pk: int) -> HttpResponse:
    address = resolve_url("desk:conversation", pk=pk)
    if not request.htmx:
        return redirect(address)
    beside = {"path": address, "target": "#workspace", "swap": "outerHTML show:none"}
    return HttpResponse(headers={"HX-Location": json.dumps(beside)})


def _show_offers(request: AgentRequest, pk: int) -> HttpResponse:
    return render_agent_status(request) if request.htmx else redirect("desk:offers")


accept = _offer_view(verbs.accept_offer, _open_conversation)
reject = _offer_view(verbs.reject_offer, _show_offers)
