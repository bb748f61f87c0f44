"""The customer panel next to a conversation: its sections, details and changes to them."""

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
from omnichannel.desk.customer_panel.forms import RequiredSkillForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.thread.messages import get_quotable_conversation_ids, get_thread
from omnichannel.desk.workspace import conversation_response
from routing.models import Skill
from routing.variables.values import InvalidValueError

SectionLoader = Callable[[Conversation, User, Cursor | None], panel.Page[Any]]


def _render_section(
    request: AgentRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Return a section of the panel, or without scripts a page of its own."""
    context = {"agent": request.agent, **context}
    if request.htmx:
        return render(request, template, context, status=status)
    return render(request, "desk/customer_panel/page.html", {**context, "content_template": template}, status=status)


def _section_view(load_page: SectionLoader, template: str) -> Callable[..., HttpResponseBase]:
    """Return a view of a section of the panel, from the beginning or from the cursor in `?before=`."""

    @require_GET
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        page = load_page(conversation, request.user, Cursor.parse(request.GET.get("before", "")))
        return _render_section(request, template, {"conversation": conversation, "page": page})

    return view


previous_conversations = _section_view(
    panel.list_previous_conversations, "desk/customer_panel/_previous_conversations.html"
)
customer_notes = _section_view(panel.list_notes, "desk/customer_panel/_notes.html")
customer_files = _section_view(panel.list_files, "desk/customer_panel/_files.html")
timeline = _section_view(panel.list_events, "desk/customer_panel/_timeline.html")


@require_GET
@agent_required
def participants(request: AgentRequest, pk: int) -> HttpResponse:
    """Show the colleagues who were consulted about the conversation."""
    conversation = access.get_conversation_or_404(request.user, pk)
    context = {"conversation": conversation, "participants": consulted_participations(conversation)}
    return _render_section(request, "desk/customer_panel/_participants.html", context)


@require_GET
@agent_required
def conversation_preview(request: AgentRequest, pk: int) -> HttpResponse:
    """Show a conversation next to the one that is open, without marking it as read."""
    conversation = access.get_conversation_or_404(request.user, pk)
    if not request.htmx:
        return redirect("desk:conversation", pk=pk)
    thread = get_thread(conversation)
    context = {
        "conversation": conversation,
        "thread": thread,
        "quotable_conversation_ids": get_quotable_conversation_ids(request.user, conversation, thread),
    }
    return render(request, "desk/customer_panel/_conversation_preview.html", context)


# -- Details ----------------------------------------------------------------------------------------------------------


@require_GET
@agent_required
def customer_details(request: AgentRequest, pk: int) -> HttpResponse:
    """Show the details of the customer and of the conversation."""
    return _render_details(request, access.get_conversation_or_404(request.user, pk))


def _render_details(
    request: AgentRequest, conversation: Conversation, *, status: int = 200, **form_state: Any
) -> HttpResponse:
    details = panel.get_customer_details(conversation, request.user, **form_state)
    return _render_section(
        request, "desk/customer_panel/_details.html", {"conversation": conversation, "details": details}, status=status
    )


def _field_update_view(
    kind: str, save_value: Callable[[Conversation, str, str, User], None]
) -> Callable[..., HttpResponseBase]:
    """Return a view that saves the fields of this kind; 422 with the reason by each refused field."""

    @require_POST
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        values = {name: str(value) for name, value in request.POST.items() if name.startswith(f"{kind}-")}
        errors = {}
        for name, value in values.items():
            try:
                save_value(conversation, name.removeprefix(f"{kind}-"), value, request.user)
            except InvalidValueError as error:
                errors[name] = str(error)
        if errors:
            return _render_details(request, conversation, status=422, submitted_values=values, errors=errors)
        return _details_response(request, conversation)

    return view


def _details_response(request: AgentRequest, conversation: Conversation) -> HttpResponse:
    return _render_details(request, conversation) if request.htmx else redirect("desk:conversation", pk=conversation.pk)


def _set_field(conversation: Conversation, name: str, value: str, by: User) -> None:
    set_contact_field(conversation.contact, name, value, by)


update_contact_fields = _field_update_view("field", _set_field)
update_context = _field_update_view("context", set_context)


@require_POST
@agent_required
def update_required_skills(request: AgentRequest, pk: int) -> HttpResponse:
    """Add a required skill to the conversation, or with `remove` remove it."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = RequiredSkillForm(request.POST)
    if not form.is_valid():
        error_message = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return _render_details(request, conversation, status=422, error_message=error_message)
    skill: Skill = form.cleaned_data["skill"]
    try:
        if form.cleaned_data["remove"]:
            required_skills.remove_required_skill(conversation, skill, actor=request.user)
        else:
            required_skills.add_required_skill(
                conversation,
                skill,
                form.cleaned_data["rating"] or required_skills.rating_range()[0],
                actor=request.user,
            )
    except required_skills.RequiredSkillError as refusal:
        status = 403 if not access.can_manage(request.user, conversation) else 409
        return _render_details(request, conversation, status=status, error_message=str(refusal))
    return _details_response(request, conversation)


@require_POST
@agent_required
def lift_opt_out(request: AgentRequest, pk: int) -> HttpResponse:
    """Lift the customer's opt-out and record the agent's reason.

    It answers 422 with the refusal when that is not possible, and 403 when it is not permitted.
    """
    conversation = access.get_conversation_or_404(request.user, pk)
    try:
        opt_out.lift_opt_out(conversation, by=request.user, reason=request.POST.get("reason", ""))
    except opt_out.LiftOptOutError as refusal:
        status = 422 if access.can_lift_opt_out(request.user, conversation) else 403
        return conversation_response(request, conversation, error_message=str(refusal), status=status)
    return conversation_response(request, conversation)
