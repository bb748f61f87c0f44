"""What is at the foot of a conversation: a reply to write, or why there is none to write."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.service_window import EXCEEDED
from omnichannel.conversations.access import may_answer
from omnichannel.conversations.assignment.pick import may_take
from omnichannel.conversations.models import Conversation, Message, Part
from omnichannel.conversations.notes import TEXT_LIMIT as NOTE_LIMIT
from omnichannel.conversations.outbound.compose import TEXT_LIMIT, ReplyRefused, why_not
from omnichannel.conversations.outbound.undo_send import HOLD
from omnichannel.conversations.outbound.uploads import LIMITS
from omnichannel.desk.shared.times import TimeLeft
from omnichannel.desk.thread.actions import RESUME, TAKE, Action
from routing.models import Agent, State

CLOSED = _("This conversation is closed. When the customer writes again, a new one starts.")
GIVEN_OUT = _("This conversation is waiting. It will be offered to an agent; it can't be taken.")
NOBODYS = _("Nobody has this conversation yet.")
LEFT_WAITING = _("You are waiting for the customer. Resume the conversation to write first.")
ENDINGS = [".jpg", ".jpeg", ".png", ".mp3", ".ogg", ".amr", ".aac", ".mp4", ".3gp", ".pdf"]
OFFICE_ENDINGS = [".doc", ".docx", ".pptx", ".xlsx"]


@dataclass(frozen=True)
class Composer:
    """`mode` is `reply` where one can be written, else what is shown in its place is `sentence` and `action`."""

    conversation: Conversation
    mode: str
    sentence: str | Promise = ""
    action: Action | None = None
    text: str = ""
    note: str = ""
    note_error: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)
    answers_a_form: bool = False
    undo: Sequence[Message] = ()  # what was queued just now and can still be taken back
    quoted: Message | None = None

    limit = TEXT_LIMIT
    note_limit = NOTE_LIMIT
    exceeded = _(EXCEEDED)
    seconds_to_undo = HOLD.seconds

    @property
    def emoji_script(self) -> str:
        """Where the picker is fetched from when somebody opens it."""
        return static("desk/composer/emoji_picker.js")

    @property
    def left(self) -> TimeLeft:
        return TimeLeft.until(self.conversation.window_closes_at)

    @property
    def placeholder(self) -> str:
        """The hint in the empty text field."""
        name = self.conversation.contact.display_name
        return gettext("Write to %(name)s, / for quick replies") % {"name": name}

    @property
    def is_locked(self) -> bool:
        """Whether the customer's own choice, or ours to block them, prevents replies."""
        return self.mode in {"opted_out", "blocked"}

    @property
    def is_refusal(self) -> bool:
        """Whether this answers a form that was refused."""
        return self.answers_a_form and bool(self.errors)

    @property
    def other_error(self) -> str:
        """The error of the text, unless `sentence` says the same."""
        error = self.errors.get("text", "")
        return "" if error == self.sentence else error

    @property
    def may_note(self) -> bool:
        """Whether notes for colleagues can be written here."""
        return self.mode != "closed" and self.conversation.part != Part.MONITOR

    @property
    def begins_with_note(self) -> bool:
        """Whether a note is what is written here first: the colleague was consulted, or a note was refused."""
        return self.may_note and bool(self.conversation.part or self.note_error)

    @property
    def accept(self) -> str:
        """What the file chooser offers."""
        return ",".join([*LIMITS, *ENDINGS, *OFFICE_ENDINGS])

    @property
    def limits(self) -> str:
        """Bytes by type, for the check before the upload."""
        return json.dumps(LIMITS)


def composer_for(conversation: Conversation, agent: Agent) -> Composer:
    """What the agent can write here now, or why nothing."""
    mine = conversation.agent_id == agent.pk
    if conversation.state == State.CLOSED:
        return Composer(conversation, "closed", CLOSED)
    if conversation.state == State.OPEN:
        if may_take(conversation, agent):
            return Composer(conversation, "take", NOBODYS, TAKE)
        return Composer(conversation, "given_out", GIVEN_OUT)
    if not mine and conversation.part == Part.MONITOR:
        sentence = gettext("You are monitoring %(agent)s. Nobody is told.")
        return Composer(conversation, "monitoring", sentence % {"agent": conversation.agent})
    if not mine:
        sentence = gettext("%(agent)s has this conversation.")
        return Composer(conversation, "elsewhere", sentence % {"agent": conversation.agent})
    if not may_answer(agent, conversation):
        return Composer(conversation, "resume", LEFT_WAITING, RESUME)
    if (refusal := why_not(conversation)) is not None:
        return Composer(conversation, refusal.code, refusal.message)
    return Composer(conversation, "reply")


def refused(
    conversation: Conversation,
    agent: Agent,
    why: ReplyRefused,
    *,
    text: str,
    public_id: uuid.UUID | None,
    quoted: Message | None = None,
) -> Composer:
    """The composer after a reply was refused: the text is still there, the reason beside its field."""
    now = composer_for(conversation, agent)
    return replace(
        now,
        sentence=now.sentence or why.message,
        text=text,
        errors={why.field: why.message},
        public_id=public_id or now.public_id,
        quoted=quoted,
        answers_a_form=True,
    )


def emptied(conversation: Conversation, agent: Agent, *, undo: Sequence[Message] = ()) -> Composer:
    """The composer after a reply was queued, with what can still be taken back."""
    return replace(composer_for(conversation, agent), answers_a_form=True, undo=undo)


def given_back(conversation: Conversation, agent: Agent, messages: Sequence[Message]) -> Composer:
    """The composer after replies were taken back: their words are in it again, and what they replied to."""
    texts = [one.body for one in messages if one.body]
    quoted = next((one.quoted for one in messages if one.quoted), None)
    return replace(composer_for(conversation, agent), answers_a_form=True, text="\n\n".join(texts), quoted=quoted)
