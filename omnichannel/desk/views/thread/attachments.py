"""Attachments: for agents who may see the conversation, and for Twilio by signed links."""

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
def serve_attachment(request: AgentRequest, pk: int) -> HttpResponseBase:
    """Return a file of a message, displayed in the browser or, with `?download=1`, saved."""
    attachment = access.get_attachment_or_404(request.user, pk)
    return attachment_response(request, attachment, download="download" in request.GET)


@require_POST
@agent_required
def retry_download(request: AgentRequest, pk: int) -> HttpResponse:
    """Retry the download of a file that failed; 409 with the reason when that is not possible."""
    attachment = access.get_attachment_or_404(request.user, pk)
    conversation = access.get_conversation_or_404(request.user, attachment.message.conversation_id)
    try:
        media_download.retry_download(attachment)
    except media_download.MediaRetryError as refusal:
        return conversation_response(request, conversation, error_message=str(refusal), status=409)
    return conversation_response(request, conversation, thread=thread_of_messages(conversation, attachment.message))


@require_safe
def signed_attachment(request: HttpRequest, token: str) -> HttpResponseBase:
    """Return an agent's file to Twilio: everybody with the signed link gets it for some hours."""
    attachment = get_attachment_by_token(token)
    if attachment is None:
        raise Http404("This link is invalid or has expired.")
    return attachment_response(request, attachment)
