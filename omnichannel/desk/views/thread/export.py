"""A conversation to take away, for those who may see it."""

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from omnichannel.conversations import access
from omnichannel.conversations.export import transcript as exports
from omnichannel.conversations.models import Conversation
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.workspace import render_conversation


@require_GET
@agent_required
def export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The conversation as text or, with `?format=pdf`, as a PDF; with `notes` and `timeline` where asked for."""
    conversation = access.get_conversation_or_404(request.user, pk)
    wanted = exports.ExportOptions(
        timezone.get_current_timezone(),
        get_language(),
        include_notes="include_notes" in request.GET,
        include_timeline="include_timeline" in request.GET,
    )
    if request.GET.get("format") == "pdf":
        return _as_pdf(request, conversation, wanted)
    pieces = exports.export_text(conversation, wanted, by=request.user, now=timezone.now())
    response = StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")
    return _as_download(response, conversation, "txt")


def _as_pdf(request: AgentRequest, conversation: Conversation, wanted: exports.ExportOptions) -> HttpResponseBase:
    try:
        pages = exports.export_pdf(conversation, wanted, by=request.user, now=timezone.now())
    except exports.PDFExportError as refusal:
        return render_conversation(request, conversation, error_message=str(refusal), status=409)
    return _as_download(HttpResponse(pages, content_type="application/pdf"), conversation, "pdf")


def _as_download(response: HttpResponseBase, conversation: Conversation, ending: str) -> HttpResponseBase:
    response["Content-Disposition"] = content_disposition_header(True, exports.get_file_name(conversation, ending))
    response["X-Content-Type-Options"] = "nosniff"
    return response
