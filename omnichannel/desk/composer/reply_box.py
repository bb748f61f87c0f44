"""The composer below a conversation: a field for the reply, or the reason why there is none."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.service_window import WINDOW_EXCEEDED_MESSAGE
from omnichannel.conversations.access import can_reply
from omnichannel.conversations.assignment.pick import can_take
from omnichannel.conversations.models import Conversation, Message, ParticipationKind
from omnichannel.conversations.notes import MAX_NOTE_LENGTH
from omnichannel.conversations.outbound.compose import TEXT_LIMIT, ReplyError, ReplyErrorCode, get_send_error
from omnichannel.conversations.outbound.undo_send import HOLD_DURATION
from omnichannel.conversations.outbound.uploads import MAX_BYTES_BY_TYPE
from omnichannel.desk.shared.times import TimeLeft
from omnichannel.desk.thread.actions import RESUME, TAKE, Action
from routing.models import Agent, State

CLOSED_TEXT = _("This conversation is closed. When the customer writes again, a new one starts.")
AWAITING_OFFER_TEXT = _("This conversation will be offered to an agent. It can't be taken.")
UNASSIGNED_TEXT = _("This conversation is unassigned.")
WAITING_FOR_CUSTOMER_TEXT = _("You are waiting for the customer. Resume the conversation to write.")
FILE_EXTENSIONS = [".jpg", ".jpeg", ".png", ".mp3", ".m4a", ".ogg", ".opus", ".amr", ".aac", ".mp4", ".3gp", ".pdf"]
OFFICE_FILE_EXTENSIONS = [".doc", ".docx", ".pptx", ".xlsx"]


class ComposerMode(StrEnum):
    """The modes of the composer: in REPLY the agent can write, the others are reasons why they can't."""

    REPLY = "reply"
    TAKE = "take"
    RESUME = "resume"
    AWAITING_OFFER = "awaiting_offer"
    ASSIGNED_TO_COLLEAGUE = "assigned_to_colleague"
    MONITORING = "monitoring"
    CLOSED = "closed"
    BLOCKED = ReplyErrorCode.BLOCKED.value
    OPTED_OUT = ReplyErrorCode.OPTED_OUT.value
    WINDOW_CLOSED = ReplyErrorCode.WINDOW_CLOSED.value
    NO_ADDRESS = ReplyErrorCode.NO_ADDRESS.value


@dataclass(frozen=True)
class Composer:
    """The state of the composer.

    Attributes:
        mode: In any mode but REPLY, `explanation` and `action` are shown instead of the fields.
        unknown_mentions: Names after an @ in the note by which nobody is called, separated by spaces.
        undoable_messages: Messages that were queued just now and can still be taken back.
    """

    conversation: Conversation
    mode: ComposerMode
    explanation: str | Promise = ""
    action: Action | None = None
    text: str = ""
    note_text: str = ""
    note_error: str = ""
    unknown_mentions: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)
    is_form_response: bool = False
    undoable_messages: Sequence[Message] = ()
    quoted_message: Message | None = None

    text_limit = TEXT_LIMIT
    note_limit = MAX_NOTE_LENGTH
    window_exceeded_text = _(WINDOW_EXCEEDED_MESSAGE)
    undo_seconds = HOLD_DURATION.seconds

    @property
    def emoji_script_url(self) -> str:
        """Return the URL of the emoji picker, which is loaded when it is opened."""
        return static("desk/composer/emoji_picker.js")

    @property
    def time_left(self) -> TimeLeft:
        return TimeLeft.until(self.conversation.window_closes_at)

    @property
    def placeholder(self) -> str:
        """The hint in the empty text field."""
        name = self.conversation.contact.display_name
        return gettext("Message %(name)s, / for quick replies") % {"name": name}

    @property
    def is_locked(self) -> bool:
        """Whether the customer's own choice, or ours to block them, prevents replies."""
        return self.mode in {ComposerMode.OPTED_OUT, ComposerMode.BLOCKED}

    @property
    def is_refusal(self) -> bool:
        """Whether this answers a form that was refused."""
        return self.is_form_response and bool(self.errors)

    @property
    def other_error(self) -> str:
        """The error of the text, unless `explanation` says the same."""
        error = self.errors.get("text", "")
        return "" if error == self.explanation else error

    @property
    def can_write_note(self) -> bool:
        """Return whether the agent can write notes for colleagues here."""
        return self.mode != ComposerMode.CLOSED and self.conversation.participation_kind != ParticipationKind.MONITOR

    @property
    def starts_in_note_mode(self) -> bool:
        """Return whether the note field is shown first: for a consulted colleague or after a refused note."""
        return self.can_write_note and bool(self.conversation.participation_kind or self.note_error)

    @property
    def accepted_file_types(self) -> str:
        """Return the value of the file field's `accept` attribute."""
        return ",".join([*MAX_BYTES_BY_TYPE, *FILE_EXTENSIONS, *OFFICE_FILE_EXTENSIONS])

    @property
    def size_limits_json(self) -> str:
        """Return the maximum size in bytes by content type as JSON, for the check before the upload."""
        return json.dumps(MAX_BYTES_BY_TYPE)


