"""The pane beside a conversation: what is known of its customer, and what there was before."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from omnichannel.accounts.models import User
from omnichannel.conversations import access, required_skills
from omnichannel.conversations.assignment.consult import consulted_participations
from omnichannel.conversations.contacts import opt_out
from omnichannel.conversations.contacts.lookup import set_contact_field
from omnichannel.conversations.context import set_context
from omnichannel.conversations.models import Conversation
from omnichannel.desk.customer_panel import panel
from omnichannel.desk.customer_panel.forms import NeedForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.thread.messages import stretch
from omnichannel.desk.workspace import render_update
from routing.models import Skill
from routing.values import NotAValue

Rows = Callable[[Conversation, User, Cursor | None], panel.Page[Any]]


def _shown(request: AgentRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A part of the pane; without the script a page of its own."""
    whole = {"agent": request.agent, **context}
    if request.htmx:
        return render(request, template, whole, status=status)
    return render(request, "desk/customer_panel/page.html", {**whole, "part": template}, status=status)


def _lists(rows: Rows, template: str) -> Callable[..., HttpResponseBase]:
    """A view with a section of the pane, from the beginning or from `?before=`."""

    @require_GET
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        found = rows(conversation, request.user, Cursor.read(request.GET.get("before", "")))
        return _shown(request, template, {"conversation": conversation, "page": found})

    return view


former = _lists(panel.former, "desk/customer_panel/_previous_conversations.html")
notes = _lists(panel.notes, "desk/customer_panel/_notes.html")
files = _lists(panel.files, "desk/customer_panel/_files.html")
story = _lists(panel.story, "desk/thread/_story.html")


@require_GET
@agent_page
def colleagues(request: AgentRequest, pk: int) -> HttpResponse:
    """Who is in the conversation beside its agent."""
    conversation = access.get_conversation_or_404(request.user, pk)
    context = {"conversation": conversation, "people": consulted_participations(conversation)}
    return _shown(request, "desk/customer_panel/_participants.html", context)


@require_GET
@agent_page
def beside(request: AgentRequest, pk: int) -> HttpResponse:
    """A conversation to be read beside the one that is open; nothing in it counts as read."""
    conversation = access.get_conversation_or_404(request.user, pk)
    if not request.htmx:
        return redirect("desk:conversation", pk=pk)
    thread = stretch(conversation)
    return render(request, "desk/thread/_timeline.html", {"conversation": conversation, "thread": thread})


# -- What is known ----------------------------------------------------------------------------------------------------


@require_GET
@agent_page
def about(request: AgentRequest, pk: int) -> HttpResponse:
    """What is known of the customer and of the conversation."""
    return _about(request, access.get_conversation_or_404(request.user, pk))


def _about(request: AgentRequest, conversation: Conversation, *, status: int = 200, **refused: Any) -> HttpResponse:
    found = panel.about(conversation, request.user, **refused)
    return _shown(
        request, "desk/customer_panel/_details.html", {"conversation": conversation, "about": found}, status=status
    )


def _fills_in(kind: str, keep: Callable[[Conversation, str, str, User], None]) -> Callable[..., HttpResponseBase]:
    """A view that keeps what was written into fields; 422 with the reason by each field that was refused."""

    @require_POST
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        written = {name: str(value) for name, value in request.POST.items() if name.startswith(f"{kind}-")}
        errors = {}
        for name, value in written.items():
            try:
                keep(conversation, name.removeprefix(f"{kind}-"), value, request.user)
            except NotAValue as refused:
                errors[name] = str(refused)
        if errors:
            return _about(request, conversation, status=422, written=written, errors=errors)
        return _shown_again(request, conversation)

    return view


def _shown_again(request: AgentRequest, conversation: Conversation) -> HttpResponse:
    return _about(request, conversation) if request.htmx else redirect("desk:conversation", pk=conversation.pk)


def _set_field(conversation: Conversation, name: str, value: str, by: User) -> None:
    set_contact_field(conversation.contact, name, value, by)


fields = _fills_in("field", _set_field)
context = _fills_in("context", set_context)


@require_POST
@agent_page
def skills(request: AgentRequest, pk: int) -> HttpResponse:
    """Say that the conversation needs a skill, or with `remove` that it does not."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = NeedForm(request.POST)
    if not form.is_valid():
        problem = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return _about(request, conversation, status=422, problem=problem)
    skill: Skill = form.cleaned_data["skill"]
    try:
        if form.cleaned_data["remove"]:
            required_skills.remove_required_skill(conversation, skill, by=request.user)
        else:
            required_skills.add_required_skill(
                conversation, skill, form.cleaned_data["rating"] or required_skills.rating_range()[0], by=request.user
            )
    except required_skills.RequiredSkillError as refused:
        status = 403 if not access.can_manage(request.user, conversation) else 409
        return _about(request, conversation, status=status, problem=str(refused))
    return _shown_again(request, conversation)


@require_POST
@agent_page
def lift_opt_out(request: AgentRequest, pk: int) -> HttpResponse:
    """The customer agreed to our messages again, as is written down; 422 with the reason when it can't be."""
    conversation = access.get_conversation_or_404(request.user, pk)
    try:
        opt_out.lift_opt_out(conversation, by=request.user, reason=request.POST.get("reason", ""))
    except opt_out.LiftOptOutError as refused:
        status = 422 if access.can_lift_opt_out(request.user, conversation) else 403
        return render_update(request, conversation, problem=str(refused), status=status)
    return render_update(request, conversation)
