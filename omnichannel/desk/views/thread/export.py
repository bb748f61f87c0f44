"""Export of a conversation as text or PDF."""

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from omnichannel.conversations import access
from omnichannel.conversations.export import transcript
from omnichannel.conversations.models import Conversation
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.workspace import render_conversation


@require_GET
@agent_required
def export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """Return the conversation as text or, with `?format=pdf`, as a PDF.

    Notes and the timeline are included with `include_notes` and `include_timeline` in the query.
    """
    conversation = access.get_conversation_or_404(request.user, pk)
    options = transcript.ExportOptions(
        timezone.get_current_timezone(),
        get_language(),
        include_notes="include_notes" in request.GET,
        include_timeline="include_timeline" in request.GET,
    )
    if request.GET.get("format") == "pdf":
        return _pdf_response(request, conversation, options)
    chunks = transcript.export_text(conversation, options, by=request.user, now=timezone.now())
    response = StreamingHttpResponse(chunks, content_type="text/plain; charset=utf-8")
    return _make_download(response, conversation, "txt")


def _pdf_response(
    request: AgentRequest, conversation: Conversation, options: transcript.ExportOptions
) -> HttpResponseBase:
    try:
        pdf = transcript.export_pdf(conversation, options, by=request.user, now=timezone.now())
    except transcript.PDFExportError as refusal:
        return render_conversation(request, conversation, error_message=str(refusal), status=409)
    return _make_download(HttpResponse(pdf, content_type="application/pdf"), conversation, "pdf")


def _make_download(response: HttpResponseBase, conversation: Conversation, extension: str) -> HttpResponseBase:
    response["Content-Disposition"] = content_disposition_header(
        True, transcript.get_file_name(conversation, extension)
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response
