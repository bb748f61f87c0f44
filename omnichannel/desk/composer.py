"""What is at the foot of a conversation: a reply to write, or why there is none to write."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from channels_whatsapp.service_window import EXCEEDED
from omnichannel.conversations.access import may_answer
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.outgoing_files import LIMITS
from omnichannel.conversations.replies import TEXT_LIMIT, ReplyRefused, why_not
from omnichannel.desk.times import TimeLeft
from routing.models import Agent, State

CLOSED = "This conversation is closed. When the customer writes again, a new one starts."
LEFT_WAITING = "You are waiting for the customer. Resume the conversation to write first."
ENDINGS = [".jpg", ".jpeg", ".png", ".mp3", ".ogg", ".amr", ".aac", ".mp4", ".3gp", ".pdf"]
OFFICE_ENDINGS = [".doc", ".docx", ".pptx", ".xlsx"]


@dataclass(frozen=True)
class Action:
    """Something the agent can do with the conversation now; `name` is its address's."""

    name: str
    label: str
    icon: str
    is_primary: bool = False

    @property
    def url_name(self) -> str:
        return f"desk:{self.name}"


TAKE = Action("take", "Assign to me", "take", is_primary=True)
RESUME = Action("resume", "Resume", "resume", is_primary=True)
END = Action("end", "End", "end", is_primary=True)
LEAVE = Action("leave", "Wait for customer", "clock")
RELEASE = Action("release", "Give back", "back_to_queue")
CLOSE = Action("close", "Close", "close_conversation", is_primary=True)

OF_MINE = {State.ACTIVE: [LEAVE, RELEASE, END], State.WRAP_UP: [CLOSE], State.WAITING: [RESUME]}


def actions_for(conversation: Conversation, agent: Agent) -> Sequence[Action]:
    """The buttons by the conversation's name, in the order they are shown."""
    if conversation.state == State.OPEN:
        return [TAKE]
    return OF_MINE.get(State(conversation.state), []) if conversation.agent_id == agent.pk else []


@dataclass(frozen=True)
class Composer:
    """`mode` is `reply` where one can be written, else what is shown in its place is `sentence` and `action`."""

    conversation: Conversation
    mode: str
    sentence: str = ""
    action: Action | None = None
    text: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)
    answers_a_form: bool = False

    limit = TEXT_LIMIT
    exceeded = EXCEEDED

    @property
    def left(self) -> TimeLeft:
        return TimeLeft.until(self.conversation.window_closes_at)

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
        return Composer(conversation, "take", "Nobody has this conversation yet.", TAKE)
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
