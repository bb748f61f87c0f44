"""Files: shown to those who may see the conversation, and offered to Twilio by signed links."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from omnichannel.conversations import access
from omnichannel.conversations.inbound import media_download
from omnichannel.conversations.outbound.uploads import get_attachment_by_token
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.shared.file_responses import served
from omnichannel.desk.thread.messages import only
from omnichannel.desk.workspace import render_update


@require_safe
@agent_page
def attachment(request: AgentRequest, pk: int) -> HttpResponseBase:
    """A file of a message, shown in the browser or, with `?download=1`, saved."""
    found = access.get_attachment_or_404(request.user, pk)
    return served(request, found, download="download" in request.GET)


@require_POST
@agent_page
def retry(request: AgentRequest, pk: int) -> HttpResponse:
    """Try again to fetch a file that never came."""
    found = access.get_attachment_or_404(request.user, pk)
    conversation = access.get_conversation_or_404(request.user, found.message.conversation_id)
    try:
        media_download.retry_download(found)
    except media_download.MediaRetryError as refused:
        return render_update(request, conversation, problem=str(refused), status=409)
    return render_update(request, conversation, thread=only(conversation, found.message))


@require_safe
def offered_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """An agent's file, for Twilio: whoever has the signed link gets it, for some hours."""
    found = get_attachment_by_token(token)
    if found is None:
        raise Http404("This link is not valid, or no longer.")
    return served(request, found)
