"""Change the customer's name and language."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts import lookup
from omnichannel.desk.customer_panel.forms import LanguageForm, RenameForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.workspace import render_update


@require_POST
@agent_page
def rename(request: AgentRequest, pk: int) -> HttpResponse:
    """Change the name under which the customer is shown."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = RenameForm(request.POST)
    if not form.is_valid():
        return render_update(request, conversation, problem=" ".join(map(str, form.errors["name"])), status=422)
    lookup.rename_contact(conversation.contact, form.cleaned_data["name"])
    return render_update(request, conversation)


@require_POST
@agent_page
def language(request: AgentRequest, pk: int) -> HttpResponse:
    """Change the customer's language."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return render_update(request, conversation, problem=" ".join(map(str, form.errors["language"])), status=422)
    lookup.set_contact_language(conversation.contact, form.cleaned_data["language"])
    return render_update(request, conversation)
