"""Notes for colleagues."""

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.notes import NoteError, add_note, find_unknown_mentions, mentionable_agents
from omnichannel.desk.composer.forms import NoteForm
from omnichannel.desk.composer.mention_choices import build_mention_choices
from omnichannel.desk.composer.reply_box import get_composer
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.thread.messages import thread_of_note
from omnichannel.desk.workspace import conversation_response


@require_POST
@agent_required
def create_note(request: AgentRequest, pk: int) -> HttpResponse:
    """Write a note for colleagues; 422 with the reason by the field when it is refused.

    A name after an @ by which nobody is called is refused once: the form then names it in `unknown_mentions`.
    """
    conversation = access.get_conversation_or_404(request.user, pk)
    form = NoteForm(request.POST)
    text, confirmed = (form.cleaned_data[name] if form.is_valid() else "" for name in ("text", "unknown_mentions"))
    unknown = find_unknown_mentions(text)
    if not set(unknown) <= set(confirmed.split()):
        names = ", ".join(f"@{name}" for name in unknown)
        warning = gettext("Nobody is called %(names)s. Correct it, or add the note as it is.") % {"names": names}
        return _refuse(request, conversation, text, warning, " ".join(unknown))
    try:
        note = add_note(conversation, request.user, text)
    except NoteError as refusal:
        return _refuse(request, conversation, text, str(refusal))
    return conversation_response(request, conversation, thread=thread_of_note(note))


def _refuse(
    request: AgentRequest, conversation: Conversation, text: str, error: str, unknown_mentions: str = ""
) -> HttpResponse:
    composer = replace(
        get_composer(conversation, request.agent),
        note_text=text,
        note_error=error,
        unknown_mentions=unknown_mentions,
    )
    return conversation_response(request, conversation, composer=composer, status=422)


@require_GET
@agent_required
def mention_choices(request: AgentRequest, pk: int) -> HttpResponse:
    """Return the colleagues who can be mentioned in a note of this conversation."""
    conversation = access.get_conversation_or_404(request.user, pk)
    choices = build_mention_choices(mentionable_agents(conversation, request.agent))
    return render(request, "desk/composer/_mention_choices.html", {"choices": choices})
