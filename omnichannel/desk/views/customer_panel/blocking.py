"""Block and unblock the customer of a conversation."""

from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import blocking
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.workspace import conversation_response


def _blocking_view(action: Callable[..., None]) -> Callable[..., HttpResponseBase]:
    """Return a view that performs the action; it answers 403 with the reason when it is not permitted."""

    @require_POST
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            action(conversation, by=request.user)
        except blocking.BlockContactError as refusal:
            return conversation_response(request, conversation, error_message=str(refusal), status=403)
        return conversation_response(request, conversation)

    return view


block = _blocking_view(blocking.block_contact)
unblock = _blocking_view(blocking.unblock_contact)
