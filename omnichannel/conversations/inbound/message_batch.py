"""Store many customers' messages at once, as `receive.receive_message` stores one."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from channels_whatsapp.events import InboundMessage
from channels_whatsapp.identity import get_number_identity
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.webhooks.number_lookup import NumberIndex
from omnichannel.conversations.contacts import lookup
from omnichannel.conversations.contacts.opt_out import get_opt_out_meaning
from omnichannel.conversations.inbound.receive import (
    ACTIVITY_FIELDS,
    advance_clocks,
    build_attachments,
    build_conversation,
    build_message,
    get_created_text,
    is_latest_inbound,
    is_latest_message,
    save_attachments,
)
from omnichannel.conversations.inbound.sender_batch import SenderBatch
from omnichannel.conversations.lanes import LaneKind, request_automated_messages
from omnichannel.conversations.models import (
    Attachment,
    Contact,
    ContactBusinessId,
    Conversation,
    ConversationEvent,
    Message,
    MessageTrigger,
    TimelineEventKind,
)
from omnichannel.core.db import update_rows
from omnichannel.jobs.lanes import enqueue_many
from routing.models import Queue, State

ConversationKey = tuple[Hashable, int]


@dataclass
class _NewSender:
    """A sender who becomes a contact, and what identifies them."""

    contact: Contact
    key: tuple[str | None, str, str]


@dataclass
class _Thread:
    """An open conversation, new or not, to which messages are added."""

    conversation: Conversation
    number: WhatsAppNumber
    is_new: bool
    last_message: Message | None = None
    last_message_at: datetime | None = None


@dataclass(frozen=True)
class _Addition:
    """A message to store in a conversation."""

    thread: _Thread
    inbound: InboundMessage
    message: Message

    def build_attachments(self) -> list[Attachment]:
        """Return the message's files, once it is stored."""
        return build_attachments(self.thread.number, self.message, self.inbound)


