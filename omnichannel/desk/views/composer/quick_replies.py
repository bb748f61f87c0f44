"""Quick replies: those offered in a conversation, and the page where people keep their own."""

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
from omnichannel.desk.dialogs.responses import DialogContent, render_dialog
from omnichannel.desk.shared.decorators import AgentRequest, agent_required

SAVED_EVENT = "quick-reply-kept"


@require_GET
@agent_required
def choices(request: AgentRequest, pk: int) -> HttpResponse:
    """What can be put into a reply to this customer, the names filled in, the best language first."""
    conversation = access.get_conversation_or_404(request.user, pk)
    languages = [conversation.contact.language, get_language() or "en"]
    found = quick_replies.get_quick_replies_for(conversation, request.user, languages)
    values = quick_replies.get_slug_values(conversation.contact, request.user)
    shown = [(one, quick_replies.fill_slugs(one.message, values)) for one in found]
    return render(request, "desk/composer/_quick_reply_choices.html", {"choices": shown})


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def personal_quick_replies(request: AgentRequest) -> HttpResponse:
    """One's own quick replies, and a form for another one; those of everybody to look at."""
    if request.method == "POST":
        return _save_and_redirect(request, None)
    return _render_page(request, _new_form(request))


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Change one of one's own."""
    one = _get_own_or_404(request, pk)
    if request.method == "POST":
        return _save_and_redirect(request, one)
    values = {"title": one.title, "message": one.message, "locale": one.locale}
    tags = ", ".join(map(str, one.tags.all()))
    return _render_page(request, PersonalQuickReplyForm(initial={**values, "tags": tags}), one)


@require_POST
@agent_required
def delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Delete one of one's own."""
    _get_own_or_404(request, pk).delete()
    return HttpResponseRedirect(reverse("desk:own_quick_replies") + "?saved=deleted")


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def create_from_composer(request: AgentRequest) -> HttpResponse:
    """A dialog over the composer that keeps what was written as a quick reply of one's own."""
    if request.method != "POST":
        return _render_dialog(request, _new_form(request))
    form = PersonalQuickReplyForm(request.POST)
    if _save_form(request, form, None) is None:
        return _render_dialog(request, form, status=422)
    if not request.htmx:
        return HttpResponseRedirect(reverse("desk:own_quick_replies") + "?saved=kept")
    return HttpResponse(status=204, headers={"HX-Trigger": SAVED_EVENT})


def _get_own_or_404(request: AgentRequest, pk: int) -> QuickReply:
    found = QuickReply.objects.filter(owner=request.user, pk=pk).first()
    if found is None:
        raise Http404("No quick reply of yours.")
    return found


def _new_form(request: AgentRequest) -> PersonalQuickReplyForm:
    return PersonalQuickReplyForm(initial={"locale": get_language() or "en"})


def _save_form(request: AgentRequest, form: PersonalQuickReplyForm, one: QuickReply | None) -> QuickReply | None:
    """The quick reply as it was kept; None, with the reason at its field, when it was refused."""
    if not form.is_valid():
        return None
    fields = {name: form.cleaned_data[name] for name in ("title", "message", "locale")}
    tags = quick_replies.parse_tag_names(form.cleaned_data["tags"])
    try:
        return quick_replies.save_own_quick_reply(request.user, **fields, tags=tags, quick_reply=one)
    except quick_replies.QuickReplyError as why:
        form.add_error(why.field, why.message)
    return None


def _save_and_redirect(request: AgentRequest, one: QuickReply | None) -> HttpResponse:
    form = PersonalQuickReplyForm(request.POST)
    if _save_form(request, form, one) is None:
        return _render_page(request, form, one, status=422)
    return HttpResponseRedirect(reverse("desk:own_quick_replies") + "?saved=kept")


def _render_page(
    request: AgentRequest, form: PersonalQuickReplyForm, one: QuickReply | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "one": one,
        "slugs": list(quick_replies.SLUG_DESCRIPTIONS.items()),
        "own": quick_replies.get_own_quick_replies(request.user),
        "shared": quick_replies.get_shared_quick_replies(),
        "saved": request.GET.get("saved", ""),
        "may_keep_shared": request.user.is_staff and request.user.has_perm("conversations.change_quickreply"),
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
        "about": gettext("Only you are offered it: type / or /q in a reply."),
        "action": reverse("desk:keep_quick_reply"),
        "back": reverse("desk:own_quick_replies"),
    }
    return render_dialog(request, context, status=status)
