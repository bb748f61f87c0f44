"""Find, create and update contacts, by their number or business-scoped id."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from channels_whatsapp.events import InboundMessage
from channels_whatsapp.identity import get_identity, is_business_scoped
from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.contacts.merge_records import merge_contact_data
from omnichannel.conversations.context import value_changed_text
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, ContactAddress, TimelineEventKind
from routing.models import ContactField
from routing.variables import values as variable_values
from routing.variables.values import InvalidValueError


def build_sender_filter(inbound: InboundMessage, *, prefix: str = "") -> Q:
    """Return the filter for the sender's contact: same number, in any spelling, or business-scoped id.

    Args:
        inbound: the message.
        prefix: lookup path to the contact, such as `contact__`.
    """
    match = Q(**{f"{prefix}identity": get_identity(inbound.sender)})
    if inbound.external_user_id:
        match |= Q(**{f"{prefix}external_user_id": inbound.external_user_id})
    return match


def has_sender_ids(contact: Contact, inbound: InboundMessage) -> bool:
    """Return whether the contact has both the number and the business-scoped id of the message's sender."""
    same_id = not inbound.external_user_id or contact.external_user_id == inbound.external_user_id
    return same_id and (contact.identity == get_identity(inbound.sender) or is_business_scoped(inbound.sender))


def get_or_create_contact(inbound: InboundMessage) -> Contact:
    """Return the sender's contact, locked, so that its conversations are started one at a time."""
    try:
        return _get_merged_contact(inbound) or _create_contact(inbound)
    except IntegrityError:  # another message of the same sender created it a moment ago
        contact = _get_merged_contact(inbound)
        if contact is None:
            raise
        return contact


def _create_contact(inbound: InboundMessage) -> Contact:
    with transaction.atomic():
        return Contact.objects.create(
            address=inbound.sender,
            identity=get_identity(inbound.sender),
            external_user_id=inbound.external_user_id,
            profile_name=inbound.profile_name,
        )


def _get_merged_contact(inbound: InboundMessage) -> Contact | None:
    """Return the sender's contact, locked; merge two contacts that have the number and the id."""
    contacts = list(Contact.objects.select_for_update().filter(build_sender_filter(inbound)).order_by("pk"))
    if not contacts:
        contacts = list(Contact.objects.select_for_update().filter(pk__in=_get_contact_ids_by_extra_address(inbound)))
    if len(contacts) > 1:
        target = next((contact for contact in contacts if not is_business_scoped(contact.address)), contacts[0])
        for contact in contacts:
            if contact.pk != target.pk:
                merge_contact_data(target, contact)
        return target
    return contacts[0] if contacts else None


def _get_contact_ids_by_extra_address(inbound: InboundMessage) -> QuerySet[ContactAddress, int]:
    """Return the contact that has the sender's address from a manual merge."""
    identities = [get_identity(address) for address in (inbound.sender, inbound.external_user_id) if address]
    return ContactAddress.objects.filter(identity__in=identities).values_list("contact", flat=True)


def update_from_message(contact: Contact, inbound: InboundMessage) -> None:
    """Update the contact's profile name, number, business-scoped id and opt-out from a message."""
    has_new_number = contact.address != inbound.sender and not is_business_scoped(inbound.sender)
    values = {
        "profile_name": inbound.profile_name or contact.profile_name,
        "external_user_id": inbound.external_user_id or contact.external_user_id,
        "address": inbound.sender if has_new_number else contact.address,
        "identity": get_identity(inbound.sender) if has_new_number else contact.identity,
    }
    changed: dict[str, str | datetime | None]
    changed = {name: value for name, value in values.items() if getattr(contact, name) != value}
    # Twilio keeps its own opt-out list. A customer who writes may be sent messages; Twilio refuses if still listed.
    if inbound.is_opt_out != bool(contact.opted_out_at) and not contact.opted_out_by_word:
        changed["opted_out_at"] = timezone.now() if inbound.is_opt_out else None
    if changed:
        for name, value in changed.items():
            setattr(contact, name, value)
        contact.save(update_fields=list(changed))


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
