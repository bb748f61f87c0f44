"""People from contact cards become contacts."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.identity import WHATSAPP_PREFIX, get_identity
from channels_whatsapp.models import normalize_phone_number
from omnichannel.conversations.models import Contact

NO_COUNTRY_CODE = _("This number has no country code: it can't be written to on WhatsApp.")


class InvalidPhoneNumberError(Exception):
    """The card's number can't be a contact's; the text says so to a person."""


@dataclass(frozen=True)
class SavedContact:
    """The contact of that number, and whether it was not known until now."""

    contact: Contact
    is_new: bool


def save_contact(name: str, phone: str) -> SavedContact:
    """Save the person as a contact under the number's identity; a number that is known stays as it is.

    Raises NotANumber with a sentence for whoever tried.
    """
    address = WHATSAPP_PREFIX + _to_international_number(phone)
    known = Contact.objects.filter(identity=get_identity(address)).first()
    if known is not None:
        return SavedContact(known, is_new=False)
    try:
        with transaction.atomic():
            made = Contact.objects.create(name=name.strip()[:200], address=address, identity=get_identity(address))
    except IntegrityError:  # the same card, saved by somebody else at the same moment
        return SavedContact(Contact.objects.get(identity=get_identity(address)), is_new=False)
    return SavedContact(made, is_new=True)


def _to_international_number(phone: str) -> str:
    written = phone.strip()
    begins = "+" + written.removeprefix("00") if written.startswith("00") else written
    if not begins.startswith("+") or begins.lstrip("+ (").startswith("0"):
        raise InvalidPhoneNumberError(str(NO_COUNTRY_CODE))
    try:
        return normalize_phone_number(begins)
    except ValidationError as error:
        raise InvalidPhoneNumberError(" ".join(error.messages)) from error
