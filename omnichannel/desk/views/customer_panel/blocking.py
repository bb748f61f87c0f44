"""Block the customer of a conversation, and let them through again."""

from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import blocking
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.workspace import render_update


def _does(verb: Callable[..., None]) -> Callable[..., HttpResponseBase]:
    """A view that does this; 403 with the reason for those who see the conversation, but may not."""

    @require_POST
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        try:
            verb(conversation, by=request.user)
        except blocking.BlockContactError as refused:
            return render_update(request, conversation, problem=str(refused), status=403)
        return render_update(request, conversation)

    return view


block = _does(blocking.block_contact)
unblock = _does(blocking.unblock_contact)
