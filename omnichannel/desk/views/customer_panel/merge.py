"""Make two contacts one, and part them again."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import merge as merges
from omnichannel.conversations.models import Contact, ContactMerge, Conversation
from omnichannel.desk.customer_panel.panel import compare_contacts
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import parse_int_or_zero
from omnichannel.desk.workspace import conversation_response


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def merge(request: AgentRequest, pk: int) -> HttpResponse:
    """Look for the other contact with `?q=`, see both with `?with=`, and make them one."""
    conversation = access.get_conversation_or_404(request.user, pk)
    chosen = parse_int_or_zero(request.POST.get("with", "") or request.GET.get("with", ""))
    if not chosen:
        return _render_search(request, conversation)
    other = access.fully_visible_contacts(request.user).filter(pk=chosen).first()
    if other is None:
        raise Http404("No such contact.")
    if request.method != "POST":
        return _render_comparison(request, conversation, other)
    try:
        done = merges.merge_contacts(conversation.contact, other, by=request.user)
    except merges.MergeError as refused:
        return _render_comparison(request, conversation, other, refusal=str(refused), status=409)
    return _redirect_to_merged_conversation(request, conversation, done)


def _render_search(request: AgentRequest, conversation: Conversation) -> HttpResponse:
    words = request.GET.get("q", "")
    found = list(merges.search_merge_candidates(conversation.contact, request.user, words))
    context = {"conversation": conversation, "words": words, "found": found}
    if request.htmx and request.htmx.target == "merge-found":
        return render(request, "desk/customer_panel/_merge_results.html", context)
    return _render_dialog(request, "desk/customer_panel/_merge_search.html", context)


def _render_comparison(
    request: AgentRequest, conversation: Conversation, other: Contact, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    kept = conversation.contact
    context = {
        "conversation": conversation,
        "other": other,
        "rows": compare_contacts(kept, other),
        "why": refusal or merges.get_merge_error(kept, other, request.user),
    }
    return _render_dialog(request, "desk/customer_panel/_merge_comparison.html", context, status=status)


def _render_dialog(request: AgentRequest, part: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    template = "desk/customer_panel/_merge.html" if request.htmx else "desk/customer_panel/merge.html"
    return render(request, template, {"agent": request.agent, "part": part, **context}, status=status)


def _redirect_to_merged_conversation(
    request: AgentRequest, conversation: Conversation, done: ContactMerge
) -> HttpResponse:
    """The conversation, or the one it was joined to."""
    merged_conversations = {record["gone"]["pk"]: record["kept"] for record in done.merged_conversations}
    address = resolve_url("desk:conversation", pk=merged_conversations.get(conversation.pk, conversation.pk))
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else redirect(address)


@require_POST
@agent_required
def undo_merge(request: AgentRequest, pk: int, merge_pk: int) -> HttpResponse:
    """Part two contacts again; 409 with the reason when that can't be done."""
    conversation = access.get_conversation_or_404(request.user, pk)
    done = (
        ContactMerge.objects.filter(pk=merge_pk, target=conversation.contact)
        .select_related("target", "merged_by")
        .first()
    )
    if done is None:
        raise Http404("No such merge.")
    try:
        merges.undo_merge(done, by=request.user)
    except merges.MergeError as refused:
        status = 409 if merges.can_undo_merge(done, request.user) else 403
        return conversation_response(request, conversation, error_message=str(refused), status=status)
    address = resolve_url("desk:conversation", pk=pk)
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else redirect(address)
