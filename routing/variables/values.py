"""Parse and format values of context variables and contact fields, and extract them from messages."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from django.utils.translation import gettext

from routing.models import ContextVariable, VariableType

VariableValue = str | int | float

MAX_TEXT_LENGTH, MAX_NUMBER_LENGTH = 200, 60
MAX_LABEL_MATCHES = 500  # occurrences of a label in a message that are tried
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:[.,][0-9]{1,10})?")
# 1.234,50 and 1,234.50: a separator between thousands, optionally the other one before decimals.
GROUPED_NUMBER = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?P<separator>[.,])[0-9]{3}(?:(?P=separator)[0-9]{3})*(?:(?!(?P=separator))[.,][0-9]{1,10})?"
)
VALUE_AFTER_LABEL = re.compile(rf"[^\S\n]*[:=]*[^\S\n]*([^\n]{{0,{MAX_TEXT_LENGTH}}})")
NUMBER_PADDING = " #№.,;:!?()€$£"


class InvalidValueError(ValueError):
    """The text is not a value of this type; the message explains it to the user."""


def parse_value(variable_type: str, raw_text: str) -> VariableValue | None:
    """Return the value of a typed text; None for an empty text. Raises InvalidValueError."""
    text = " ".join(raw_text.split())
    if not text:
        return None
    if variable_type != VariableType.NUMBER:
        if len(text) > MAX_TEXT_LENGTH:
            raise InvalidValueError(gettext("Use up to %(limit)s characters.") % {"limit": MAX_TEXT_LENGTH})
        return text
    value = parse_number(text)
    if value is None:
        raise InvalidValueError(gettext("Enter a number, for example 4711 or 12.50."))
    return int(value) if value == value.to_integral_value() else float(value)


def parse_number(value: object) -> Decimal | None:
    """Return the number as people write it: 4711, 12.50, 12,50 or 1.234,50.

    Return None if it is not a number, or ambiguous: 1.234 may be either of two numbers.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if len(text) > MAX_NUMBER_LENGTH:  # normalizing combining marks takes quadratic time
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    text = re.sub(r"(?<=\d)[\s'’](?=\d)", "", text)
    text = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    grouped, plain = GROUPED_NUMBER.fullmatch(text), PLAIN_NUMBER.fullmatch(text)
    if isinstance(value, str) and grouped and plain:
        return None
    if grouped and not plain:
        text = text.replace(grouped["separator"], "")
    return Decimal(text.replace(",", ".")) if grouped or plain else None


def format_value(value: object) -> str:
    """Return the value for display."""
    return f"{Decimal(str(value)):f}" if isinstance(value, float) else str(value)


def extract_values(text: str, variables: Iterable[ContextVariable]) -> dict[str, VariableValue]:
    """Return the values of the variables in the text, by name: the rest of the line after their label."""
    values = {variable.name: _extract_value(text, variable) for variable in variables if variable.found_after.strip()}
    return {name: value for name, value in values.items() if value is not None}


def _extract_value(text: str, variable: ContextVariable) -> VariableValue | None:
    """Return the first valid value after an occurrence of the label."""
    for label in islice(_compile_label_pattern(variable.found_after).finditer(text), MAX_LABEL_MATCHES):
        match = VALUE_AFTER_LABEL.match(text, label.end())
        rest = match[1].strip() if match else ""
        try:
            value = parse_value(
                variable.type, rest.strip(NUMBER_PADDING) if variable.type == VariableType.NUMBER else rest
            )
        except InvalidValueError:
            continue
        if value is not None:
            return value
    return None


def _compile_label_pattern(text: str) -> re.Pattern[str]:
    """Return a pattern for the label as separate words, in any case and with any blanks between them."""
    words = r"[^\S\n]+".join(re.escape(word) for word in text.split())
    return re.compile(rf"(?<!\w){words}(?!\w)" if text.strip()[-1].isalnum() else rf"(?<!\w){words}", re.IGNORECASE)
