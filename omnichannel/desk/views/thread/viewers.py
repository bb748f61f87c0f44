"""Who else looks at a conversation, and who is writing in it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.outbound.typing_indicator import request_typing_indicator
from omnichannel.conversations.presence import viewers as viewing
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def viewers(request: AgentRequest, pk: int) -> HttpResponse:
    """The colleagues who look at it too; posted, the agent looks themselves, or with `gone` no more."""
    found = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    if "gone" in request.POST:
        viewing.remove_viewer(found, request.agent, now)
        return HttpResponse(status=204)
    if request.method == "POST":
        viewing.record_viewing(found, request.agent, now)
    others = viewing.other_viewers(found, request.agent, now)
    context = {"viewers": others, "writers": [one for one in others if one.is_typing]}
    return render(request, "desk/thread/_viewers.html", context)


@require_POST
@agent_required
def typing(request: AgentRequest, pk: int) -> HttpResponse:
    """The agent is writing, with `reply` to the customer, who may see it too; with `stopped`, no more."""
    found = access.get_conversation_or_404(request.user, pk)
    now = timezone.now()
    tell = viewing.stop_typing if "stopped" in request.POST else viewing.record_typing
    tell(found, request.agent, now)
    if "reply" in request.POST:
        request_typing_indicator(found, request.agent, now)
    return HttpResponse(status=204)
