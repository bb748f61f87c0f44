"""Colleagues in one conversation: notes, transfer, consult, and what supervisors do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.assignment import consult as consulting
from omnichannel.conversations.assignment import supervise
from omnichannel.conversations.assignment import transfer as transferring
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.notes import NoteRefused, add_note
from omnichannel.conversations.state_machine import TransitionRefused
from omnichannel.desk.composer.forms import NoteForm, WhereToForm
from omnichannel.desk.composer.reply_box import composer_for
from omnichannel.desk.dialogs.assignment_forms import Panel, assign_panel, consult_panel, transfer_panel
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.thread.actions import actions_for
from omnichannel.desk.thread.messages import only_note
from omnichannel.desk.views.conversation import answer
from omnichannel.desk.views.transitions import NOT_NOW, does, show_afterwards
from routing.models import Agent, Queue

Act = Callable[[Conversation, Agent, Any, str], None]


@require_POST
@agent_page
def note(request: AgentRequest, pk: int) -> HttpResponse:
    """Write a note for colleagues; 422 with the reason by the field when it is refused."""
    conversation = access.conversation_for(request.user, pk)
    form = NoteForm(request.POST)
    text = form.cleaned_data["text"] if form.is_valid() else ""
    try:
        written = add_note(conversation, request.user, text)
    except NoteRefused as why:
        again = replace(composer_for(conversation, request.agent), note=text, note_error=str(why))
        return answer(request, conversation, composer=again, status=422)
    return answer(request, conversation, thread=only_note(written))


def _asks(panel_for: Callable[[Conversation], Panel], act: Act) -> Callable[..., HttpResponseBase]:
    """A view that shows a dialog, and does with the conversation what was chosen in it."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.conversation_for(request.user, pk)
        panel = panel_for(conversation)
        is_offered = panel.action in actions_for(conversation, request.agent)
        if request.method != "POST":
            if not is_offered:
                return answer(request, conversation, problem=str(NOT_NOW), status=409)
            return _dialog(request, conversation, panel)
        if not is_offered:
            return _dialog(request, conversation, _refused(panel, request, str(NOT_NOW)), status=409)
        choices = panel.values()
        form = WhereToForm(request.POST, choices=choices, asks_reason=panel.asks_reason)
        if not form.is_valid():
            return _dialog(request, conversation, _with_errors(panel, form), status=422)
        try:
            act(conversation, request.agent, choices[form.cleaned_data["to"]], form.cleaned_data["reason"])
        except TransitionRefused as refused:
            return _dialog(request, conversation, _refused(panel, request, str(refused)), status=409)
        return show_afterwards(request, pk)

    return view


def _with_errors(panel: Panel, form: WhereToForm) -> Panel:
    errors = {name: " ".join(map(str, found)) for name, found in form.errors.items()}
    return replace(panel, chosen=form.data.get("to", ""), reason=form.data.get("reason", ""), errors=errors)


def _refused(panel: Panel, request: AgentRequest, why: str) -> Panel:
    """In the dialog: what was written there stays."""
    written = request.POST
    return replace(panel, chosen=written.get("to", ""), reason=written.get("reason", ""), errors={"to": why})


def _dialog(request: AgentRequest, conversation: Conversation, panel: Panel, status: int = 200) -> HttpResponse:
    template = "desk/dialogs/_panel.html" if request.htmx else "desk/dialogs/panel.html"
    context = {"conversation": conversation, "panel": panel, "agent": request.agent}
    return render(request, template, context, status=status)


def _transfer(conversation: Conversation, agent: Agent, to: Agent | Queue, reason: str) -> None:
    transferring.transfer(conversation, to=to, by=agent, reason=reason)


def _consult(conversation: Conversation, agent: Agent, colleague: Agent, reason: str) -> None:
    consulting.invite(conversation, colleague, by=agent)


def _assign(conversation: Conversation, agent: Agent, to: Agent | Queue, reason: str) -> None:
    supervise.assign(conversation, to=to, by=agent)


transfer = _asks(transfer_panel, _transfer)
consult = _asks(consult_panel, _consult)
assign = _asks(assign_panel, _assign)
monitor = does(supervise.monitor)
join = does(supervise.join)
step_out = does(consulting.leave)
release_to_queue = does(supervise.release_to_queue)
