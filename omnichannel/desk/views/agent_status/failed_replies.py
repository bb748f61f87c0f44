"""Notices of replies that failed after their conversation was closed or left."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from omnichannel.conversations.outbound.failed_replies import get_failed_replies, mark_failed_reply_seen
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.views.agent_status.status import render_agent_status


@require_POST
@agent_required
def show_failed_reply(request: AgentRequest, pk: int) -> HttpResponse:
    """Open the conversation at the message that failed; its notice is no longer shown."""
    failed_reply = get_object_or_404(get_failed_replies(request.agent), pk=pk)
    mark_failed_reply_seen(failed_reply, by=request.agent)
    message = failed_reply.message
    url = reverse("desk:conversation", args=[message.conversation_id])
    return redirect(f"{url}?message={message.pk}#message-{message.pk}")


@require_POST
@agent_required
def dismiss_failed_reply(request: AgentRequest, pk: int) -> HttpResponse:
    """Remove the notice of a message that failed."""
    mark_failed_reply_seen(get_object_or_404(get_failed_replies(request.agent), pk=pk), by=request.agent)
    return render_agent_status(request) if request.htmx else redirect("desk:inbox")
