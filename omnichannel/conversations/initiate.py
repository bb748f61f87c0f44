"""The desk writes first: a conversation begins with a template, from one of our numbers to a customer's."""

import re
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_whatsapp.identity import WHATSAPP_PREFIX, get_identity, is_business_scoped
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber, normalize_phone_number
from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.access import agent_for_user, sender_numbers_for
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.assignment.pick import resumed_text
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, ContactAddress, Conversation, Message, TimelineEventKind
from omnichannel.conversations.outbound.compose import (
    ReplyError,
    find_previous_submission,
    get_send_error,
    lock_for_sending,
)
from omnichannel.conversations.outbound.templates import queue_template, validate_variables
from omnichannel.conversations.state_machine import transition
from omnichannel.core.localized_text import localized
from routing.models import Agent, Queue, State

# Marks of the writing direction, which come along when a number is copied.
BIDI_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# +49 (0)171: a zero that is dialled inside the country alone, and no part of the number.
TRUNK_PREFIX = re.compile(r"(?<=\d)[\s.)-]*\(\s*0\s*\)")


class StartConversationError(ReplyError):
    """No conversation was begun. `field` is `number`, `to` or `template`."""


class ConversationAlreadyOpenError(StartConversationError):
    """There is an open conversation with this customer on this number, and this agent does not have it."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__("already_open", _("There is an open conversation with this customer already."), field="to")
        self.conversation = conversation


@dataclass(frozen=True)
class StartedConversation:
    """The conversation the template went into, and whether it is new."""

    conversation: Conversation
    message: Message
    is_new: bool


@dataclass(frozen=True)
class OutboundTemplate:
    """What is sent, by whom, and the form it came with."""

    template: MessageTemplate
    variables: dict[str, str]
    author: User
    public_id: uuid.UUID | None


def parse_address(text: str) -> str:
    """The WhatsApp address of a number as people write it, or of a business-scoped id.

    Raises ValidationError without a country code: a number that is guessed would be a stranger's.
    """
    plain = "".join(map(_ascii_digit, unicodedata.normalize("NFKC", BIDI_MARKS.sub("", text)))).strip()
    bare = plain[len(WHATSAPP_PREFIX) :].strip() if plain.lower().startswith(WHATSAPP_PREFIX) else plain
    if is_business_scoped(bare):
        return WHATSAPP_PREFIX + bare
    digits = TRUNK_PREFIX.sub("", bare.lstrip(" ("))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not digits.startswith("+") or digits[1:].lstrip(" (").startswith("0"):
        raise ValidationError(_("Begin with + and the country code, for example +49 151 1234567."), code="country_code")
    return WHATSAPP_PREFIX + normalize_phone_number(digits)


def _ascii_digit(letter: str) -> str:
    """Digits of every script as 0 to 9."""
    digit = unicodedata.decimal(letter, None)
    return letter if digit is None else str(digit)


def start_conversation(
    number: WhatsAppNumber,
    address: str,
    template: MessageTemplate,
    variables: Mapping[str, str],
    *,
    author: User,
    public_id: uuid.UUID | None = None,
) -> StartedConversation:
    """Begin a conversation with whoever has this address; the agent has it, and it counts against their capacity.

    Where the agent has an open one with them already, the template goes there. Raises AlreadyOpen where somebody else
    has it or nobody yet, and ReplyRefused for what stands against sending.
    """
    agent = agent_for_user(author)
    if agent is None or not sender_numbers_for(author).filter(pk=number.pk).exists():
        raise StartConversationError("number", _("You can't write from this number."), field="number")
    if get_identity(address) == get_identity(number.address):
        raise StartConversationError("own_number", _("This is our own number."), field="to")
    letter = OutboundTemplate(template, validate_variables(template, variables), author, public_id)
    # Two looks: what was begun by somebody else at this moment is there at the second.
    found = _find_open_conversation(number, address) or _create_with_template(number, address, agent, letter)
    return _send_into_open_conversation(found, agent, letter) if isinstance(found, Conversation) else found


def _find_open_conversation(number: WhatsAppNumber, address: str) -> Conversation | None:
    return number.conversations.filter(_matches_address(address, prefix="contact__"), closed_at=None).first()


def _create_with_template(
    number: WhatsAppNumber, address: str, agent: Agent, letter: OutboundTemplate
) -> StartedConversation | Conversation:
    """A new conversation with the template in it; the open one where there is one after all.

    The contact is locked here, so nothing of a conversation that is there may be: a customer's message locks it first.
    """
    with transaction.atomic():
        contact = _get_or_create_contact(address)
        existing = contact.conversations.filter(number=number, closed_at=None).first()
        return existing or _queue_template_once(_create_conversation(number, contact, agent), letter, is_new=True)


def _send_into_open_conversation(existing: Conversation, agent: Agent, letter: OutboundTemplate) -> StartedConversation:
    """The agent's own open conversation; one that waits for the customer is resumed."""
    with transaction.atomic():
        locked = lock_for_sending(existing.pk)
        if locked.agent_id != agent.pk or locked.state == State.CLOSED:
            raise ConversationAlreadyOpenError(locked)
        if locked.state == State.WAITING:
            transition(locked, State.ACTIVE, agent=agent, actor=agent.user, event_text=resumed_text(agent))
        return _queue_template_once(locked, letter, is_new=False)


