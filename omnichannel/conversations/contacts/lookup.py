"""Find, create and update contacts, by their number or business-scoped id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from channels_whatsapp.events import InboundMessage
from channels_whatsapp.identity import WHATSAPP_PREFIX, format_address, get_number_identity, is_business_scoped
from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.contacts.merge_records import merge_contact_data
from omnichannel.conversations.context import value_changed_text
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Contact,
    ContactAddress,
    ContactBusinessId,
    Conversation,
    TimelineEventKind,
)
from omnichannel.conversations.models.search import store_contact_words
from omnichannel.core.localized_text import localized
from routing.models import ContactField
from routing.variables import values as variable_values
from routing.variables.values import InvalidValueError


@dataclass(frozen=True)
class Sender:
    """The contact that wrote a message, locked.

    Attributes:
        has_taken_over_number: whether another contact, who is another person, had the number until now.
        changed_conversations: conversations of others whose timeline has a new line; the caller publishes them.
    """

    contact: Contact
    has_taken_over_number: bool = False
    changed_conversations: Sequence[Conversation] = ()


def find_contact_keys(
    account_id: int, address: str, business_scoped_id: str = "", parent_id: str = ""
) -> QuerySet[Any, Any]:
    """Return the keys of the contacts with this number, in any spelling, or with one of the ids.

    Args:
        account_id: the account that the business-scoped id is for.
        address: a number; the id in its place is looked up when it is also given as `business_scoped_id`.
        business_scoped_id: the id, without `whatsapp:`.
        parent_id: the id for linked portfolios, without `whatsapp:`.
    """
    identity = get_number_identity(address)
    ids = ContactBusinessId.objects.order_by()
    # One index each; an OR of them would scan the table.
    queries: list[QuerySet[Any, Any]] = [
        ids.filter(account=account_id, business_scoped_id=business_scoped_id).values("contact")
    ]
    if identity is not None:
        queries.append(ContactAddress.objects.filter(identity=identity).order_by().values("contact"))
        queries.append(Contact.objects.filter(identity=identity).order_by().values("pk"))
    if parent_id:
        queries.append(ids.filter(parent_business_scoped_id=parent_id).values("contact"))
    return queries[0].union(*queries[1:], all=True)


def find_sender_keys(account_id: int, inbound: InboundMessage) -> QuerySet[Any, Any]:
    """Return the keys of the contacts that have the number or an id of the message's sender."""
    return find_contact_keys(account_id, inbound.sender, inbound.business_scoped_id, inbound.parent_business_scoped_id)


def build_known_ids_filter(account_id: int, inbound: InboundMessage, contact: OuterRef) -> Q:
    """Return the filter for rows whose contact has the ids of the message's sender, if the message has any."""
    if not inbound.business_scoped_id:
        return Q()
    ids = ContactBusinessId.objects.filter(
        contact=contact, account=account_id, business_scoped_id=inbound.business_scoped_id
    )
    parent_id = inbound.parent_business_scoped_id
    return Q(Exists(ids.filter(parent_business_scoped_id=parent_id) if parent_id else ids))


def has_sender_number(contact: Contact, inbound: InboundMessage) -> bool:
    """Return whether replies to the contact go to the number of the message's sender, or the number is hidden."""
    identity = get_number_identity(inbound.sender)
    return identity is None or contact.identity == identity


def identify_sender(account_id: int, inbound: InboundMessage) -> Sender:
    """Return who wrote a message, locked, so that their conversations are started one at a time.

    Contacts that are the same person are merged. A number with another business-scoped id of the same account was
    given to somebody else, unless both ids have the same parent: the sender takes it over from its former owner.
    """
    try:
        with transaction.atomic():
            return _identify(account_id, inbound)
    except IntegrityError:  # another message of the same sender created the contact a moment ago
        return _identify(account_id, inbound)


