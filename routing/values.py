"""Values of context variables and contact fields: as people write them, as they are kept, as they are shown."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from django.utils.translation import gettext

from routing.models import ContextVariable, VariableType

Value = str | int | float

LONGEST, LONGEST_NUMBER = 200, 60
MOST_TRIED = 500  # places in a message at which a label stands
PLAIN = re.compile(r"[+-]?[0-9]{1,20}(?:[.,][0-9]{1,10})?")
# 1.234,50 and 1,234.50: one mark between thousands, perhaps the other one before decimals.
GROUPED = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?P<mark>[.,])[0-9]{3}(?:(?P=mark)[0-9]{3})*(?:(?!(?P=mark))[.,][0-9]{1,10})?"
)
AFTER_LABEL = re.compile(rf"[^\S\n]*[:=]*[^\S\n]*([^\n]{{0,{LONGEST}}})")
AROUND_A_NUMBER = " #№.,;:!?()€$£"


class NotAValue(ValueError):
    """What was written can't be kept as a value of this type; the text says so to a person."""


def read(kind: str, written: str) -> Value | None:
    """The value as it is kept; None where nothing is written. Raises NotAValue."""
    text = " ".join(written.split())
    if not text:
        return None
    if kind != VariableType.NUMBER:
        if len(text) > LONGEST:
            raise NotAValue(gettext("Say it in up to %(limit)s characters.") % {"limit": LONGEST})
        return text
    value = number(text)
    if value is None:
        raise NotAValue(gettext("Enter a number, as 4711 or 12.50."))
    return int(value) if value == value.to_integral_value() else float(value)


def number(written: object) -> Decimal | None:
    """The number that is meant: 4711, 12.50, 12,50, 1.234,50; None for what is none, or for 1.234, which may be two."""
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return None
    text = str(written).strip()
    if len(text) > LONGEST_NUMBER:  # to normalize combining marks takes quadratic time
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    text = re.sub(r"(?<=\d)[\s'’](?=\d)", "", text)
    text = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    grouped, plain = GROUPED.fullmatch(text), PLAIN.fullmatch(text)
    if isinstance(written, str) and grouped and plain:
        return None
    if grouped and not plain:
        text = text.replace(grouped["mark"], "")
    return Decimal(text.replace(",", ".")) if grouped or plain else None


def shown(value: object) -> str:
    """The value as people read it."""
    return f"{Decimal(str(value)):f}" if isinstance(value, float) else str(value)


def found_in(text: str, variables: Iterable[ContextVariable]) -> dict[str, Value]:
    """What the text tells about the variables, by their names: what stands after their label, up to the line's end."""
    told = {one.name: _told(text, one) for one in variables if one.found_after.strip()}
    return {name: value for name, value in told.items() if value is not None}


def _told(text: str, variable: ContextVariable) -> Value | None:
    """The first value after the label that is one."""
    for found in islice(_label(variable.found_after).finditer(text), MOST_TRIED):
        after = AFTER_LABEL.match(text, found.end())
        rest = after[1].strip() if after else ""
        try:
            value = read(variable.type, rest.strip(AROUND_A_NUMBER) if variable.type == VariableType.NUMBER else rest)
        except NotAValue:
            continue
        if value is not None:
            return value
    return None


def _label(text: str) -> re.Pattern[str]:
    """The label wherever it stands as words of its own, in capitals or not, whatever the blanks between its words."""
    words = r"[^\S\n]+".join(re.escape(word) for word in text.split())
    return re.compile(rf"(?<!\w){words}(?!\w)" if text.strip()[-1].isalnum() else rf"(?<!\w){words}", re.IGNORECASE)
