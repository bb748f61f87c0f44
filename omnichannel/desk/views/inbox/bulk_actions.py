"""Bulk actions on the conversations selected in the inbox."""

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from omnichannel.desk.dialogs.definitions import Dialog
from omnichannel.desk.dialogs.forms import DialogForm
from omnichannel.desk.dialogs.responses import render_dialog
from omnichannel.desk.inbox import bulk_actions
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def bulk_action(request: AgentRequest) -> HttpResponse:
    """Show the dialog of the action `action`, perform it on the conversations `pk`, and show the result."""
    params = request.POST if request.method == "POST" else request.GET
    dialog = _get_action(request, params.get("action", ""))
    pks = [pk for pk in map(parse_int_or_zero, params.getlist("pk")) if pk]
    if not 0 < len(set(pks)) <= bulk_actions.MAX_CONVERSATIONS:
        return _render_selection_error(request)
    conversations = bulk_actions.get_selected_conversations(request.user, request.agent, pks)
    form = dialog.form_class(
        params if request.method == "POST" else None, conversations=conversations, agent=request.agent
    )
    if request.method != "POST" or not form.is_valid():
        return _render_action_dialog(request, dialog, form, pks, status=422 if form.is_bound else 200)
    result = bulk_actions.run_bulk_action(dialog, conversations, request.agent, form.cleaned_data)
    result.inaccessible_count = len(set(pks)) - len(conversations)
    return _result_response(request, dialog, result)


def _get_action(request: AgentRequest, name: str) -> Dialog:
    for dialog in bulk_actions.bulk_actions_for(request.agent):
        if dialog.name == name:
            return dialog
    raise Http404("No such bulk action for this agent.")


def _render_selection_error(request: AgentRequest) -> HttpResponse:
    message = _("Select 1 to %(most)s conversations.") % {"most": bulk_actions.MAX_CONVERSATIONS}
    return render_dialog(
        request,
        {"form_template": "desk/inbox/_bulk_result.html", "title": message, "back_url": _inbox_url()},
        status=422,
    )


def _inbox_url() -> str:
    return resolve_url("desk:inbox")


def _render_action_dialog(
    request: AgentRequest, dialog: Dialog, form: DialogForm, pks: list[int], *, status: int
) -> HttpResponse:
    description = ngettext("%(count)s conversation", "%(count)s conversations", len(pks)) % {"count": len(pks)}
    action_url = resolve_url("desk:bulk_action")
    context: dict[str, Any] = {
        "dialog": dialog,
        "form": form,
        "pks": pks,
        "action_url": action_url,
        "description": description,
    }
    return render_dialog(request, {**context, "back_url": _inbox_url(), "action": dialog.name}, status=status)


def _result_response(request: AgentRequest, dialog: Dialog, result: bulk_actions.BulkResult) -> HttpResponse:
    summary = ngettext("%(count)s updated", "%(count)s updated", result.succeeded_count) % {
        "count": result.succeeded_count
    }
    if result.failed_count:
        failure_text = ngettext("%(count)s failed", "%(count)s failed", result.failed_count) % {
            "count": result.failed_count
        }
        summary = f"{summary}, {failure_text}"
    trigger = json.dumps({"bulk-done": {"message": f"{dialog.title}: {summary}.", "failed_count": result.failed_count}})
    if request.htmx and not result.failed_count:
        return HttpResponse(status=204, headers={"HX-Trigger": trigger})
    context = {
        "form_template": "desk/inbox/_bulk_result.html",
        "title": summary,
        "result": result,
        "back_url": _inbox_url(),
    }
    response = render_dialog(request, context)
    response["HX-Trigger"] = trigger
    return response
