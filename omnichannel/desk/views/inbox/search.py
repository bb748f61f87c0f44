"""Search in the inbox."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from omnichannel.conversations.search.query import search
from omnichannel.desk.inbox.conversation_list import get_inbox
from omnichannel.desk.inbox.queries import InboxView
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_GET
@agent_required
def search_inbox(request: AgentRequest) -> HttpResponse:
    """Return the search results in place of the list's rows, or without scripts in the inbox page."""
    query = request.GET.get("q", "")
    results = search(request.user, query) if query.strip() else None
    if request.htmx:
        return render(request, "desk/inbox/_search_results.html", {"results": results})
    inbox = get_inbox(request.user, request.agent, InboxView.MINE)
    return render(
        request, "desk/inbox/page.html", {"results": results, "query": query, "inbox": inbox, "view": inbox.view}
    )
