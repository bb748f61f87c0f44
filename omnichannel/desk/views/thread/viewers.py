"""The other viewers of a conversation, and the colleagues who are typing in it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.outbound.typing_indicator import request_typing_indicator
from omnichannel.conversations.presence.viewers import (
    other_viewers,
    record_typing,
    record_viewing,
    remove_viewer,
    stop_typing,
)
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def viewers(request: AgentRequest, pk: int) -> HttpResponse:
    """Return the other viewers; a POST records the agent as a viewer, or with `closed` removes them."""
    conversation = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    if "closed" in request.POST:
        remove_viewer(conversation, request.agent, now)
        return HttpResponse(status=204)
    if request.method == "POST":
        record_viewing(conversation, request.agent, now)
    others = other_viewers(conversation, request.agent, now)
    context = {"viewers": others, "typing_viewers": [viewer for viewer in others if viewer.is_typing]}
    return render(request, "desk/thread/_viewers.html", context)


@require_POST
@agent_required
def typing(request: AgentRequest, pk: int) -> HttpResponse:
    """Record that the agent is typing, or with `stopped` that they no longer are.

    With `reply` they write to the customer, who may get WhatsApp's typing indicator.
    """
    conversation = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    if "stopped" in request.POST:
        stop_typing(conversation, request.agent, now)
    else:
        record_typing(conversation, request.agent, now)
    if "reply" in request.POST:
        request_typing_indicator(conversation, request.agent, now)
    return HttpResponse(status=204)
