"""Answer the customer."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation, Message
from omnichannel.conversations.replies import ReplyRefused, send_reply
from omnichannel.conversations.template_sending import send_as_before
from omnichannel.desk.composer import Composer, composer_for, refused
from omnichannel.desk.forms import ReplyForm
from omnichannel.desk.requests import AgentRequest, agent_page
from omnichannel.desk.thread import only
from omnichannel.desk.views.conversation import answer


@require_POST
@agent_page
def reply(request: AgentRequest, pk: int) -> HttpResponse:
    """Queue the reply and show it; 422 with the reason by the field when it is refused."""
    conversation = access.conversation_for(request.user, pk)
    form = ReplyForm(request.POST, request.FILES)
    try:
        message = _send(conversation, request, form)
    except ReplyRefused as why:
        again = refused(
            conversation,
            request.agent,
            why,
            text=form.data.get("text", ""),
            public_id=form.cleaned_data.get("public_id"),
        )
        return answer(request, conversation, composer=again, status=422)
    fresh = composer_for(conversation, request.agent)
    return answer(request, conversation, thread=only(conversation, message), composer=_emptied(fresh))


def _send(conversation: Conversation, request: AgentRequest, form: ReplyForm) -> Message:
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise ReplyRefused("invalid", " ".join(map(str, errors)), field="file" if field == "file" else "text")
    text, file, public_id = (form.cleaned_data[name] for name in ("text", "file", "public_id"))
    return send_reply(conversation, author=request.user, text=text, file=file or None, public_id=public_id)


def _emptied(composer: Composer) -> Composer:
    return Composer(composer.conversation, composer.mode, composer.sentence, composer.action, answers_a_form=True)


@require_POST
@agent_page
def again(request: AgentRequest, pk: int, message_pk: int) -> HttpResponse:
    """Send a message again that was not delivered."""
    conversation = access.conversation_for(request.user, pk)
    failed = access.message_for(request.user, message_pk)
    if failed.conversation_id != conversation.pk:
        raise Http404("No such message in this conversation.")
    try:
        copy = send_as_before(failed, author=request.user)
    except ReplyRefused as why:
        return answer(request, conversation, problem=why.message, status=422)
    return answer(request, conversation, thread=only(conversation, failed, copy))
