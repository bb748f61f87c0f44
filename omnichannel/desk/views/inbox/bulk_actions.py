"""One thing done with the conversations that were selected in the list."""

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
from omnichannel.desk.inbox import bulk_actions as several
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def bulk_action(request: AgentRequest) -> HttpResponse:
    """The dialog for what was chosen; then what became of it, row by row."""
    given = request.POST if request.method == "POST" else request.GET
    what = _get_action(request, given.get("verb", ""))
    pks = [pk for pk in map(parse_int_or_zero, given.getlist("pk")) if pk]
    if not 0 < len(set(pks)) <= several.MAX_CONVERSATIONS:
        return _render_selection_error(request)
    conversations = several.get_selected_conversations(request.user, request.agent, pks)
    form_class = what.form_class(
        given if request.method == "POST" else None, conversations=conversations, agent=request.agent
    )
    if request.method != "POST" or not form_class.is_valid():
        return _render_action_dialog(request, what, form_class, pks, status=422 if form_class.is_bound else 200)
    outcome = several.run_bulk_action(what, conversations, request.agent, form_class.cleaned_data)
    outcome.inaccessible_count = len(set(pks)) - len(conversations)
    return _result_response(request, what, outcome)


def _get_action(request: AgentRequest, name: str) -> Dialog:
    for one in several.bulk_actions_for(request.agent):
        if one.name == name:
            return one
    raise Http404("No such thing can be done with several conversations.")


def _render_selection_error(request: AgentRequest) -> HttpResponse:
    why = _("Select up to %(most)s conversations first.") % {"most": several.MAX_CONVERSATIONS}
    return render_dialog(
        request, {"form_template": "desk/inbox/_bulk_result.html", "title": why, "back": _inbox_url()}, status=422
    )


def _inbox_url() -> str:
    return resolve_url("desk:inbox")


def _render_action_dialog(
    request: AgentRequest, what: Dialog, form: DialogForm, pks: list[int], *, status: int
) -> HttpResponse:
    about = ngettext("%(count)s conversation", "%(count)s conversations", len(pks)) % {"count": len(pks)}
    action = resolve_url("desk:bulk")
    context: dict[str, Any] = {"dialog": what, "form": form, "pks": pks, "action": action, "about": about}
    return render_dialog(request, {**context, "back": _inbox_url(), "verb": what.name}, status=status)


def _result_response(request: AgentRequest, what: Dialog, outcome: several.BulkResult) -> HttpResponse:
    words = ngettext("%(count)s done", "%(count)s done", outcome.succeeded_count) % {"count": outcome.succeeded_count}
    if outcome.failed_count:
        failed_count = ngettext("%(count)s could not", "%(count)s could not", outcome.failed_count) % {
            "count": outcome.failed_count
        }
        words = f"{words}, {failed_count}"
    told = {
        "HX-Trigger": json.dumps(
            {"bulk-done": {"words": f"{what.title}: {words}.", "failed_count": outcome.failed_count}}
        )
    }
    if request.htmx and not outcome.failed_count:
        return HttpResponse(status=204, headers=told)
    context = {
        "form_template": "desk/inbox/_bulk_result.html",
        "title": words,
        "outcome": outcome,
        "back": _inbox_url(),
    }
    response = render_dialog(request, context)
    response["HX-Trigger"] = told["HX-Trigger"]
    return response
