"""Block the customer of a conversation, and let them through again."""

from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import blocking
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.workspace import conversation_response


def _blocking_view(verb: Callable[..., None]) -> Callable[..., HttpResponseBase]:
    """A view that does this; 403 with the reason for those who see the conversation, but may not."""

    @require_POST
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            verb(conversation, by=request.user)
        except blocking.BlockContactError as refused:
            return conversation_response(request, conversation, error_message=str(refused), status=403)
        return conversation_response(request, conversation)

    return view


block = _blocking_view(blocking.block_contact)
unblock = _blocking_view(blocking.unblock_contact)
