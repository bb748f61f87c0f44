"""Whether an answer fits what a condition asks, by the type of what is asked about."""

import re
import unicodedata
from collections.abc import Callable
from datetime import time
from functools import lru_cache
from typing import Any

from routing.conditions.fields import FieldType, Operator
from routing.variables.values import parse_number


def parse_weekday(value: object) -> int | None:
    """The day, given as a number or as its digit; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-6]", text) else None


def parse_time(value: object) -> time | None:
    """The time of day, given as such or as HH:MM; None for anything else."""
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", value) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None


def normalize_text(value: object) -> str:
    """The text without what people do not mean: capitals, wide letters, blanks around it."""
    return _normalize_cached(value) if isinstance(value, str) else ""


@lru_cache(maxsize=16)  # every condition asks for the same few texts of one conversation
def _normalize_cached(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normalize_phone_number(value: object) -> str:
    """A phone number without the blanks and strokes people put into it."""
    return re.sub(r"[\s()/-]", "", normalize_text(value).removeprefix("whatsapp:"))


def is_valid_value(kind: FieldType, value: object) -> bool:
    """Whether this can be asked for."""
    match kind:
        case FieldType.WEEKDAY:
            return parse_weekday(value) is not None
        case FieldType.TIME:
            return parse_time(value) is not None
        case FieldType.NUMBER:
            return parse_number(value) is not None
        case FieldType.PHONE:
            return bool(normalize_phone_number(value))
        case _:
            return bool(normalize_text(value))


def _contains_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _compare_text(
    operator: Operator, fact: object, value: Any, plain: Callable[[object], str] = normalize_text
) -> bool:
    text = plain(fact)
    match operator:
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return (text == plain(value)) == (operator == Operator.EQUALS)
        case Operator.CONTAINS | Operator.NOT_CONTAINS:
            return (plain(value) in text) == (operator == Operator.CONTAINS)
        case Operator.STARTS_WITH:
            return text.startswith(plain(value))
        case Operator.ENDS_WITH:
            return text.endswith(plain(value))
        case Operator.ANY_WORD:
            return any(_contains_word(plain(word), text) for word in value)
        case Operator.ONE_OF:
            return text in {plain(one) for one in value}
        case _:
            return bool(text) == (operator == Operator.IS_NOT_EMPTY)


def _compare_phone(operator: Operator, fact: object, value: Any) -> bool:
    return _compare_text(operator, fact, value, plain=normalize_phone_number)


def _compare_number(operator: Operator, fact: object, value: Any) -> bool:
    """What is not known is neither less nor greater than anything, and equals nothing."""
    amount = parse_number(fact)
    match operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return (amount is None) == (operator == Operator.IS_EMPTY)
        case Operator.ONE_OF:
            return amount is not None and amount in {parse_number(one) for one in value}
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return (amount == parse_number(value)) == (operator == Operator.EQUALS)
    limit = parse_number(value)
    if amount is None or limit is None:
        return False
    return amount < limit if operator == Operator.LESS_THAN else amount > limit


def _compare_language(operator: Operator, fact: object, value: Any) -> bool:
    """`de` means German wherever it is spoken; `de-AT` means just that."""
    tag = normalize_text(fact).replace("_", "-")

    def is_spoken(wanted: object) -> bool:
        code = normalize_text(wanted).replace("_", "-")
        return tag == code or tag.startswith(f"{code}-")

    match operator:
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return is_spoken(value) == (operator == Operator.EQUALS)
        case Operator.ONE_OF:
            return any(is_spoken(one) for one in value)
        case _:
            return bool(tag) == (operator == Operator.IS_NOT_EMPTY)


def _compare_weekday(operator: Operator, fact: object, value: Any) -> bool:
    day = parse_weekday(fact)
    if operator == Operator.ONE_OF:
        return day in {parse_weekday(one) for one in value} - {None}
    return day is not None and (day == parse_weekday(value)) == (operator == Operator.EQUALS)


def _compare_time(operator: Operator, fact: object, value: Any) -> bool:
    """From the first until just before the second; over midnight where the second is the earlier one."""
    shown, start, end = parse_time(fact), parse_time(value[0]), parse_time(value[1])
    if shown is None or start is None or end is None:
        return False
    return start <= shown < end if start < end else shown >= start or shown < end


COMPARE_BY_TYPE: dict[FieldType, Callable[[Operator, object, Any], bool]] = {
    FieldType.TEXT: _compare_text,
    FieldType.NUMBER: _compare_number,
    FieldType.PHONE: _compare_phone,
    FieldType.LANGUAGE: _compare_language,
    FieldType.WEEKDAY: _compare_weekday,
    FieldType.TIME: _compare_time,
}
