"""Save people from contact cards as contacts."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.identity import WHATSAPP_PREFIX, get_identity
from channels_whatsapp.phone_numbers import parse_international_number
from omnichannel.conversations.models import Contact, ContactAddress

NO_COUNTRY_CODE = _("This number has no country code and can't be reached on WhatsApp.")


class InvalidPhoneNumberError(Exception):
    """The number can't be reached on WhatsApp; the text is for the user."""


@dataclass(frozen=True)
class SavedContact:
    """The contact with the number, and whether it was created just now."""

    contact: Contact
    is_new: bool


def save_contact(name: str, phone: str) -> SavedContact:
    """Save a person as a contact; an existing contact with the number stays unchanged.

    Raises:
        InvalidPhoneNumberError: the number is invalid or has no country code.
    """
    address = WHATSAPP_PREFIX + _to_international_number(phone)
    existing = _find_contact(address)
    if existing is not None:
        return SavedContact(existing, is_new=False)
    try:
        with transaction.atomic():
            contact = Contact.objects.create(name=name.strip()[:200], address=address, identity=get_identity(address))
    except IntegrityError:  # another user saved the same number at the same moment
        return SavedContact(Contact.objects.get(identity=get_identity(address)), is_new=False)
    return SavedContact(contact, is_new=True)


def _find_contact(address: str) -> Contact | None:
    """Return the contact with this number, in any spelling, also as an additional one from a merge."""
    identity = get_identity(address)
    contact = Contact.objects.filter(identity=identity).first()
    extra = None if contact else ContactAddress.objects.filter(identity=identity).select_related("contact").first()
    return extra.contact if extra else contact


def _to_international_number(phone: str) -> str:
    try:
        return parse_international_number(phone)
    except ValidationError as error:
        text = NO_COUNTRY_CODE if error.code == "country_code" else " ".join(error.messages)
        raise InvalidPhoneNumberError(str(text)) from error
