"""The list of conversations."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from omnichannel.desk import inbox as lists
from omnichannel.desk.paging import Cursor
from omnichannel.desk.requests import AgentRequest, agent_page


@require_GET
@agent_page
def inbox(request: AgentRequest) -> HttpResponse:
    """The inbox: the whole page, the list alone, or the rows that follow those shown."""
    before = Cursor.read(request.GET.get("before", ""))
    shown, view = request.GET.get("shown", ""), lists.view_named(request.GET.get("view", ""), request.agent)
    found = lists.inbox(
        request.user,
        request.agent,
        view,
        before=before,
        shown=int(shown) if shown.isdecimal() and len(shown) < 6 else 0,
    )
    return render(request, _template(request, before), {"inbox": found, "view": view})


def _template(request: AgentRequest, before: Cursor | None) -> str:
    if not request.htmx:
        return "desk/inbox.html"
    return "desk/_list.html" if before is None else "desk/_rows.html"