def _identify(account_id: int, inbound: InboundMessage) -> Sender:
    keys = find_sender_keys(account_id, inbound)
    contacts = list(Contact.objects.select_for_update().filter(pk__in=keys).order_by("pk"))
    ids = list(ContactBusinessId.objects.filter(contact__in=contacts))
    owners = [contact for contact in contacts if not _is_other_person(contact, ids, account_id, inbound)]
    others = [contact for contact in contacts if contact not in owners and _release_number(contact, inbound.sender)]
    contact = _merge_contacts(owners) if owners else build_contact(inbound)
    if not owners:
        contact.save(force_insert=True)
    _store_business_scoped_id(contact, ids, account_id, inbound)
    changed = [conversation for other in others for conversation in _record_number_lost(other, inbound.sender)]
    return Sender(contact, has_taken_over_number=bool(others), changed_conversations=changed)


def _is_other_person(
    contact: Contact, ids: Sequence[ContactBusinessId], account_id: int, inbound: InboundMessage
) -> bool:
    """Return whether a contact with the sender's number is somebody else.

    Args:
        contact: a contact that has the number or an id of the sender.
        ids: the ids of this contact, perhaps among those of others.
        account_id: the account that received the message.
        inbound: the message.
    """
    own_ids = [own_id for own_id in ids if own_id.contact_id == contact.pk]
    parent_id = inbound.parent_business_scoped_id
    has_other_id = any(own_id.account_id == account_id for own_id in own_ids)
    has_same_id = any(
        (own_id.account_id == account_id and own_id.business_scoped_id == inbound.business_scoped_id)
        or (parent_id and own_id.parent_business_scoped_id == parent_id)
        for own_id in own_ids
    )
    return bool(inbound.business_scoped_id) and has_other_id and not has_same_id


def _merge_contacts(contacts: Sequence[Contact]) -> Contact:
    """Merge contacts that are the same person into the one with a number, or the oldest."""
    target = next((contact for contact in contacts if contact.identity is not None), contacts[0])
    for contact in contacts:
        if contact.pk != target.pk:
            merge_contact_data(target, contact)
            _update_windows(target)
    return target


def _update_windows(contact: Contact) -> None:
    """Let the contact's open conversations count the window from messages that another contact had until now."""
    for conversation in contact.conversations.filter(closed_at=None).select_related("number"):
        window = Conversation.objects.get_service_window(contact, conversation.number)
        Conversation.objects.filter(pk=conversation.pk).update(**window)


def build_contact(inbound: InboundMessage) -> Contact:
    """Return a contact for the sender of a message, not saved yet."""
    return Contact(
        address=inbound.sender,
        identity=get_number_identity(inbound.sender),
        profile_name=inbound.profile_name,
        username=inbound.username,
    )


def _store_business_scoped_id(
    contact: Contact, ids: Sequence[ContactBusinessId], account_id: int, inbound: InboundMessage
) -> None:
    """Store the sender's id for this account, or the parent of a known id, which WhatsApp may assign later.

    Raises:
        IntegrityError: another message of the same sender stored it a moment ago, perhaps for another contact.
    """
    business_scoped_id, parent_id = inbound.business_scoped_id, inbound.parent_business_scoped_id
    known = [
        own_id for own_id in ids if own_id.account_id == account_id and own_id.business_scoped_id == business_scoped_id
    ]
    if business_scoped_id and not known:
        ContactBusinessId.objects.create(
            contact=contact,
            account_id=account_id,
            business_scoped_id=business_scoped_id,
            parent_business_scoped_id=parent_id,
        )
    elif known and parent_id and known[0].parent_business_scoped_id != parent_id:
        ContactBusinessId.objects.filter(pk=known[0].pk).update(parent_business_scoped_id=parent_id)


def _release_number(contact: Contact, address: str) -> bool:
    """Take a number from a contact, which keeps its history and its ids.

    Returns:
        Whether the contact still had the number.
    """
    identity = get_number_identity(address)
    is_extra, _counts = contact.addresses.filter(identity=identity).delete()
    if is_extra:
        store_contact_words([contact.pk])
    if not is_extra and contact.identity != identity:  # another message took it a moment ago
        return False
    if contact.identity == identity:
        extra = contact.addresses.last()
        latest_id = contact.business_scoped_ids.order_by("pk").last()
        fallback = f"{WHATSAPP_PREFIX}{latest_id}"
        contact.address, contact.identity = (extra.address, extra.identity) if extra else (fallback, None)
        contact.save(update_fields=["address", "identity"])
    return True


