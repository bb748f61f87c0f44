"""Map WhatsApp addresses to identities: all spellings of a number have the same identity.

An address is an opaque string of up to 140 characters: `whatsapp:+15551234567`, or a business-scoped id such as
`whatsapp:US.13491208655302741918`. Numbers are never checked against a numbering plan: real WhatsApp numbers fail it.
"""

import re
from typing import NamedTuple

import phonenumbers

MAX_ADDRESS_LENGTH = 140
WHATSAPP_PREFIX = "whatsapp:"

# A country, and up to 128 letters and digits; ENT marks the id of a person for several portfolios of one company.
BUSINESS_SCOPED_ID_PATTERN = re.compile(r"\A[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\Z")


class SpellingRule(NamedTuple):
    """The spellings of a country's numbers that mean the same line; all get the spelling of `replacement`."""

    country: str
    pattern: re.Pattern[str]
    replacement: str


# Countries in which WhatsApp reports either of two spellings of a number, whatever the customer dials.
SPELLING_RULES = (
    # Anatel put a 9 before mobile numbers from 2012 to 2016 (resolution 553/2010); accounts from before lack it.
    # Landline numbers start with 2 to 5 and did not change.
    SpellingRule("Brazil", re.compile(r"\A\+55(\d{2})([6-9]\d{7})\Z"), r"+55\g<1>9\g<2>"),
    # IFT abolished the 1 after the country code in 2019; WhatsApp's ids have kept it.
    SpellingRule("Mexico", re.compile(r"\A\+521(\d{10})\Z"), r"+52\g<1>"),
    # A 9 follows the country code of mobile numbers called from abroad (ENACOM's plan); WhatsApp's ids have it, numbers
    # that people type often lack it.
    SpellingRule("Argentina", re.compile(r"\A\+549(\d{10})\Z"), r"+54\g<1>"),
    # ARCEP Bénin put 01 before all numbers on 30 November 2024 (decision 2020-349).
    SpellingRule("Benin", re.compile(r"\A\+229(\d{8})\Z"), r"+22901\g<1>"),
    # ARTCI put the operator's prefix before all mobile numbers on 31 January 2021: 01 Moov, 05 MTN, 07 Orange, by the
    # first two digits (notification to ITU, ITU-T E.129). WhatsApp takes both spellings of an account from before.
    # A prefix is not dropped: the same eight digits may since belong to three people, one with each operator.
    SpellingRule("Ivory Coast", re.compile(r"\A\+225((?:0[1-3]|[457][0-3])\d{6})\Z"), r"+22501\g<1>"),
    SpellingRule("Ivory Coast", re.compile(r"\A\+225([04-9][4-6]\d{6})\Z"), r"+22505\g<1>"),
    SpellingRule("Ivory Coast", re.compile(r"\A\+225((?:[04-8][7-9]|9[78])\d{6})\Z"), r"+22507\g<1>"),
)


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
    bare = address.removeprefix(WHATSAPP_PREFIX)
    for rule in SPELLING_RULES:
        bare = rule.pattern.sub(rule.replacement, bare)
    return WHATSAPP_PREFIX + bare


def format_address(address: str) -> str:
    """Return the address for display: a number with spaces, any other address unchanged."""
    bare = address.removeprefix(WHATSAPP_PREFIX)
    try:
        return phonenumbers.format_number(phonenumbers.parse(bare), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return bare
