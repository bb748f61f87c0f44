"""Whether an answer fits what a condition asks, by the type of what is asked about."""

import re
import unicodedata
from collections.abc import Callable
from datetime import time
from functools import lru_cache
from typing import Any

from routing.fields import Operator, Type
from routing.values import number


def weekday_of(value: object) -> int | None:
    """The day, given as a number or as its digit; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-6]", text) else None


def time_of(value: object) -> time | None:
    """The time of day, given as such or as HH:MM; None for anything else."""
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", value) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None


def plain(value: object) -> str:
    """The text without what people do not mean: capitals, wide letters, blanks around it."""
    return _plain(value) if isinstance(value, str) else ""


@lru_cache(maxsize=16)  # every condition asks for the same few texts of one conversation
def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def digits(value: object) -> str:
    """A phone number without the blanks and strokes people put into it."""
    return re.sub(r"[\s()/-]", "", plain(value).removeprefix("whatsapp:"))


def fits(kind: Type, value: object) -> bool:
    """Whether this can be asked for."""
    match kind:
        case Type.WEEKDAY:
            return weekday_of(value) is not None
        case Type.TIME:
            return time_of(value) is not None
        case Type.NUMBER:
            return number(value) is not None
        case Type.PHONE:
            return bool(digits(value))
        case _:
            return bool(plain(value))


def _is_word_in(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _compare_text(operator: Operator, fact: object, value: Any, plain: Callable[[object], str] = plain) -> bool:
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
            return any(_is_word_in(plain(word), text) for word in value)
        case Operator.ONE_OF:
            return text in {plain(one) for one in value}
        case _:
            return bool(text) == (operator == Operator.IS_NOT_EMPTY)


def _compare_phone(operator: Operator, fact: object, value: Any) -> bool:
    return _compare_text(operator, fact, value, plain=digits)


def _compare_number(operator: Operator, fact: object, value: Any) -> bool:
    """What is not known is neither less nor greater than anything, and equals nothing."""
    amount = number(fact)
    match operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return (amount is None) == (operator == Operator.IS_EMPTY)
        case Operator.ONE_OF:
            return amount is not None and amount in {number(one) for one in value}
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return (amount == number(value)) == (operator == Operator.EQUALS)
    limit = number(value)
    if amount is None or limit is None:
        return False
    return amount < limit if operator == Operator.LESS_THAN else amount > limit


def _compare_language(operator: Operator, fact: object, value: Any) -> bool:
    """`de` means German wherever it is spoken; `de-AT` means just that."""
    tag = plain(fact).replace("_", "-")

    def is_spoken(wanted: object) -> bool:
        code = plain(wanted).replace("_", "-")
        return tag == code or tag.startswith(f"{code}-")

    match operator:
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return is_spoken(value) == (operator == Operator.EQUALS)
        case Operator.ONE_OF:
            return any(is_spoken(one) for one in value)
        case _:
            return bool(tag) == (operator == Operator.IS_NOT_EMPTY)


def _compare_weekday(operator: Operator, fact: object, value: Any) -> bool:
    day = weekday_of(fact)
    if operator == Operator.ONE_OF:
        return day in {weekday_of(one) for one in value} - {None}
    return day is not None and (day == weekday_of(value)) == (operator == Operator.EQUALS)


def _compare_time(operator: Operator, fact: object, value: Any) -> bool:
    """From the first until just before the second; over midnight where the second is the earlier one."""
    shown, start, end = time_of(fact), time_of(value[0]), time_of(value[1])
    if shown is None or start is None or end is None:
        return False
    return start <= shown < end if start < end else shown >= start or shown < end


COMPARE: dict[Type, Callable[[Operator, object, Any], bool]] = {
    Type.TEXT: _compare_text,
    Type.NUMBER: _compare_number,
    Type.PHONE: _compare_phone,
    Type.LANGUAGE: _compare_language,
    Type.WEEKDAY: _compare_weekday,
    Type.TIME: _compare_time,
}