def _record_number_lost(contact: Contact, address: str) -> Sequence[Conversation]:
    """Say in the open conversations of a number's former owner, or in the last one, that it belongs to another person.

    Returns:
        These conversations.
    """
    line = localized(
        "%(number)s now belongs to another person. Their messages are in a conversation of their own.",
        number=format_address(address),
    )
    conversations = contact.conversations.order_by("-pk")
    changed = list(conversations.filter(closed_at=None)) or list(conversations[:1])
    for conversation in changed:
        timeline.record(conversation, TimelineEventKind.NUMBER_LOST, line, actor=None)
    return changed


def record_number_taken_over(conversation: Conversation, address: str) -> None:
    """Say in the timeline why the customer has no earlier conversations although the number is known."""
    line = localized(
        "%(number)s belonged to another customer before, who is a different person on WhatsApp. Their conversations "
        "are not shown here.",
        number=format_address(address),
    )
    timeline.record(conversation, TimelineEventKind.NUMBER_TAKEN_OVER, line, actor=None)


def update_from_message(contact: Contact, inbound: InboundMessage) -> None:
    """Update the contact's names, address and opt-out from their latest message."""
    if changed := change_from_message(contact, inbound):
        contact.save(update_fields=changed)


def change_from_message(contact: Contact, inbound: InboundMessage) -> list[str]:
    """Do so without saving the contact; return the names of the changed fields."""
    # A hidden number stays known; without one, replies go to the latest id.
    is_new_address = contact.identity is None or not is_business_scoped(inbound.sender)
    values = {
        "profile_name": inbound.profile_name or contact.profile_name,
        "username": inbound.username or contact.username,
        "address": inbound.sender if is_new_address else contact.address,
        "identity": get_number_identity(inbound.sender) if is_new_address else contact.identity,
    }
    changed: dict[str, str | datetime | None]
    changed = {name: value for name, value in values.items() if getattr(contact, name) != value}
    # Twilio keeps its own opt-out list. A customer who writes may be sent messages; Twilio refuses if still listed.
    if inbound.is_opt_out != bool(contact.opted_out_at) and not contact.opted_out_by_word:
        changed["opted_out_at"] = timezone.now() if inbound.is_opt_out else None
    for name, value in changed.items():
        setattr(contact, name, value)
    return list(changed)


def rename_contact(contact: Contact, name: str) -> None:
    """Set the contact's name; an empty one shows the profile name again."""
    with transaction.atomic():
        contact.name = name.strip()[:200]
        contact.save(update_fields=["name"])
        for conversation in contact.conversations.filter(closed_at=None):
            publish_event(LiveEventKind.CONVERSATION, conversation)


def set_contact_language(contact: Contact, language: str) -> None:
    """Set the language of automated messages to the customer; empty when unknown."""
    with transaction.atomic():
        contact.language = language
        contact.save(update_fields=["language"])
        for conversation in contact.conversations.filter(closed_at=None):
            publish_event(LiveEventKind.CONVERSATION, conversation)


def set_contact_field(contact: Contact, name: str, value: str, by: User) -> None:
    """Set a contact field to a value as typed by the user; an empty one removes it.

    Raises:
        InvalidValueError: no such field, or the value does not fit its type; the text is for the user.
    """
    field = ContactField.objects.filter(name=name).first()
    if field is None:
        raise InvalidValueError(gettext("There is no contact field “%(name)s”.") % {"name": name})
    parsed_value = variable_values.parse_value(field.type, value)
    with transaction.atomic():
        locked = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        fields = {key: item for key, item in {**locked.fields, name: parsed_value}.items() if item is not None}
        contact.fields = fields
        if fields == locked.fields:
            return
        contact.save(update_fields=["fields"])
        line = value_changed_text(field.display_name, parsed_value, by)
        for conversation in contact.conversations.filter(closed_at=None):
            timeline.record(conversation, TimelineEventKind.CONTACT_FIELD_CHANGED, line, actor=by)
            publish_event(LiveEventKind.CONVERSATION, conversation)
