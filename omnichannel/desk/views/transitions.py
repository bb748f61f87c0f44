"""Transitions of a conversation without a dialog: take, give back, end, monitor, join and so on."""

from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.assignment import consult, pick, supervise
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.workspace import conversation_response, render_after_transition
from routing.models import Agent

NOT_AVAILABLE = _("This is not possible right now.")


def _transition_view(transition: Callable[[Conversation, Agent], None]) -> Callable[..., HttpResponseBase]:
    """Return a view that calls the transition; it answers 409 with the reason when it is not possible now."""

    @require_POST
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            transition(conversation, request.agent)
        except TransitionError as refusal:
            current = access.get_conversation_or_404(request.user, pk)
            return conversation_response(request, current, error_message=str(refusal), status=409)
        return render_after_transition(request, pk)

    return view


take = _transition_view(pick.take_conversation)
release = _transition_view(pick.release_conversation)
wait_for_customer = _transition_view(pick.wait_for_customer)
resume = _transition_view(pick.resume_conversation)
end = _transition_view(close.end_conversation)
monitor = _transition_view(supervise.monitor_conversation)
join = _transition_view(supervise.join_conversation)
leave_conversation = _transition_view(consult.leave_conversation)
release_to_queue = _transition_view(supervise.release_to_queue)
