"""What is at the foot of a conversation: a reply to write, or why there is none to write."""

import json
import uuid
from dataclasses import dataclass, field

from channels_whatsapp.service_window import EXCEEDED
from omnichannel.conversations.access import may_answer
from omnichannel.conversations.assignment import may_take
from omnichannel.conversations.models import Conversation, Part
from omnichannel.conversations.notes import TEXT_LIMIT as NOTE_LIMIT
from omnichannel.conversations.outgoing_files import LIMITS
from omnichannel.conversations.replies import TEXT_LIMIT, ReplyRefused, why_not
from omnichannel.desk.actions import RESUME, TAKE, Action
from omnichannel.desk.times import TimeLeft
from routing.models import Agent, State

CLOSED = "This conversation is closed. When the customer writes again, a new one starts."
GIVEN_OUT = "This conversation is waiting. It will be offered to an agent; it can't be taken."
LEFT_WAITING = "You are waiting for the customer. Resume the conversation to write first."
ENDINGS = [".jpg", ".jpeg", ".png", ".mp3", ".ogg", ".amr", ".aac", ".mp4", ".3gp", ".pdf"]
OFFICE_ENDINGS = [".doc", ".docx", ".pptx", ".xlsx"]


@dataclass(frozen=True)
class Composer:
    """`mode` is `reply` where one can be written, else what is shown in its place is `sentence` and `action`."""

    conversation: Conversation
    mode: str
    sentence: str = ""
    action: Action | None = None
    text: str = ""
    note: str = ""
    note_error: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)
    answers_a_form: bool = False

    limit = TEXT_LIMIT
    note_limit = NOTE_LIMIT
    exceeded = EXCEEDED

    @property
    def left(self) -> TimeLeft:
        return TimeLeft.until(self.conversation.window_closes_at)

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
            return Composer(conversation, "take", "Nobody has this conversation yet.", TAKE)
        return Composer(conversation, "given_out", GIVEN_OUT)
    if not mine and conversation.part == Part.MONITOR:
        return Composer(conversation, "monitoring", f"You are monitoring {conversation.agent}. Nobody is told.")
    if not mine:
        return Composer(conversation, "elsewhere", f"{conversation.agent} has this conversation.")
    if not may_answer(agent, conversation):
        return Composer(conversation, "resume", LEFT_WAITING, RESUME)
    if (refusal := why_not(conversation)) is not None:
        return Composer(conversation, refusal.code, refusal.message)
    return Composer(conversation, "reply")


def refused(
    conversation: Conversation, agent: Agent, why: ReplyRefused, *, text: str, public_id: uuid.UUID | None
) -> Composer:
    """The composer after a reply was refused: the text is still there, the reason beside its field."""
    now = composer_for(conversation, agent)
    return Composer(
        conversation,
        now.mode,
        now.sentence or why.message,
        now.action,
        text=text,
        errors={why.field: why.message},
        public_id=public_id or now.public_id,
        answers_a_form=True,
    )
