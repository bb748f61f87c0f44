"""Change the customer's name and language."""

from django.forms import Form
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import lookup
from omnichannel.conversations.models import Conversation
from omnichannel.desk.customer_panel.forms import ContactLanguageForm, RenameContactForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.workspace import conversation_response


@require_POST
@agent_required
def rename_contact(request: AgentRequest, pk: int) -> HttpResponse:
    """Change the display name of the customer."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = RenameContactForm(request.POST)
    if not form.is_valid():
        return _render_form_error(request, conversation, form)
    lookup.rename_contact(conversation.contact, form.cleaned_data["name"])
    return conversation_response(request, conversation)


@require_POST
@agent_required
def set_contact_language(request: AgentRequest, pk: int) -> HttpResponse:
    """Change the customer's language."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = ContactLanguageForm(request.POST)
    if not form.is_valid():
        return _render_form_error(request, conversation, form)
    lookup.set_contact_language(conversation.contact, form.cleaned_data["language"])
    return conversation_response(request, conversation)


def _render_form_error(request: AgentRequest, conversation: Conversation, form: Form) -> HttpResponse:
    """Answer 422 with what the only field of the form refuses."""
    errors = [str(error) for field_errors in form.errors.values() for error in field_errors]
    return conversation_response(request, conversation, error_message=" ".join(errors), status=422)