def _queue_template_once(conversation: Conversation, letter: OutboundTemplate, *, is_new: bool) -> StartedConversation:
    locked = lock_for_sending(conversation.pk)
    if (queued_before := find_previous_submission(letter.public_id, locked)) is not None:
        return StartedConversation(locked, queued_before, is_new=False)
    if (refusal := get_send_error(locked, is_template=True)) is not None:
        raise refusal
    message = queue_template(
        locked, letter.template, letter.variables, author=letter.author, public_id=letter.public_id
    )
    return StartedConversation(locked, message, is_new=is_new)


def _get_or_create_contact(address: str) -> Contact:
    """The contact, locked as for a customer's own message, so that their conversations begin one at a time."""
    try:
        return _find_contact(address) or _create_contact(address)
    except IntegrityError:  # somebody else was a moment faster
        contact = _find_contact(address)
        if contact is None:
            raise
        return contact


def _find_contact(address: str) -> Contact | None:
    return Contact.objects.select_for_update().filter(_matches_address(address)).order_by("pk").first()


def _matches_address(address: str, *, prefix: str = "") -> Q:
    """Whose number it is in any spelling, also one of two that belong to one person, or whose business-scoped id."""
    others = ContactAddress.objects.filter(identity=get_identity(address)).values("contact")
    who = Q(**{f"{prefix}identity": get_identity(address)}) | Q(**{f"{prefix}pk__in": others})
    return who | Q(**{f"{prefix}external_user_id": address}) if is_business_scoped(address) else who


def _create_contact(address: str) -> Contact:
    with transaction.atomic():
        own_id = address if is_business_scoped(address) else ""
        return Contact.objects.create(address=address, identity=get_identity(address), external_user_id=own_id)


def _create_conversation(number: WhatsAppNumber, contact: Contact, agent: Agent) -> Conversation:
    """As when the agent had picked it: theirs at once, in the queue of the number's work stream."""
    now, stream = timezone.now(), number.work_stream
    conversation = Conversation.objects.create(
        contact=contact,
        number=number,
        work_stream=stream,
        queue=stream.fallback_queue or Queue.objects.get_default(),
        agent=agent,
        started_by=agent.user,
        is_placed_by_hand=True,
        state=State.ACTIVE,
        state_since=now,
        created_at=now,
        last_activity_at=now,
    )
    line = localized("%(agent)s started the conversation on %(number)s.", agent=agent, number=number.name)
    timeline.record(conversation, TimelineEventKind.STARTED, line, actor=agent.user, at=now)
    schedule_load_refresh(agent.pk)
    publish_event(LiveEventKind.CONVERSATION, conversation)
    return conversation
