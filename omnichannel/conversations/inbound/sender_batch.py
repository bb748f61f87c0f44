"""Find the contacts and open conversations of many senders at once.

A sender is clear if they match exactly one contact, who is surely the same person, or none at all. All others are left
to `contacts.lookup.identify_sender`, which merges contacts and lets numbers change hands.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from channels_whatsapp.events import InboundMessage
from channels_whatsapp.identity import get_number_identity
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.contacts.lookup import has_sender_number
from omnichannel.conversations.models import Contact, ContactAddress, ContactBusinessId, Conversation


@dataclass
class _Owners:
    """The contacts that have a number or an id, by it."""

    by_identity: dict[str, set[int]] = field(default_factory=dict)
    by_own_id: dict[str, set[int]] = field(default_factory=dict)
    by_parent_id: dict[str, set[int]] = field(default_factory=dict)
    # Pairs of a business-scoped id of this account and its parent.
    id_pairs: dict[str, str] = field(default_factory=dict)


class SenderBatch:
    """The contacts and open conversations of the senders of a batch, as they are when it begins.

    Contacts without an open conversation are locked, so that only one conversation is started; so are the open
    conversations.
    """

    def __init__(self, account: WhatsAppAccount, messages: Sequence[InboundMessage]) -> None:
        self._account, self._owners = account, _Owners()
        self._contacts: dict[int, Contact] = {}
        self._locked_contact_ids: set[int] = set()
        if messages:
            self._load_contacts(messages)
            self._lock_contacts()
        # The open conversations by contact and number, and the times of their last messages.
        self.conversations: dict[tuple[int, int], Conversation] = {}
        self.last_message_times: dict[int, datetime | None] = {}
        if self._contacts:
            self._load_conversations()

    # -- Reading ----------------------------------------------------------------------------------------------------

    def _load_contacts(self, messages: Sequence[InboundMessage]) -> None:
        identities = {identity for message in messages if (identity := get_number_identity(message.sender))}
        self._load_ids(messages)
        for identity, pk in ContactAddress.objects.filter(identity__in=identities).values_list("identity", "contact"):
            self._owners.by_identity.setdefault(identity, set()).add(pk)
        pks = _join(self._owners.by_identity, self._owners.by_own_id, self._owners.by_parent_id)
        open_conversations = Conversation.objects.filter(contact=OuterRef("pk"), closed_at=None)
        contacts = Contact.objects.filter(Q(identity__in=identities) | Q(pk__in=pks)).order_by()
        for contact in contacts.annotate(has_open_conversation=Exists(open_conversations)):
            self._contacts[contact.pk] = contact
            if contact.identity:
                self._owners.by_identity.setdefault(contact.identity, set()).add(contact.pk)

    def _load_ids(self, messages: Sequence[InboundMessage]) -> None:
        own_ids = {message.business_scoped_id for message in messages} - {""}
        parent_ids = {message.parent_business_scoped_id for message in messages} - {""}
        if not own_ids and not parent_ids:
            return
        of_account = Q(account=self._account, business_scoped_id__in=own_ids)
        # The second condition lets PostgreSQL use the partial index.
        of_parent = Q(parent_business_scoped_id__in=parent_ids) & ~Q(parent_business_scoped_id="")
        rows = ContactBusinessId.objects.filter(of_account | of_parent if parent_ids else of_account).order_by()
        for row in rows:
            if row.account_id == self._account.pk:
                self._owners.by_own_id.setdefault(row.business_scoped_id, set()).add(row.contact_id)
                self._owners.id_pairs[row.business_scoped_id] = row.parent_business_scoped_id
            if row.parent_business_scoped_id:
                self._owners.by_parent_id.setdefault(row.parent_business_scoped_id, set()).add(row.contact_id)

    def _lock_contacts(self) -> None:
        """Lock those who may get a new conversation: it must not be started twice."""
        pks = [pk for pk, contact in self._contacts.items() if not contact.has_open_conversation]  # type: ignore[attr-defined]
        if pks:
            locked = Contact.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
            self._contacts |= {contact.pk: contact for contact in locked}
            self._locked_contact_ids = set(pks)

    def _load_conversations(self) -> None:
        conversations = Conversation.objects.select_for_update(of=("self",), no_key=True).annotate_is_shared()
        of_senders = conversations.filter(contact__in=list(self._contacts), number__account=self._account)
        opened = of_senders.filter(closed_at=None).annotate(newest_message_at=F("last_message__created_at"))
        for conversation in opened.order_by("pk"):
            conversation.contact = self._contacts[conversation.contact_id]
            self.conversations[conversation.contact_id, conversation.number_id] = conversation
            self.last_message_times[conversation.pk] = conversation.newest_message_at  # type: ignore[attr-defined]

    def get_service_windows(
        self, pairs: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[datetime | None, datetime | None]]:
        """Return `last_inbound_at` and `window_closes_at` that new conversations inherit, by contact and number."""
        if not pairs:
            return {}
        answered = Conversation.objects.filter(
            contact__in={contact for contact, _ in pairs}, number__in={number for _, number in pairs}
        ).filter(last_inbound_at__isnull=False)
        place = Window(RowNumber(), partition_by=[F("contact"), F("number")], order_by=F("last_inbound_at").desc())
        latest = answered.order_by().annotate(place=place).filter(place=1)
        rows = latest.values_list("contact", "number", "last_inbound_at", "window_closes_at")
        return {(contact, number): (last_at, closes_at) for contact, number, last_at, closes_at in rows}

    # -- Whose message it is ----------------------------------------------------------------------------------------

    def get_keys(self, message: InboundMessage) -> set[Hashable]:
        """Return keys that two messages have in common if they may be of the same contact."""
        keys: set[Hashable] = {("contact", pk) for pk in self._match(message)}
        identity = get_number_identity(message.sender)
        keys |= {("number", identity)} if identity else set()
        keys |= {("id", message.business_scoped_id)} if message.business_scoped_id else set()
        return keys | ({("parent", message.parent_business_scoped_id)} if message.parent_business_scoped_id else set())

    def _match(self, message: InboundMessage) -> set[int]:
        owners = self._owners
        return (
            owners.by_identity.get(get_number_identity(message.sender) or "", set())
            | owners.by_own_id.get(message.business_scoped_id, set())
            | owners.by_parent_id.get(message.parent_business_scoped_id, set())
        )

    def is_unknown(self, message: InboundMessage) -> bool:
        """Return whether no contact has the number or an id of the sender."""
        return not self._match(message)

    def find_contact(self, message: InboundMessage) -> Contact | None:
        """Return the one contact that is surely the sender; None if that has to be found out."""
        pks = self._match(message)
        contact = self._contacts.get(next(iter(pks))) if len(pks) == 1 else None
        if contact is None or not has_sender_number(contact, message) or not self._has_known_ids(message):
            return None
        return contact

    def _has_known_ids(self, message: InboundMessage) -> bool:
        if not message.business_scoped_id:
            return not message.parent_business_scoped_id
        known_parent_id = self._owners.id_pairs.get(message.business_scoped_id)
        return known_parent_id is not None and message.parent_business_scoped_id in {"", known_parent_id}

    def may_start_conversation(self, contact: Contact) -> bool:
        """Return whether the contact is locked, so that nobody else starts a conversation with them."""
        return contact.pk in self._locked_contact_ids


def _join(*groups: dict[str, set[int]]) -> set[int]:
    return {pk for group in groups for pks in group.values() for pk in pks}
