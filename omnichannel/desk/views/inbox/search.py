"""Look something up from the list."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from omnichannel.conversations.search.query import search as look_up
from omnichannel.desk.inbox import conversation_list as lists
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_GET
@agent_required
def search(request: AgentRequest) -> HttpResponse:
    """What was found, in place of the list's rows; without the script in the list's page."""
    asked = request.GET.get("q", "")
    found = look_up(request.user, asked) if asked.strip() else None
    if request.htmx:
        return render(request, "desk/inbox/_search_results.html", {"found": found})
    inbox = lists.get_inbox(request.user, request.agent, lists.MINE)
    return render(request, "desk/inbox/page.html", {"found": found, "q": asked, "inbox": inbox, "view": inbox.view})
