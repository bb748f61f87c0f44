"""Dialogs that ask something before it is done with a conversation: urgent, later, labelled, closed."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.views.decorators.http import require_http_methods

from omnichannel.conversations import access
from omnichannel.conversations.lifecycle.dispositions import WrapUpRefused
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionRefused
from omnichannel.desk.dialogs import forms
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.thread.actions import actions_for
from omnichannel.desk.views.conversation import answer
from omnichannel.desk.views.transitions import NOT_NOW, show_afterwards


def show_dialog(request: AgentRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A dialog over the page; without the script a page of its own."""
    template = "desk/dialogs/_dialog.html" if request.htmx else "desk/dialogs/dialog.html"
    return render(request, template, {"agent": request.agent, **context}, status=status)


def _asks(what: forms.Asked) -> Callable[..., HttpResponseBase]:
    """A view that shows this dialog, and does with the conversation what was chosen in it."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @agent_page
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.conversation_for(request.user, pk)
        if not _is_offered(what, conversation, request):
            return answer(request, conversation, problem=str(NOT_NOW), status=409)
        if request.method != "POST":
            return _dialog(request, what, conversation, what.form(conversations=[conversation], agent=request.agent))
        form = what.form(request.POST, conversations=[conversation], agent=request.agent)
        if not form.is_valid():
            return _dialog(request, what, conversation, form, status=422)
        try:
            what.act(conversation, request.agent, form.cleaned_data)
        except WrapUpRefused as missing:
            form.add_error(missing.field, str(missing))
            return _dialog(request, what, conversation, form, status=422)
        except TransitionRefused as refused:
            form.add_error(None, str(refused))  # in the dialog: what was written there stays
            return _dialog(request, what, conversation, form, status=409)
        return show_afterwards(request, pk)

    return view


def _is_offered(what: forms.Asked, conversation: Conversation, request: AgentRequest) -> bool:
    names = {action.name for action in actions_for(conversation, request.agent)}
    # A colleague who may see the conversation is told by the verb itself why it can't be done.
    return what.name in names or what is forms.CUSTOMER_LABELS or request.method == "POST"


def _dialog(
    request: AgentRequest, what: forms.Asked, conversation: Conversation, form: forms.AskedForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "asked": what,
        "form": form,
        "action": resolve_url(what.url_name, pk=conversation.pk),
        "back": resolve_url("desk:conversation", pk=conversation.pk),
        "about": conversation.contact.display_name,
    }
    return show_dialog(request, context, status=status)


priority = _asks(forms.PRIORITY)
snooze = _asks(forms.SNOOZE)
labels = _asks(forms.LABELS)
customer_labels = _asks(forms.CUSTOMER_LABELS)
close = _asks(forms.CLOSE)
finish = _asks(forms.FINISH)
