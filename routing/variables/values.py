"""Values of context variables and contact fields: as people write them, as they are kept, as they are shown."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from django.utils.translation import gettext

from routing.models import ContextVariable, VariableType

VariableValue = str | int | float

MAX_TEXT_LENGTH, MAX_NUMBER_LENGTH = 200, 60
MAX_LABEL_MATCHES = 500  # places in a message at which a label stands
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:[.,][0-9]{1,10})?")
# 1.234,50 and 1,234.50: one mark between thousands, perhaps the other one before decimals.
GROUPED_NUMBER = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?P<mark>[.,])[0-9]{3}(?:(?P=mark)[0-9]{3})*(?:(?!(?P=mark))[.,][0-9]{1,10})?"
)
VALUE_AFTER_LABEL = re.compile(rf"[^\S\n]*[:=]*[^\S\n]*([^\n]{{0,{MAX_TEXT_LENGTH}}})")
NUMBER_PADDING = " #№.,;:!?()€$£"


class InvalidValueError(ValueError):
    """What was written can't be kept as a value of this type; the text says so to a person."""


def parse_value(kind: str, written: str) -> VariableValue | None:
    """The value as it is kept; None where nothing is written. Raises NotAValue."""
    text = " ".join(written.split())
    if not text:
        return None
    if kind != VariableType.NUMBER:
        if len(text) > MAX_TEXT_LENGTH:
            raise InvalidValueError(gettext("Say it in up to %(limit)s characters.") % {"limit": MAX_TEXT_LENGTH})
        return text
    value = parse_number(text)
    if value is None:
        raise InvalidValueError(gettext("Enter a number, as 4711 or 12.50."))
    return int(value) if value == value.to_integral_value() else float(value)


def parse_number(written: object) -> Decimal | None:
    """The number that is meant: 4711, 12.50, 12,50, 1.234,50; None for what is none, or for 1.234, which may be two."""
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return None
    text = str(written).strip()
    if len(text) > MAX_NUMBER_LENGTH:  # to normalize combining marks takes quadratic time
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    text = re.sub(r"(?<=\d)[\s'’](?=\d)", "", text)
    text = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    grouped, plain = GROUPED_NUMBER.fullmatch(text), PLAIN_NUMBER.fullmatch(text)
    if isinstance(written, str) and grouped and plain:
        return None
    if grouped and not plain:
        text = text.replace(grouped["mark"], "")
    return Decimal(text.replace(",", ".")) if grouped or plain else None


def format_value(value: object) -> str:
    """The value as people read it."""
    return f"{Decimal(str(value)):f}" if isinstance(value, float) else str(value)


def extract_values(text: str, variables: Iterable[ContextVariable]) -> dict[str, VariableValue]:
    """What the text tells about the variables, by their names: what stands after their label, up to the line's end."""
    told = {one.name: _extract_value(text, one) for one in variables if one.found_after.strip()}
    return {name: value for name, value in told.items() if value is not None}


def _extract_value(text: str, variable: ContextVariable) -> VariableValue | None:
    """The first value after the label that is one."""
    for found in islice(_compile_label_pattern(variable.found_after).finditer(text), MAX_LABEL_MATCHES):
        after = VALUE_AFTER_LABEL.match(text, found.end())
        rest = after[1].strip() if after else ""
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
    """The label wherever it stands as words of its own, in capitals or not, whatever the blanks between its words."""
    words = r"[^\S\n]+".join(re.escape(word) for word in text.split())
    return re.compile(rf"(?<!\w){words}(?!\w)" if text.strip()[-1].isalnum() else rf"(?<!\w){words}", re.IGNORECASE)
