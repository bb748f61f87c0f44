"""Start a conversation with a customer by sending a template from one of our numbers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_whatsapp.identity import (
    WHATSAPP_PREFIX,
    get_identity,
    get_number_identity,
    is_business_scoped,
    parse_business_scoped_id,
)
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber
from channels_whatsapp.phone_numbers import parse_international_number
from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.access import agent_for_user, sender_numbers_for
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.assignment.pick import resumed_text
from omnichannel.conversations.contacts.lookup import find_contact_keys
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, ContactBusinessId, Conversation, Message, TimelineEventKind
from omnichannel.conversations.outbound.compose import (
    ReplyError,
    ReplyErrorCode,
    find_previous_submission,
    get_send_error,
    lock_for_sending,
)
from omnichannel.conversations.outbound.templates import queue_template, validate_variables
from omnichannel.conversations.state_machine import transition
from omnichannel.core.localized_text import localized
from routing.models import Agent, Queue, State


class StartConversationError(ReplyError):
    """The conversation was not started. `field` is `number`, `to` or `template`."""


class ConversationAlreadyOpenError(StartConversationError):
    """There is an open conversation with this customer on this number, which the agent does not have."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(
            ReplyErrorCode.CONVERSATION_ALREADY_OPEN, _("This customer already has an open conversation."), field="to"
        )
        self.conversation = conversation


@dataclass(frozen=True)
class StartedConversation:
    """The conversation that the template was sent in, and whether it is new."""

    conversation: Conversation
    message: Message
    is_new: bool


@dataclass(frozen=True)
class OutboundTemplate:
    """A template with its variables and author.

    Attributes:
        public_id: Identifies the submitted form, so that a repeated submission sends nothing twice.
    """

    template: MessageTemplate
    variables: dict[str, str]
    author: User
    public_id: uuid.UUID | None


def parse_address(text: str) -> str:
    """Return the WhatsApp address for a phone number as people write it, or for a business-scoped id.

    Raises:
        ValidationError: There is no country code.
    """
    plain = text.strip()
    bare = plain[len(WHATSAPP_PREFIX) :].strip() if plain.lower().startswith(WHATSAPP_PREFIX) else plain
    return WHATSAPP_PREFIX + (bare if is_business_scoped(bare) else parse_international_number(bare))


def start_conversation(
    number: WhatsAppNumber,
    recipient: str | Contact,
    template: MessageTemplate,
    variables: Mapping[str, str],
    *,
    author: User,
    public_id: uuid.UUID | None = None,
) -> StartedConversation:
    """Start a conversation by sending a template to a contact, or to the owner of an address.

    It is assigned to the author's agent and uses their capacity. If the agent already has an open conversation with
    this customer, the template is sent there.

    Raises:
        ConversationAlreadyOpenError: An open conversation is assigned to another agent, or to nobody.
        ReplyError: The template can't be sent.
    """
    agent = agent_for_user(author)
    if agent is None or not sender_numbers_for(author).filter(pk=number.pk).exists():
        raise StartConversationError(
            ReplyErrorCode.NUMBER_NOT_PERMITTED, _("You can't send from this number."), field="number"
        )
    address = recipient.address if isinstance(recipient, Contact) else recipient
    if get_identity(address) == get_identity(number.address):
        raise StartConversationError(ReplyErrorCode.OWN_NUMBER, _("This is one of our own numbers."), field="to")
    outbound = OutboundTemplate(template, validate_variables(template, variables), author, public_id)
    # The second function looks again under a lock: somebody else may have started a conversation in the meantime.
    result = _find_open_conversation(number, recipient) or _create_with_template(number, recipient, agent, outbound)
    return _send_into_open_conversation(result, agent, outbound) if isinstance(result, Conversation) else result


def _find_open_conversation(number: WhatsAppNumber, recipient: str | Contact) -> Conversation | None:
    return number.conversations.filter(contact__in=_find_contact_keys(number, recipient), closed_at=None).first()


