"""The agent's own presence, the customer's name and language."""

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts.lookup import rename as give_name
from omnichannel.conversations.contacts.lookup import set_language
from omnichannel.conversations.presence import sessions
from omnichannel.desk.composer.forms import LanguageForm, PresenceForm, RenameForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_page
from omnichannel.desk.views.conversation import answer
from omnichannel.desk.views.offers import show


@require_POST
@agent_page
def presence(request: AgentRequest) -> HttpResponse:
    """Show another presence."""
    form = PresenceForm(request.POST)
    if form.is_valid():
        sessions.choose(request.agent, form.cleaned_data["presence"])
    if request.htmx:
        return show(request, status=200 if form.is_valid() else 422)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if is_ours else reverse("desk:inbox"))


@require_POST
@agent_page
def rename(request: AgentRequest, pk: int) -> HttpResponse:
    """Give the customer a name of the desk's own."""
    conversation = access.conversation_for(request.user, pk)
    form = RenameForm(request.POST)
    if not form.is_valid():
        return answer(request, conversation, problem=" ".join(map(str, form.errors["name"])), status=422)
    give_name(conversation.contact, form.cleaned_data["name"])
    return answer(request, conversation)


@require_POST
@agent_page
def language(request: AgentRequest, pk: int) -> HttpResponse:
    """Say which language the customer speaks."""
    conversation = access.conversation_for(request.user, pk)
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return answer(request, conversation, problem=" ".join(map(str, form.errors["language"])), status=422)
    set_language(conversation.contact, form.cleaned_data["language"])
    return answer(request, conversation)
