"""The list of conversations."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from omnichannel.conversations import access
from omnichannel.conversations.models import Label, Priority
from omnichannel.desk.dialogs.responses import render_dialog
from omnichannel.desk.inbox import conversation_list as lists
from omnichannel.desk.inbox.filters import InboxFilters
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero
from routing.models import Queue, WorkStream

FILTER_COOKIE_MAX_AGE = 365 * 24 * 3600


@require_GET
@agent_required
def inbox(request: AgentRequest) -> HttpResponse:
    """The inbox: the whole page, the list alone, or the rows that follow those shown."""
    view = lists.get_view_or_default(request.GET.get("view", ""), request.agent)
    filters, before = _get_filters(request), request.GET.get("before", "")
    shown = parse_int_or_zero(request.GET.get("shown", ""))
    found = lists.get_inbox(request.user, request.agent, view, filters, cursor=before, row_count=shown)
    response = render(request, _template_name(request, found), {"inbox": found, "view": view})
    if "sort" in request.GET and not shown and not before:
        _remember_filters(request, response, found)
    return response


def _get_filters(request: AgentRequest) -> InboxFilters:
    """Those of the address; an address without any has those the agent last chose."""
    if "sort" in request.GET:
        return InboxFilters.parse(request.GET.dict())
    return InboxFilters.parse(QueryDict(request.COOKIES.get(_filter_cookie_name(request), "")).dict())


def _filter_cookie_name(request: AgentRequest) -> str:
    return f"list-{request.agent.pk}"


def _remember_filters(request: AgentRequest, response: HttpResponse, found: lists.Inbox) -> None:
    """The choice lasts; on the inbox's own page it stands in the address too, to go back to and to pass on."""
    lasting = found.filters.query_for_other_views
    response.set_cookie(
        _filter_cookie_name(request),
        lasting,
        max_age=FILTER_COOKIE_MAX_AGE,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure(),
    )
    inbox_page = resolve_url("desk:inbox")
    if request.htmx and (request.htmx.current_url_abs_path or "").partition("?")[0] == inbox_page:
        response["HX-Push-Url"] = f"{inbox_page}?view={found.view}&{found.filters.query_string}"


def _template_name(request: AgentRequest, found: lists.Inbox) -> str:
    if not request.htmx:
        return "desk/inbox/page.html"
    return "desk/inbox/_list.html" if found.tabs else "desk/inbox/_rows.html"


@require_GET
@agent_required
def filter_dialog(request: AgentRequest) -> HttpResponse:
    """What the list can be filtered by."""
    view = lists.get_view_or_default(request.GET.get("view", ""), request.agent)
    sees_all = access.can_supervise(request.agent)
    queues = Queue.objects.all() if sees_all else Queue.objects.for_agent(request.agent)
    context = {
        "title": _("Filter"),
        "form_template": "desk/inbox/_filter_form.html",
        "view": view,
        "filters": _get_filters(request),
        "queues": queues.order_by("name"),
        "streams": WorkStream.objects.order_by("name"),
        "labels": Label.objects.all(),
        "priorities": Priority,
        "agents": access.active_agents().order_by("user__first_name", "user__username") if sees_all else (),
    }
    return render_dialog(request, context)
