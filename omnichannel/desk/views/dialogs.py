"""Dialogs about one conversation: priority, snooze, labels, close, transfer, consult, assign."""

from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods

from omnichannel.conversations import access
from omnichannel.conversations.lifecycle.dispositions import WrapUpError
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.desk.dialogs import definitions
from omnichannel.desk.dialogs.definitions import Dialog
from omnichannel.desk.dialogs.forms import DialogForm
from omnichannel.desk.dialogs.responses import render_dialog
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.thread.actions import actions_for
from omnichannel.desk.views.transitions import NOT_AVAILABLE
from omnichannel.desk.workspace import conversation_response, render_after_transition


def _dialog_view(dialog: Dialog) -> Callable[..., HttpResponseBase]:
    """Return a view that shows the dialog and, when it is submitted, acts on the conversation.

    It answers 422 when a field is wrong and 409 when the action is not possible now; the input stays in the dialog.
    """

    @require_http_methods(["GET", "HEAD", "POST"])
    @agent_required
    def view(request: AgentRequest, pk: int) -> HttpResponse:
        conversation = access.get_conversation_or_404(request.user, pk)
        form = dialog.form_class(
            request.POST if request.method == "POST" else None, conversations=[conversation], agent=request.agent
        )
        if not form.is_valid():
            if not _is_available(dialog, conversation, request):
                return conversation_response(request, conversation, error_message=str(NOT_AVAILABLE), status=409)
            return _render(request, dialog, conversation, form, status=422 if form.is_bound else 200)
        # `_is_available` is not checked here: the action itself refuses with a more precise reason.
        try:
            dialog.perform(conversation, request.agent, form.cleaned_data)
        except WrapUpError as refusal:
            form.add_error(refusal.field, str(refusal))
            return _render(request, dialog, conversation, form, status=422)
        except TransitionError as refusal:
            form.add_error(None, str(refusal))
            return _render(request, dialog, conversation, form, status=409)
        return render_after_transition(request, pk)

    return view


def _is_available(dialog: Dialog, conversation: Conversation, request: AgentRequest) -> bool:
    names = {action.name for action in actions_for(conversation, request.agent)}
    return dialog.name in names or not dialog.needs_offer


def _render(
    request: AgentRequest, dialog: Dialog, conversation: Conversation, form: DialogForm, *, status: int
) -> HttpResponse:
    context = {
        "dialog": dialog,
        "form": form,
        "action_url": resolve_url(dialog.url_name, pk=conversation.pk),
        "back_url": resolve_url("desk:conversation", pk=conversation.pk),
        "description": conversation.contact.display_name,
    }
    return render_dialog(request, context, status=status)


DIALOG_VIEWS = {dialog.name: _dialog_view(dialog) for dialog in definitions.CONVERSATION_DIALOGS}
