"""Take a conversation, give it back, leave it, come back to it, end it."""

from collections.abc import Callable

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.assignment import pick
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionRefused
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.views.conversation import answer
from routing.models import Agent

NOT_NOW = _("That can't be done with this conversation now.")


def does(verb: Callable[[Conversation, Agent], None]) -> Callable[..., HttpResponseBase]:
    """A view that does this with the conversation; 409 with the reason when it can't be done now."""

    @require_POST
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.conversation_for(request.user, pk)
        try:
            verb(conversation, request.agent)
        except TransitionRefused as refused:
            now = access.conversation_for(request.user, pk)
            return answer(request, now, problem=str(refused), status=409)
        return show_afterwards(request, pk)

    return view


def show_afterwards(request: AgentRequest, pk: int) -> HttpResponse:
    """The conversation as it is now; the inbox for whom it is out of sight now."""
    try:
        return answer(request, access.conversation_for(request.user, pk))
    except Http404:  # given back to a queue whose conversations this agent may not see
        if request.htmx:
            return HttpResponse(headers={"HX-Redirect": resolve_url("desk:inbox")})
        return redirect("desk:inbox")


take = does(pick.take)
release = does(pick.release)
leave = does(pick.leave_waiting)
resume = does(pick.resume)
end = does(close.end)
