"""Compare facts with the values of conditions, by the type of the field."""

import re
import unicodedata
from collections.abc import Callable
from datetime import time
from functools import lru_cache
from typing import Any

from omnichannel.core.text.phone_numbers import get_spellings, strip_punctuation, unify_spelling
from routing.conditions.fields import FieldType, Operator
from routing.variables.values import parse_number

# A condition may also compare with the beginning of a business-scoped id, such as "US."
PHONE_NUMBER_STARTS = frozenset("+(0123456789")


def parse_weekday(value: object) -> int | None:
    """Return the weekday, given as a number or as its digit; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-6]", text) else None


def parse_time(value: object) -> time | None:
    """Return the time of day, given as a time or as HH:MM; None for anything else."""
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", value) if isinstance(value, str) else None
    return time(int(match[1]), int(match[2])) if match else None


def normalize_text(value: object) -> str:
    """Return the text without differences people do not mean: case, full-width letters, extra blanks."""
    return _normalize_cached(value) if isinstance(value, str) else ""


@lru_cache(maxsize=16)  # all conditions compare the same few texts of a conversation
def _normalize_cached(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normalize_number_or_id(value: object) -> str:
    """Return a phone number, or its beginning, without punctuation; a business-scoped id in small letters.

    Nothing is refused, and no country code is assumed.
    """
    text = normalize_text(value).removeprefix("whatsapp:").strip()
    return strip_punctuation(text) if text[:1] in PHONE_NUMBER_STARTS else re.sub(r"[\s()/-]", "", text)


def is_valid_value(field_type: FieldType, value: object) -> bool:
    """Return whether a field of this type can be compared with the value."""
    match field_type:
        case FieldType.WEEKDAY:
            return parse_weekday(value) is not None
        case FieldType.TIME:
            return parse_time(value) is not None
        case FieldType.NUMBER:
            return parse_number(value) is not None
        case FieldType.PHONE:
            return bool(normalize_number_or_id(value))
        case _:
            return bool(normalize_text(value))


def _contains_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _compare_text(
    operator: Operator, fact: object, value: Any, normalize: Callable[[object], str] = normalize_text
) -> bool:
    text = normalize(fact)
    match operator:
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return (text == normalize(value)) == (operator == Operator.EQUALS)
        case Operator.CONTAINS | Operator.NOT_CONTAINS:
            return (normalize(value) in text) == (operator == Operator.CONTAINS)
        case Operator.STARTS_WITH:
            return text.startswith(normalize(value))
        case Operator.ENDS_WITH:
            return text.endswith(normalize(value))
        case Operator.ANY_WORD:
            return any(_contains_word(normalize(word), text) for word in value)
        case Operator.ONE_OF:
            return text in {normalize(item) for item in value}
        case _:
            return bool(text) == (operator == Operator.IS_NOT_EMPTY)


def _compare_phone(operator: Operator, fact: object, value: Any) -> bool:
    """Compare numbers in all their spellings: a condition with +229 97… also means +229 01 97…."""
    match operator:
        case Operator.CONTAINS | Operator.STARTS_WITH | Operator.ENDS_WITH:
            spellings = get_spellings(normalize_number_or_id(fact))
            return any(_compare_text(operator, text, value, normalize_number_or_id) for text in spellings)
        case Operator.NOT_CONTAINS:
            return not _compare_phone(Operator.CONTAINS, fact, value)
        case _:
            return _compare_text(operator, fact, value, _unify_number_or_id)


def _unify_number_or_id(value: object) -> str:
    return unify_spelling(normalize_number_or_id(value))


def _compare_number(operator: Operator, fact: object, value: Any) -> bool:
    """Compare numbers; an unknown number is neither less nor greater than another, and equals none."""
    amount = parse_number(fact)
    match operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return (amount is None) == (operator == Operator.IS_EMPTY)
        case Operator.ONE_OF:
            return amount is not None and amount in {parse_number(item) for item in value}
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return (amount == parse_number(value)) == (operator == Operator.EQUALS)
    limit = parse_number(value)
    if amount is None or limit is None:
        return False
    return amount < limit if operator == Operator.LESS_THAN else amount > limit


def _compare_language(operator: Operator, fact: object, value: Any) -> bool:
    """Compare language codes: `de` matches German of any region, `de-AT` only itself."""
    tag = normalize_text(fact).replace("_", "-")

    def matches(language: object) -> bool:
        code = normalize_text(language).replace("_", "-")
        return tag == code or tag.startswith(f"{code}-")

    match operator:
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return matches(value) == (operator == Operator.EQUALS)
        case Operator.ONE_OF:
            return any(matches(item) for item in value)
        case _:
            return bool(tag) == (operator == Operator.IS_NOT_EMPTY)


def _compare_weekday(operator: Operator, fact: object, value: Any) -> bool:
    day = parse_weekday(fact)
    if operator == Operator.ONE_OF:
        return day in {parse_weekday(item) for item in value} - {None}
    return day is not None and (day == parse_weekday(value)) == (operator == Operator.EQUALS)


def _compare_time(operator: Operator, fact: object, value: Any) -> bool:
    """Return whether the time is in [start, end), which includes midnight if the end is earlier."""
    time_of_day, start, end = parse_time(fact), parse_time(value[0]), parse_time(value[1])
    if time_of_day is None or start is None or end is None:
        return False
    return start <= time_of_day < end if start < end else time_of_day >= start or time_of_day < end


COMPARE_BY_TYPE: dict[FieldType, Callable[[Operator, object, Any], bool]] = {
    FieldType.TEXT: _compare_text,
    FieldType.NUMBER: _compare_number,
    FieldType.PHONE: _compare_phone,
    FieldType.LANGUAGE: _compare_language,
    FieldType.WEEKDAY: _compare_weekday,
    FieldType.TIME: _compare_time,
}
