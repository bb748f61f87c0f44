"""Map WhatsApp addresses to identities: all spellings of a number have the same identity.

An address is an opaque string of up to 140 characters: `whatsapp:+15551234567`, or a business-scoped id such as
`whatsapp:US.13491208655302741918`. Numbers are never checked against a numbering plan: real WhatsApp numbers fail it.
"""

import re

import phonenumbers

from omnichannel.core.text.phone_numbers import unify_spelling

MAX_ADDRESS_LENGTH = 140
WHATSAPP_PREFIX = "whatsapp:"

# A country, and up to 128 letters and digits; ENT marks the id of a person for several portfolios of one company.
BUSINESS_SCOPED_ID_PATTERN = re.compile(r"\A[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\Z")


def parse_business_scoped_id(text: str) -> str:
    """Return the business-scoped user id in a text, without `whatsapp:`; "" when it is none."""
    bare = text.strip().removeprefix(WHATSAPP_PREFIX)
    is_valid = len(bare) <= MAX_ADDRESS_LENGTH - len(WHATSAPP_PREFIX) and BUSINESS_SCOPED_ID_PATTERN.match(bare)
    return bare if is_valid else ""


def is_business_scoped(address: str) -> bool:
    """Return whether the address is a business-scoped user id, of a customer whose number is hidden."""
    return bool(parse_business_scoped_id(address)) and address == address.strip()


def get_number_identity(address: str) -> str | None:
    """Return the identity of a number; None for a business-scoped id, which belongs to one account only."""
    return None if is_business_scoped(address) else get_identity(address)


def get_identity(address: str) -> str:
    """Return the identity: equal for every spelling of a number, otherwise the address itself."""
    return WHATSAPP_PREFIX + unify_spelling(address.removeprefix(WHATSAPP_PREFIX))


def format_address(address: str) -> str:
    """Return the address for display: a number with spaces, any other address unchanged."""
    bare = address.removeprefix(WHATSAPP_PREFIX)
    try:
        return phonenumbers.format_number(phonenumbers.parse(bare), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return bare
