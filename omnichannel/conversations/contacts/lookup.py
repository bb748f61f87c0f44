"""Customers: found by any spelling of their number or by their business-scoped id, named, made one."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from channels_whatsapp.events import InboundMessage
from channels_whatsapp.identity import get_identity, is_business_scoped
from omnichannel.accounts.models import User
from omnichannel.conversations.contacts.merge_records import merge_contact_data
from omnichannel.conversations.context import value_changed_text
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, ContactAddress
from omnichannel.conversations.state_machine import record_event
from routing.models import ContactField
from routing.variables import values
from routing.variables.values import InvalidValueError

CONTACT_FIELD_EVENT = "contact_field"  # the kind of line in the timeline


def build_sender_filter(inbound: InboundMessage, *, prefix: str = "") -> Q:
    """The contact a message is from: by its number in any spelling, or by its business-scoped id."""
    match = Q(**{f"{prefix}identity": get_identity(inbound.sender)})
    if inbound.external_user_id:
        match |= Q(**{f"{prefix}external_user_id": inbound.external_user_id})
    return match


def has_sender_ids(contact: Contact, inbound: InboundMessage) -> bool:
    """Whether all that the message tells about who its sender is, is known of this contact."""
    same_id = not inbound.external_user_id or contact.external_user_id == inbound.external_user_id
    return same_id and (contact.identity == get_identity(inbound.sender) or is_business_scoped(inbound.sender))


def get_or_create_contact(inbound: InboundMessage) -> Contact:
    """The contact, locked, so that one contact's conversations are started one at a time."""
    try:
        return _get_merged_contact(inbound) or _create_contact(inbound)
    except IntegrityError:  # the same person's other message was a moment faster
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
    """The one contact; where number and business-scoped id were two until now, they are made one."""
    found = list(Contact.objects.select_for_update().filter(build_sender_filter(inbound)).order_by("pk"))
    if not found:
        found = list(Contact.objects.select_for_update().filter(pk__in=_get_contact_ids_by_extra_address(inbound)))
    if len(found) > 1:
        numbered = next((one for one in found if not is_business_scoped(one.address)), found[0])
        for other in found:
            if other.pk != numbered.pk:
                merge_contact_data(numbered, other)
        return numbered
    return found[0] if found else None


def _get_contact_ids_by_extra_address(inbound: InboundMessage) -> QuerySet[ContactAddress, int]:
    """Whose other number this is, since two contacts were made one by a person."""
    known = [get_identity(one) for one in (inbound.sender, inbound.external_user_id) if one]
    return ContactAddress.objects.filter(identity__in=known).values_list("contact", flat=True)


def update_from_message(contact: Contact, inbound: InboundMessage) -> None:
    """Keep what this message tells about its sender: the profile name, the number, the id."""
    number_is_news = contact.address != inbound.sender and not is_business_scoped(inbound.sender)
    news = {
        "profile_name": inbound.profile_name or contact.profile_name,
        "external_user_id": inbound.external_user_id or contact.external_user_id,
        "address": inbound.sender if number_is_news else contact.address,
        "identity": get_identity(inbound.sender) if number_is_news else contact.identity,
    }
    changed: dict[str, str | datetime | None]
    changed = {name: value for name, value in news.items() if getattr(contact, name) != value}
    # Twilio keeps the list of who opted out. Whoever writes may be tried again; if they are still on it, it says so.
    if inbound.is_opt_out != bool(contact.opted_out_at) and not contact.opted_out_by_word:
        changed["opted_out_at"] = timezone.now() if inbound.is_opt_out else None
    if changed:
        for name, value in changed.items():
            setattr(contact, name, value)
        contact.save(update_fields=list(changed))


def rename_contact(contact: Contact, name: str) -> None:
    """Give the contact a name of the desk's own; an empty one shows the profile name again."""
    with transaction.atomic():
        contact.name = name.strip()[:200]
        contact.save(update_fields=["name"])
        for conversation in contact.conversations.filter(closed_at=None):
            publish_event(LiveEventKind.CONVERSATION, conversation)


def set_contact_language(contact: Contact, language: str) -> None:
    """The language the customer is written to in by the desk itself; empty when it is not known."""
    with transaction.atomic():
        contact.language = language
        contact.save(update_fields=["language"])
        for conversation in contact.conversations.filter(closed_at=None):
            publish_event(LiveEventKind.CONVERSATION, conversation)


def set_contact_field(contact: Contact, name: str, value: str, by: User) -> None:
    """Give a contact field a value, as a person wrote it; an empty one takes it away.

    Raises NotAValue, in words for that person.
    """
    field = ContactField.objects.filter(name=name).first()
    if field is None:
        raise InvalidValueError(gettext("There is no contact field “%(name)s”.") % {"name": name})
    kept = values.parse_value(field.type, value)
    with transaction.atomic():
        locked = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        fields = {key: one for key, one in {**locked.fields, name: kept}.items() if one is not None}
        contact.fields = fields
        if fields == locked.fields:
            return
        contact.save(update_fields=["fields"])
        line = value_changed_text(field.display_name, kept, by)
        for conversation in contact.conversations.filter(closed_at=None):
            record_event(conversation, CONTACT_FIELD_EVENT, line, actor=by)
            publish_event(LiveEventKind.CONVERSATION, conversation)
