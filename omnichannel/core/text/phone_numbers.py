"""Read phone numbers as people write them, and compare the spellings of a number."""

import re
import unicodedata
from typing import NamedTuple

# Blanks, brackets, dots, dashes and slashes, and invisible marks of the writing direction that are copied along.
PUNCTUATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# The zero in +49 (0)171 is dialled only inside the country and is no part of the international number.
BRACKETED_TRUNK_ZERO = re.compile(r"(?<=\d)[\s.)\-/]*\(\s*0\s*\)")


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

# The way back, for numbers of which both spellings are compared. Not every result is a spelling of the same number: the
# rules above decide.
OTHER_SPELLINGS = (
    (re.compile(r"\A\+55(\d{2})9(\d{8})\Z"), r"+55\g<1>\g<2>"),
    (re.compile(r"\A\+52(\d{10})\Z"), r"+521\g<1>"),
    (re.compile(r"\A\+54(\d{10})\Z"), r"+549\g<1>"),
    (re.compile(r"\A\+22901(\d{8})\Z"), r"+229\g<1>"),
    (re.compile(r"\A\+225(?:01|05|07)(\d{8})\Z"), r"+225\g<1>"),
)


def strip_punctuation(text: str) -> str:
    """Return a phone number without what people write for readability: `0049 (0)171 / 23` becomes `+4917123`.

    Digits of other scripts become 0 to 9. Other characters stay, so that callers can refuse them.
    """
    ascii_text = "".join(map(_convert_digit, unicodedata.normalize("NFKC", text)))
    bare = PUNCTUATION.sub("", BRACKETED_TRUNK_ZERO.sub("", ascii_text))
    return re.sub(r"\A00(?=[1-9])", "+", bare)


def _convert_digit(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def unify_spelling(number: str) -> str:
    """Return the usual spelling of `+` and digits: the same for all spellings of a number. Other text is unchanged."""
    for rule in SPELLING_RULES:
        number = rule.pattern.sub(rule.replacement, number)
    return number


def get_spellings(number: str) -> set[str]:
    """Return all spellings of `+` and digits, the given one included."""
    usual = unify_spelling(number)
    others = {pattern.sub(replacement, usual) for pattern, replacement in OTHER_SPELLINGS}
    return {number, usual} | {other for other in others if unify_spelling(other) == usual}
