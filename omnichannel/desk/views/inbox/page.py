"""The inbox page and the dialog of its filters."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from omnichannel.conversations import access
from omnichannel.conversations.models import Label, Priority
from omnichannel.desk.dialogs.responses import render_dialog
from omnichannel.desk.inbox.conversation_list import Inbox, get_inbox, get_view_or_default
from omnichannel.desk.inbox.filters import InboxFilters
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero
from routing.models import Queue, WorkStream

FILTER_COOKIE_MAX_AGE = 365 * 24 * 3600


@require_GET
@agent_required
def inbox_page(request: AgentRequest) -> HttpResponse:
    """Show the inbox: the whole page, the list alone, or the rows after the cursor in `?before=`."""
    view = get_view_or_default(request.GET.get("view", ""), request.agent)
    filters, cursor = _get_filters(request), request.GET.get("before", "")
    row_count = parse_int_or_zero(request.GET.get("shown", ""))
    inbox = get_inbox(request.user, request.agent, view, filters, cursor=cursor, row_count=row_count)
    response = render(request, _template_name(request, inbox), {"inbox": inbox, "view": view})
    if "sort" in request.GET and not row_count and not cursor:
        _remember_filters(request, response, inbox)
    return response


def _get_filters(request: AgentRequest) -> InboxFilters:
    """Return the filters in the URL, or without any the agent's last ones from the cookie."""
    if "sort" in request.GET:
        return InboxFilters.parse(request.GET.dict())
    return InboxFilters.parse(QueryDict(request.COOKIES.get(_filter_cookie_name(request), "")).dict())


def _filter_cookie_name(request: AgentRequest) -> str:
    return f"list-{request.agent.pk}"


def _remember_filters(request: AgentRequest, response: HttpResponse, inbox: Inbox) -> None:
    """Store the filters in a cookie; on the inbox page put them in the URL too, for history and links."""
    response.set_cookie(
        _filter_cookie_name(request),
        inbox.filters.query_for_other_views,
        max_age=FILTER_COOKIE_MAX_AGE,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure(),
    )
    inbox_url = resolve_url("desk:inbox")
    if request.htmx and (request.htmx.current_url_abs_path or "").partition("?")[0] == inbox_url:
        response["HX-Push-Url"] = f"{inbox_url}?view={inbox.view}&{inbox.filters.query_string}"


def _template_name(request: AgentRequest, inbox: Inbox) -> str:
    if not request.htmx:
        return "desk/inbox/page.html"
    return "desk/inbox/_list.html" if inbox.tabs else "desk/inbox/_rows.html"


@require_GET
@agent_required
def filter_dialog(request: AgentRequest) -> HttpResponse:
    """Show the dialog with the filters of the list."""
    view = get_view_or_default(request.GET.get("view", ""), request.agent)
    sees_all = access.can_supervise(request.agent)
    queues = Queue.objects.all() if sees_all else Queue.objects.for_agent(request.agent)
    context = {
        "title": _("Filter"),
        "form_template": "desk/inbox/_filter_form.html",
        "view": view,
        "filters": _get_filters(request),
        "queues": queues.order_by("name"),
        "work_streams": WorkStream.objects.order_by("name"),
        "labels": Label.objects.all(),
        "priorities": Priority,
        "agents": access.active_agents().order_by("user__first_name", "user__username") if sees_all else (),
    }
    return render_dialog(request, context)
