"""Read the phone numbers that people type or send on contact cards.

Numbers are never checked against a numbering plan: real WhatsApp numbers fail it.
"""

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from omnichannel.core.text.phone_numbers import strip_punctuation


def normalize_phone_number(text: str) -> str:
    """Return `+` and digits for a number as people write it; without `+`, the country code is taken to be there.

    Raises:
        ValidationError: anything but digits, a number's punctuation, and `whatsapp:` before it.
    """
    bare = strip_punctuation(strip_punctuation(text).lower().removeprefix("whatsapp:"))
    digits = bare.removeprefix("+")
    if not re.fullmatch(r"[0-9]{5,20}", digits):
        raise ValidationError(
            "Enter the number with country code (5 to 20 digits), for example +1 415 523 8886.", code="number"
        )
    return f"+{digits}"


def parse_international_number(text: str) -> str:
    """Return `+` and digits for a number that starts with `+` or 00 and its country code.

    Raises:
        ValidationError: There is no country code. It is not guessed: the number would be somebody else's.
    """
    bare = strip_punctuation(text)
    if not bare.startswith("+") or bare.startswith("+0"):
        raise ValidationError(_("Start with + and the country code, for example +49 151 1234567."), code="country_code")
    return _drop_trunk_zero(normalize_phone_number(bare))


def _drop_trunk_zero(number: str) -> str:
    """Return +49171… for +490171…, where the zero after the country code is no part of the number.

    In some countries it is, such as Italy and Benin. A number that the library does not know stays as it is.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    country_code = f"+{parsed.country_code}"
    national_number = number.removeprefix(country_code)
    is_trunk_zero = national_number.startswith("0") and not parsed.italian_leading_zero
    return country_code + national_number[1:] if is_trunk_zero and phonenumbers.is_valid_number(parsed) else number