def get_composer(conversation: Conversation, agent: Agent) -> Composer:
    """Return the composer for what the agent can write now, or the reason why they can't write."""
    is_assigned = conversation.agent_id == agent.pk
    if conversation.state == State.CLOSED:
        return Composer(conversation, ComposerMode.CLOSED, CLOSED_TEXT)
    if conversation.state == State.OPEN:
        if can_take(conversation, agent):
            return Composer(conversation, ComposerMode.TAKE, UNASSIGNED_TEXT, TAKE)
        return Composer(conversation, ComposerMode.AWAITING_OFFER, AWAITING_OFFER_TEXT)
    if not is_assigned and conversation.participation_kind == ParticipationKind.MONITOR:
        explanation = gettext("You are monitoring %(agent)s. No one is notified.")
        return Composer(conversation, ComposerMode.MONITORING, explanation % {"agent": conversation.agent})
    if not is_assigned:
        explanation = gettext("Assigned to %(agent)s.")
        return Composer(conversation, ComposerMode.ASSIGNED_TO_COLLEAGUE, explanation % {"agent": conversation.agent})
    if not can_reply(agent, conversation):
        return Composer(conversation, ComposerMode.RESUME, WAITING_FOR_CUSTOMER_TEXT, RESUME)
    if (refusal := get_send_error(conversation)) is not None:
        return Composer(conversation, ComposerMode(refusal.code), refusal.message)
    return Composer(conversation, ComposerMode.REPLY)


def get_composer_after_refusal(
    conversation: Conversation,
    agent: Agent,
    refusal: ReplyError,
    *,
    text: str,
    public_id: uuid.UUID | None,
    quoted_message: Message | None = None,
) -> Composer:
    """Return the composer after a refused reply, with the text and the reason beside its field."""
    composer = get_composer(conversation, agent)
    return replace(
        composer,
        explanation=composer.explanation or refusal.message,
        text=text,
        errors={refusal.field: refusal.message},
        public_id=public_id or composer.public_id,
        quoted_message=quoted_message,
        is_form_response=True,
    )


def get_composer_after_send(
    conversation: Conversation, agent: Agent, *, undoable_messages: Sequence[Message] = ()
) -> Composer:
    """Return the composer after a reply was queued, with the messages that can still be taken back."""
    return replace(get_composer(conversation, agent), is_form_response=True, undoable_messages=undoable_messages)


def get_composer_after_undo(conversation: Conversation, agent: Agent, messages: Sequence[Message]) -> Composer:
    """Return the composer after replies were taken back, with their texts and the quoted message."""
    texts = [message.body for message in messages if message.body]
    quoted_message = next((message.quoted for message in messages if message.quoted), None)
    return replace(
        get_composer(conversation, agent),
        is_form_response=True,
        text="\n\n".join(texts),
        quoted_message=quoted_message,
    )