def _create_with_template(
    number: WhatsAppNumber, recipient: str | Contact, agent: Agent, outbound: OutboundTemplate
) -> StartedConversation | Conversation:
    """Create a conversation with the template, or return an open conversation if there is one after all.

    Do not lock an existing conversation here, because the contact is locked: receiving a message locks them in the
    opposite order.
    """
    with transaction.atomic():
        contact = _get_or_create_contact(number, recipient)
        existing = contact.conversations.filter(number=number, closed_at=None).first()
        return existing or _queue_template_once(_create_conversation(number, contact, agent), outbound, is_new=True)


def _send_into_open_conversation(
    existing: Conversation, agent: Agent, outbound: OutboundTemplate
) -> StartedConversation:
    """Send the template in the agent's own open conversation, which is resumed if it is waiting."""
    with transaction.atomic():
        locked = lock_for_sending(existing.pk)
        if locked.agent_id != agent.pk or locked.state == State.CLOSED:
            raise ConversationAlreadyOpenError(locked)
        if locked.state == State.WAITING:
            transition(locked, State.ACTIVE, agent=agent, actor=agent.user, event_text=resumed_text(agent))
        return _queue_template_once(locked, outbound, is_new=False)


def _queue_template_once(
    conversation: Conversation, outbound: OutboundTemplate, *, is_new: bool
) -> StartedConversation:
    locked = lock_for_sending(conversation.pk)
    if (previous := find_previous_submission(outbound.public_id, locked)) is not None:
        return StartedConversation(locked, previous, is_new=False)
    if (refusal := get_send_error(locked, is_template=True)) is not None:
        raise refusal
    message = queue_template(
        locked, outbound.template, outbound.variables, author=outbound.author, public_id=outbound.public_id
    )
    return StartedConversation(locked, message, is_new=is_new)


def _find_contact_keys(number: WhatsAppNumber, recipient: str | Contact) -> QuerySet[Any, Any]:
    if isinstance(recipient, Contact):
        return Contact.objects.filter(pk=recipient.pk).order_by().values("pk")
    return find_contact_keys(number.account_id, recipient, parse_business_scoped_id(recipient))


def _get_or_create_contact(number: WhatsAppNumber, recipient: str | Contact) -> Contact:
    """Return the contact, locked as on receipt of a message: their conversations start one at a time."""
    try:
        return _find_contact(number, recipient) or _create_contact(number, recipient)
    except IntegrityError:  # created concurrently
        contact = _find_contact(number, recipient)
        if contact is None:
            raise
        return contact


def _find_contact(number: WhatsAppNumber, recipient: str | Contact) -> Contact | None:
    keys = _find_contact_keys(number, recipient)
    return Contact.objects.select_for_update().filter(pk__in=keys).order_by("pk").first()


def _create_contact(number: WhatsAppNumber, recipient: str | Contact) -> Contact:
    if isinstance(recipient, Contact):
        raise StartConversationError(
            ReplyErrorCode.CONTACT_MERGED, _("This contact was merged into another one."), field="to"
        )
    with transaction.atomic():
        contact = Contact.objects.create(address=recipient, identity=get_number_identity(recipient))
        if own_id := parse_business_scoped_id(recipient):
            ContactBusinessId.objects.create(contact=contact, account_id=number.account_id, business_scoped_id=own_id)
    return contact


def _create_conversation(number: WhatsAppNumber, contact: Contact, agent: Agent) -> Conversation:
    """Create a conversation assigned to the agent, in the fallback queue of the number's work stream."""
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
        **Conversation.objects.get_service_window(contact, number),
    )
    text = localized("%(agent)s started the conversation from %(number)s.", agent=agent, number=number.name)
    timeline.record(conversation, TimelineEventKind.STARTED, text, actor=agent.user, at=now)
    schedule_load_refresh(agent.pk)
    publish_event(LiveEventKind.CONVERSATION, conversation)
    return conversation
