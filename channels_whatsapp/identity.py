"""Map WhatsApp addresses to identities: all spellings of a number have the same identity.

An address is an opaque string of up to 140 characters: `whatsapp:+15551234567`, or a business-scoped id such as
`whatsapp:US.13491208655302741918`. Numbers are never checked against a numbering plan: real WhatsApp numbers fail it.
"""

import re

import phonenumbers

MAX_ADDRESS_LENGTH = 140
WHATSAPP_PREFIX = "whatsapp:"

BUSINESS_SCOPED_ID_PATTERN = re.compile(r"\A[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]+\Z")

# Mobile numbers with two spellings. WhatsApp may report either, whatever the customer dials:
# Brazil without the ninth digit, Mexico with a 1 and Argentina with a 9 after the country code.
BRAZIL = re.compile(r"\A\+55(\d{2})([6-9]\d{7})\Z")
MEXICO = re.compile(r"\A\+521(\d{10})\Z")
ARGENTINA = re.compile(r"\A\+549(\d{10})\Z")


def is_business_scoped(address: str) -> bool:
    """Return whether the address is a business-scoped user id, of a customer whose number is hidden."""
    return bool(BUSINESS_SCOPED_ID_PATTERN.match(address.removeprefix(WHATSAPP_PREFIX)))


def get_identity(address: str) -> str:
    """Return the identity: equal for every spelling of a number, otherwise the address itself."""
    bare = address.removeprefix(WHATSAPP_PREFIX)
    bare = BRAZIL.sub(r"+55\g<1>9\g<2>", bare)
    bare = MEXICO.sub(r"+52\g<1>", bare)
    bare = ARGENTINA.sub(r"+54\g<1>", bare)
    return WHATSAPP_PREFIX + bare


def format_address(address: str) -> str:
    """Return the address for display: a number with spaces, a business-scoped id unchanged."""
    bare = address.removeprefix(WHATSAPP_PREFIX)
    try:
        return phonenumbers.format_number(phonenumbers.parse(bare), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return bare
