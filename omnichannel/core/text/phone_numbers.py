"""Read phone numbers as people write them."""

import re
import unicodedata

# Blanks, brackets, dots, dashes and slashes, and invisible marks of the writing direction that are copied along.
PUNCTUATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# The zero in +49 (0)171 is dialled only inside the country and is no part of the international number.
BRACKETED_TRUNK_ZERO = re.compile(r"(?<=\d)[\s.)\-/]*\(\s*0\s*\)")


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
