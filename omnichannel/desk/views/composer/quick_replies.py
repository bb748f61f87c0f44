"""Quick replies: the choices in a conversation, and the page of the agent's own ones."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.models import QuickReply
from omnichannel.conversations.outbound import quick_replies
from omnichannel.desk.composer.forms import PersonalQuickReplyForm
from omnichannel.desk.composer.quick_reply_choices import build_quick_reply_choice
from omnichannel.desk.dialogs.responses import DialogContent, render_dialog
from omnichannel.desk.shared.decorators import AgentRequest, agent_required

SAVED_EVENT = "quick-reply-saved"


@require_GET
@agent_required
def choices(request: AgentRequest, pk: int) -> HttpResponse:
    """Return the quick replies for this customer with their slugs filled in, the best language first."""
    conversation = access.get_conversation_or_404(request.user, pk)
    languages = [conversation.contact.language, get_language() or "en"]
    rows = quick_replies.get_quick_replies_for(conversation, request.user, languages)
    values = quick_replies.get_slug_values(conversation.contact, request.user)
    choices = [build_quick_reply_choice(quick_reply, values) for quick_reply in rows]
    return render(request, "desk/composer/_quick_reply_choices.html", {"choices": choices})


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def personal_quick_replies(request: AgentRequest) -> HttpResponse:
    """Show the agent's own quick replies with a form for a new one, and the shared ones to read."""
    if request.method == "POST":
        return _save_and_redirect(request, None)
    return _render_page(request, _new_form(request))


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Edit one of the agent's own quick replies."""
    quick_reply = _get_own_or_404(request, pk)
    if request.method == "POST":
        return _save_and_redirect(request, quick_reply)
    values = {"title": quick_reply.title, "message": quick_reply.message, "locale": quick_reply.locale}
    tags = ", ".join(map(str, quick_reply.tags.all()))
    return _render_page(request, PersonalQuickReplyForm(initial={**values, "tags": tags}), quick_reply)


@require_POST
@agent_required
def delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Delete one of the agent's own quick replies."""
    _get_own_or_404(request, pk).delete()
    return HttpResponseRedirect(reverse("desk:personal_quick_replies") + "?saved=deleted")


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def create_from_composer(request: AgentRequest) -> HttpResponse:
    """Show the dialog that saves the composer's text as a quick reply of the agent's own, and save it."""
    if request.method != "POST":
        return _render_dialog(request, _new_form(request))
    form = PersonalQuickReplyForm(request.POST)
    if _save_form(request, form, None) is None:
        return _render_dialog(request, form, status=422)
    if not request.htmx:
        return HttpResponseRedirect(reverse("desk:personal_quick_replies") + "?saved=saved")
    return HttpResponse(status=204, headers={"HX-Trigger": SAVED_EVENT})


def _get_own_or_404(request: AgentRequest, pk: int) -> QuickReply:
    quick_reply = QuickReply.objects.filter(owner=request.user, pk=pk).first()
    if quick_reply is None:
        raise Http404("No such quick reply of this user.")
    return quick_reply


def _new_form(request: AgentRequest) -> PersonalQuickReplyForm:
    return PersonalQuickReplyForm(initial={"locale": get_language() or "en"})


def _save_form(
    request: AgentRequest, form: PersonalQuickReplyForm, quick_reply: QuickReply | None
) -> QuickReply | None:
    """Save the form and return the quick reply; None, with the reason at its field, when it was refused."""
    if not form.is_valid():
        return None
    fields = {name: form.cleaned_data[name] for name in ("title", "message", "locale")}
    tags = quick_replies.parse_tag_names(form.cleaned_data["tags"])
    try:
        return quick_replies.save_own_quick_reply(request.user, **fields, tags=tags, quick_reply=quick_reply)
    except quick_replies.QuickReplyError as refusal:
        form.add_error(refusal.field, refusal.message)
    return None


def _save_and_redirect(request: AgentRequest, quick_reply: QuickReply | None) -> HttpResponse:
    form = PersonalQuickReplyForm(request.POST)
    if _save_form(request, form, quick_reply) is None:
        return _render_page(request, form, quick_reply, status=422)
    return HttpResponseRedirect(reverse("desk:personal_quick_replies") + "?saved=saved")


def _render_page(
    request: AgentRequest, form: PersonalQuickReplyForm, quick_reply: QuickReply | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "quick_reply": quick_reply,
        "placeholders": quick_replies.PLACEHOLDERS,
        "personal_quick_replies": quick_replies.get_own_quick_replies(request.user),
        "shared_quick_replies": quick_replies.get_shared_quick_replies(),
        "saved": request.GET.get("saved", ""),
        "can_edit_shared": request.user.is_staff and request.user.has_perm("conversations.change_quickreply"),
        "can_add_shared": request.user.is_staff and request.user.has_perm("conversations.add_quickreply"),
    }
    return render(request, "desk/composer/quick_replies.html", context, status=status)


def _render_dialog(request: AgentRequest, form: PersonalQuickReplyForm, *, status: int = 200) -> HttpResponse:
    dialog = DialogContent(
        title=gettext("Save as quick reply"),
        form_template="desk/composer/_quick_reply_fields.html",
        submit_label=gettext("Save"),
    )
    context = {
        "dialog": dialog,
        "form": form,
        "description": gettext("Only you can use it. Type / or /q in a reply."),
        "action_url": reverse("desk:create_quick_reply"),
        "back_url": reverse("desk:personal_quick_replies"),
    }
    return render_dialog(request, context, status=status)
