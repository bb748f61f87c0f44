"""Files: shown to those who may see the conversation, and offered to Twilio by signed links."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from omnichannel.conversations import access
from omnichannel.conversations.inbound import media_download
from omnichannel.conversations.outbound.uploads import get_attachment_by_token
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.file_responses import attachment_response
from omnichannel.desk.thread.messages import thread_of_messages
from omnichannel.desk.workspace import conversation_response


@require_safe
@agent_required
def attachment(request: AgentRequest, pk: int) -> HttpResponseBase:
    """A file of a message, shown in the browser or, with `?download=1`, saved."""
    found = access.get_attachment_or_404(request.user, pk)
    return attachment_response(request, found, download="download" in request.GET)


@require_POST
@agent_required
def retry_download(request: AgentRequest, pk: int) -> HttpResponse:
    """Try again to fetch a file that never came."""
    found = access.get_attachment_or_404(request.user, pk)
    conversation = access.get_conversation_or_404(request.user, found.message.conversation_id)
    try:
        media_download.retry_download(found)
    except media_download.MediaRetryError as refused:
        return conversation_response(request, conversation, error_message=str(refused), status=409)
    return conversation_response(request, conversation, thread=thread_of_messages(conversation, found.message))


@require_safe
def signed_attachment(request: HttpRequest, token: str) -> HttpResponseBase:
    """An agent's file, for Twilio: whoever has the signed link gets it, for some hours."""
    found = get_attachment_by_token(token)
    if found is None:
        raise Http404("This link is not valid, or no longer.")
    return attachment_response(request, found)
