"""Notes for colleagues."""

from dataclasses import replace

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.notes import NoteError, add_note
from omnichannel.desk.composer.forms import NoteForm
from omnichannel.desk.composer.reply_box import get_composer
from omnichannel.desk.shared.decorators import AgentRequest, agent_required
from omnichannel.desk.thread.messages import thread_of_note
from omnichannel.desk.workspace import conversation_response


@require_POST
@agent_required
def create_note(request: AgentRequest, pk: int) -> HttpResponse:
    """Write a note for colleagues; 422 with the reason by the field when it is refused."""
    conversation = access.get_conversation_or_404(request.user, pk)
    form = NoteForm(request.POST)
    text = form.cleaned_data["text"] if form.is_valid() else ""
    try:
        note = add_note(conversation, request.user, text)
    except NoteError as refusal:
        composer = replace(get_composer(conversation, request.agent), note_text=text, note_error=str(refusal))
        return conversation_response(request, conversation, composer=composer, status=422)
    return conversation_response(request, conversation, thread=thread_of_note(note))
