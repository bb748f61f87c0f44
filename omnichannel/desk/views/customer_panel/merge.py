"""Merge two contacts, and undo a merge."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import merge
from omnichannel.conversations.models import Contact, ContactMerge, Conversation
from omnichannel.core.time_limited_queries import QueryTimeoutError
from omnichannel.desk.customer_panel.panel import compare_contacts
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero
from omnichannel.desk.workspace import conversation_response


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def merge_contact(request: AgentRequest, pk: int) -> HttpResponse:
    """Search the other contact with `?q=`, compare both with `?other=`, and merge it with a POST."""
    conversation = access.get_conversation_or_404(request.user, pk)
    other_pk = parse_int_or_zero(request.POST.get("other", "") or request.GET.get("other", ""))
    if not other_pk:
        return _render_candidate_search(request, conversation)
    other = access.fully_visible_contacts(request.user, [other_pk]).first()
    if other is None:
        raise Http404("No such contact.")
    if request.method != "POST":
        return _render_comparison(request, conversation, other)
    try:
        record = merge.merge_contacts(conversation.contact, other, by=request.user)
    except merge.MergeError as error:
        return _render_comparison(request, conversation, other, refusal=str(error), status=409)
    return _redirect_to_merged_conversation(request, conversation, record)


def _render_candidate_search(request: AgentRequest, conversation: Conversation) -> HttpResponse:
    """Render the search for the contact to merge with, and its results."""
    query = request.GET.get("q", "")
    context: dict[str, Any] = {"conversation": conversation, "query": query, "candidates": []}
    try:
        context["candidates"] = merge.search_merge_candidates(conversation.contact, request.user, query)
    except QueryTimeoutError:
        context["has_timed_out"] = True
    if request.htmx and request.htmx.target == "merge-results":
        return render(request, "desk/customer_panel/merge/_results.html", context)
    return _render_dialog(request, "desk/customer_panel/merge/_search.html", context)


def _render_comparison(
    request: AgentRequest, conversation: Conversation, other: Contact, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    contact = conversation.contact
    context = {
        "conversation": conversation,
        "other": other,
        "rows": compare_contacts(contact, other),
        "refusal": refusal or merge.get_merge_error(contact, other, request.user),
    }
    return _render_dialog(request, "desk/customer_panel/merge/_comparison.html", context, status=status)


def _render_dialog(
    request: AgentRequest, content_template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    template = "desk/customer_panel/merge/_dialog.html" if request.htmx else "desk/customer_panel/merge/page.html"
    return render(
        request, template, {"agent": request.agent, "content_template": content_template, **context}, status=status
    )


def _redirect_to_merged_conversation(
    request: AgentRequest, conversation: Conversation, record: ContactMerge
) -> HttpResponse:
    """Redirect to the conversation, or to the one it was merged into."""
    target_pks = {merged["source"]["pk"]: merged["target_pk"] for merged in record.merged_conversations}
    url = resolve_url("desk:conversation", pk=target_pks.get(conversation.pk, conversation.pk))
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else redirect(url)


@require_POST
@agent_required
def undo_merge(request: AgentRequest, pk: int, merge_pk: int) -> HttpResponse:
    """Undo a merge; 409 with the reason when that is not possible, 403 when it is not permitted."""
    conversation = access.get_conversation_or_404(request.user, pk)
    record = (
        ContactMerge.objects.filter(pk=merge_pk, target=conversation.contact)
        .select_related("target", "merged_by")
        .first()
    )
    if record is None:
        raise Http404("No such merge.")
    try:
        merge.undo_merge(record, by=request.user)
    except merge.MergeError as refusal:
        status = 409 if merge.can_undo_merge(record, request.user) else 403
        return conversation_response(request, conversation, error_message=str(refusal), status=status)
    url = resolve_url("desk:conversation", pk=pk)
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else redirect(url)