class MessageBatch:
    """The messages of a batch whose sender and conversation are clear."""

    def __init__(self, account: WhatsAppAccount, messages: Sequence[InboundMessage]) -> None:
        """Load what all the messages need, and lock the conversations."""
        self._account = account
        self._numbers = NumberIndex(account) if messages else None
        self._senders = SenderBatch(account, messages)
        self._threads: dict[ConversationKey, _Thread] = {}
        self._additions: list[_Addition] = []
        self._new_senders: dict[Hashable, _NewSender] = {}
        self._changed_contacts: dict[int, tuple[Contact, set[str]]] = {}
        self._sids = {message.sid for message in messages}
        self._quoted: dict[str, tuple[int, int, int]] = {}
        self._default_queue: Queue | None = None
        self._known_sids: set[str] = set()
        if messages:
            self._load_messages(messages)

    def _load_messages(self, messages: Sequence[InboundMessage]) -> None:
        """Load which SIDs are stored already, and the quoted messages."""
        sids = self._sids | {message.quoted_sid for message in messages}
        # The second condition lets PostgreSQL use the partial index.
        rows = Message.objects.filter(twilio_sid__in=sids).exclude(twilio_sid="").order_by()
        columns = ("twilio_sid", "pk", "conversation__contact", "conversation__number")
        self._quoted = {sid: (pk, contact, number) for sid, pk, contact, number in rows.values_list(*columns)}
        self._known_sids = self._sids & self._quoted.keys()

    # -- Taking messages --------------------------------------------------------------------------------------------

    def get_keys(self, message: InboundMessage) -> set[Hashable]:
        """Return keys that two deliveries have in common if their order matters."""
        return {("sid", message.sid), *self._senders.get_keys(message)}

    def add(self, message: InboundMessage, received_at: datetime) -> bool:
        """Take the next message; return False if it must be applied alone."""
        number = self._numbers.find(message) if self._numbers else None
        if number is None or not message.sender or not self._is_common(message):
            return False
        thread = self._find_thread(message, number, received_at)
        if thread is None:
            return False
        row = build_message(thread.conversation, message, received_at)
        self._additions.append(_Addition(thread, message, row))
        return True

    def _is_common(self, message: InboundMessage) -> bool:
        is_repeated = message.sid in self._known_sids
        quotes_this_batch = message.quoted_sid in self._sids
        return not is_repeated and not quotes_this_batch and get_opt_out_meaning(message.kind, message.body) is None

    def _find_thread(self, message: InboundMessage, number: WhatsAppNumber, at: datetime) -> _Thread | None:
        if self._senders.is_unknown(message):
            return self._find_thread_of_new_sender(message, number, at)
        contact = self._senders.find_contact(message)
        if contact is None or contact.blocked_at:
            return None
        thread = self._threads.get((contact.pk, number.pk))
        if thread is not None:
            return thread
        conversation = self._senders.conversations.get((contact.pk, number.pk))
        if conversation is None:
            is_free = self._senders.may_start_conversation(contact)
            return self._start_thread((contact.pk, number.pk), contact, number, at) if is_free else None
        if conversation.state == State.WAITING:
            return None
        last_message_at = self._senders.last_message_times[conversation.pk]
        thread = _Thread(conversation, number, is_new=False, last_message_at=last_message_at)
        self._threads[contact.pk, number.pk] = thread
        return thread

    def _find_thread_of_new_sender(
        self, message: InboundMessage, number: WhatsAppNumber, at: datetime
    ) -> _Thread | None:
        """Return the conversation of a sender who is no contact yet; None if two of them may be the same person."""
        key = (get_number_identity(message.sender), message.business_scoped_id, message.parent_business_scoped_id)
        keys = self._senders.get_keys(message)
        senders = {id(sender): sender for part in keys if (sender := self._new_senders.get(part))}
        if not senders:
            sender = _NewSender(lookup.build_contact(message), key)
            self._new_senders |= dict.fromkeys(keys, sender)
        elif any(sender.key != key for sender in senders.values()):
            return None
        else:
            [sender] = senders.values()
        thread = self._threads.get((key, number.pk))
        return thread or self._start_thread((key, number.pk), sender.contact, number, at)

    def _start_thread(self, key: ConversationKey, contact: Contact, number: WhatsAppNumber, at: datetime) -> _Thread:
        queue = number.work_stream.fallback_queue or self._get_default_queue()
        conversation = build_conversation(number, contact, queue, at)
        conversation.is_shared = False
        thread = self._threads[key] = _Thread(conversation, number, is_new=True)
        return thread

    def _get_default_queue(self) -> Queue:
        self._default_queue = self._default_queue or Queue.objects.get_default()
        return self._default_queue

    # -- Writing ----------------------------------------------------------------------------------------------------

    def write(self) -> list[tuple[Conversation, int]]:
        """Store everything; return the messages to publish, in order."""
        if not self._additions:
            return []
        started = [thread for thread in self._threads.values() if thread.is_new]
        self._inherit_windows(started)
        for addition in self._additions:
            self._advance(addition)
        self._save_contacts()
        _save_new_conversations([thread.conversation for thread in started])
        Message.objects.bulk_create([addition.message for addition in self._additions])
        save_attachments([attachment for addition in self._additions for attachment in addition.build_attachments()])
        _save_activity(list(self._threads.values()))
        return [(addition.thread.conversation, addition.message.pk) for addition in self._additions]

    def _inherit_windows(self, threads: Sequence[_Thread]) -> None:
        pairs = {(item.conversation.contact_id, item.number.pk) for item in threads if item.conversation.contact_id}
        windows = self._senders.get_service_windows(pairs)
        for thread in threads:
            conversation = thread.conversation
            window = windows.get((conversation.contact_id, thread.number.pk), (None, None))
            conversation.last_inbound_at, conversation.window_closes_at = window

    def _advance(self, addition: _Addition) -> None:
        """Change contact and conversation in memory, as the message does."""
        thread, message = addition.thread, addition.message
        conversation, contact = thread.conversation, thread.conversation.contact
        if is_latest_inbound(conversation, message.created_at):
            names = lookup.change_from_message(contact, addition.inbound)
            if names and contact.pk:
                self._changed_contacts.setdefault(contact.pk, (contact, set()))[1].update(names)
        advance_clocks(conversation, message.created_at)
        if is_latest_message(message.created_at, thread.last_message_at):
            thread.last_message, thread.last_message_at = message, message.created_at
        message.quoted_id = self._find_quoted(conversation, addition.inbound)

    def _find_quoted(self, conversation: Conversation, inbound: InboundMessage) -> int | None:
        pk, contact_id, number_id = self._quoted.get(inbound.quoted_sid, (None, None, None))
        is_own = (contact_id, number_id) == (conversation.contact_id, conversation.number_id)
        return pk if is_own else None

    def _save_contacts(self) -> None:
        changed = [item for _, item in sorted(self._changed_contacts.items())]
        if changed:
            names = sorted({name for _, names in changed for name in names})
            Contact.objects.bulk_update([contact for contact, _ in changed], names)
        new = list({id(sender): sender for sender in self._new_senders.values()}.values())
        Contact.objects.bulk_create([sender.contact for sender in new])
        ids = [
            ContactBusinessId(
                contact=sender.contact,
                account=self._account,
                business_scoped_id=sender.key[1],
                parent_business_scoped_id=sender.key[2],
            )
            for sender in new
            if sender.key[1]
        ]
        ContactBusinessId.objects.bulk_create(ids)


def _save_new_conversations(conversations: Sequence[Conversation]) -> None:
    """Store new conversations with the first line of their timeline, and request routing and greeting."""
    if not conversations:
        return
    Conversation.objects.bulk_create(conversations)
    lines = [
        ConversationEvent(
            conversation=conversation,
            kind=TimelineEventKind.CREATED,
            text=get_created_text(conversation),
            created_at=conversation.created_at,
        )
        for conversation in conversations
    ]
    ConversationEvent.objects.bulk_create(lines)
    enqueue_many([(LaneKind.ROUTE, conversation.pk) for conversation in conversations])
    requests = [(conversation, conversation.created_at) for conversation in conversations]
    request_automated_messages(requests, MessageTrigger.GREETING)


def _save_activity(threads: Sequence[_Thread]) -> None:
    for thread in threads:
        if thread.last_message is not None:
            thread.conversation.last_message_id = thread.last_message.pk
    conversations = sorted((thread.conversation for thread in threads), key=lambda conversation: conversation.pk)
    rows = [(item.pk, *(getattr(item, name) for name in ACTIVITY_FIELDS)) for item in conversations]
    names = [name.removesuffix("_id") for name in ACTIVITY_FIELDS]
    update_rows(Conversation, names, rows)
