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
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.workspace import render_update, render_update_or_inbox
from routing.models import Agent

NOT_NOW = _("That can't be done with this conversation now.")


def _transition_view(transition: Callable[[Conversation, Agent], None]) -> Callable[..., HttpResponseBase]:
    """Return a view that calls the transition; it answers 409 with the reason when it is not possible now."""

    @require_POST
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            transition(conversation, request.agent)
        except TransitionError as refusal:
            current = access.get_conversation_or_404(request.user, pk)
            return render_update(request, current, problem=str(refusal), status=409)
        return render_update_or_inbox(request, pk)

    return view


take = _transition_view(pick.take_conversation)
release = _transition_view(pick.release_conversation)
leave = _transition_view(pick.wait_for_customer)
resume = _transition_view(pick.resume_conversation)
end = _transition_view(close.end_conversation)
monitor = _transition_view(supervise.monitor_conversation)
join = _transition_view(supervise.join_conversation)
step_out = _transition_view(consult.leave_conversation)
release_to_queue = _transition_view(supervise.release_to_queue)
