"""Conditions of rules: what can be asked, whether it holds, and why.

A condition is JSON: `{}` always holds; `{"all": [...]}` and `{"any": [...]}` are groups of conditions;
`{"field": "first_message", "operator": "contains", "value": "order"}` asks one thing. Facts are a mapping by the names
in `FIELDS`: texts, the weekday as `datetime.weekday` counts, the time of day. Whatever is not written so does not hold.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.db.models import TextChoices

from routing.models import Weekday

DEEPEST = 5  # groups within groups
LONGEST_SHOWN = 60  # letters of a customer's message in an explanation

Facts = Mapping[str, Any]


class Operator(TextChoices):
    """What can be asked, in the words of the condition builder."""

    EQUALS = "equals", "equals"
    NOT_EQUALS = "not_equals", "does not equal"
    CONTAINS = "contains", "contains"
    NOT_CONTAINS = "not_contains", "does not contain"
    STARTS_WITH = "starts_with", "starts with"
    ENDS_WITH = "ends_with", "ends with"
    ANY_WORD = "any_word", "matches any of"
    IS_EMPTY = "is_empty", "is empty"
    IS_NOT_EMPTY = "is_not_empty", "is not empty"
    ONE_OF = "one_of", "is one of"
    BETWEEN = "between", "is between"


# What an operator denies of what another one says; for sentences about what does not hold.
DENIED = {
    Operator.EQUALS: "does not equal",
    Operator.NOT_EQUALS: "equals",
    Operator.CONTAINS: "does not contain",
    Operator.NOT_CONTAINS: "contains",
    Operator.STARTS_WITH: "does not start with",
    Operator.ENDS_WITH: "does not end with",
    Operator.ANY_WORD: "matches none of",
    Operator.IS_EMPTY: "is not empty",
    Operator.IS_NOT_EMPTY: "is empty",
    Operator.ONE_OF: "is none of",
    Operator.BETWEEN: "is not between",
}


class Type(TextChoices):
    """What kind of fact a field is; decides the operators and how values are compared."""

    TEXT = "text", "Text"
    NUMBER = "number", "Phone number"
    LANGUAGE = "language", "Language code"
    WEEKDAY = "weekday", "Day of the week"
    TIME = "time", "Time of day"


class ValueKind(TextChoices):
    """What is typed beside an operator: nothing, one value, several, or two times."""

    NOTHING = "nothing", "Nothing"
    ONE = "one", "One value"
    LIST = "list", "Several values"
    RANGE = "range", "From and to"


TEXT_OPERATORS = tuple(operator for operator in Operator if operator != Operator.BETWEEN)
CHOICE_OPERATORS = (Operator.EQUALS, Operator.NOT_EQUALS, Operator.ONE_OF)
OPERATORS: dict[Type, tuple[Operator, ...]] = {
    Type.TEXT: TEXT_OPERATORS,
    Type.NUMBER: tuple(operator for operator in TEXT_OPERATORS if operator != Operator.ANY_WORD),
    Type.LANGUAGE: (*CHOICE_OPERATORS, Operator.IS_EMPTY, Operator.IS_NOT_EMPTY),
    Type.WEEKDAY: CHOICE_OPERATORS,
    Type.TIME: (Operator.BETWEEN,),
}


@dataclass(frozen=True)
class Field:
    """Something a condition can ask about."""

    name: str
    label: str
    type: Type


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("customer_number", "Customer number", Type.NUMBER),
        Field("first_message", "First message", Type.TEXT),
        Field("profile_name", "Profile name", Type.TEXT),
        Field("contact_name", "Contact name", Type.TEXT),
        Field("contact_language", "Contact language", Type.LANGUAGE),
        Field("button_payload", "Button payload", Type.TEXT),
        Field("referral_source", "Referral source", Type.TEXT),
        Field("referral_source_id", "Referral source id", Type.TEXT),
        Field("referral_url", "Referral URL", Type.TEXT),
        Field("weekday", "Day of the week", Type.WEEKDAY),
        Field("time", "Time of day", Type.TIME),
    )
}


def value_kind(operator: Operator) -> ValueKind:
    """What is typed beside this operator."""
    match operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return ValueKind.NOTHING
        case Operator.ANY_WORD | Operator.ONE_OF:
            return ValueKind.LIST
        case Operator.BETWEEN:
            return ValueKind.RANGE
        case _:
            return ValueKind.ONE


def holds(condition: object, facts: Facts) -> bool:
    """Whether the condition holds for these facts; one that can't be read does not."""
    return _judge(condition, facts)[0]


def explain(condition: object, facts: Facts) -> str:
    """Why the condition holds or does not, as one sentence."""
    outcome, reasons = _judge(condition, facts)
    because = f"because {' and '.join(reasons)}" if reasons else "because it has no condition"
    return f"{'Holds' if outcome else 'Does not hold'} {because}."


def describe(condition: object, depth: int = 0) -> str:
    """The condition in words, for lists of rules."""
    group = _group(condition)
    if group is not None and depth <= DEEPEST:
        kind, parts = group
        words = [describe(part, depth + 1) for part in parts]
        joined = f" {'and' if kind == 'all' else 'or'} ".join(words) or "Always"
        return f"({joined})" if depth and len(words) > 1 else joined
    question = _Question.read(condition)
    return question.words() if question else "A condition that can't be read"


def problems(condition: object, depth: int = 0) -> list[str]:
    """What is wrong with the condition, in words for the form; empty where nothing is."""
    group = _group(condition)
    if group is None:
        return _problems_of_question(condition)
    kind, parts = group
    if depth > DEEPEST:
        return [f"Groups can't be nested deeper than {DEEPEST} times."]
    if not parts and (depth or kind == "any"):
        return ["A group is empty."]
    return list(dict.fromkeys(problem for part in parts for problem in problems(part, depth + 1)))


def _group(condition: object) -> tuple[str, list[Any]] | None:
    """The kind and the parts of a group; None for anything else. The empty condition is an empty group of all."""
    if condition == {}:
        return "all", []
    if not isinstance(condition, dict) or len(condition) != 1:
        return None
    kind, parts = next(iter(condition.items()))
    return (kind, parts) if kind in {"all", "any"} and isinstance(parts, list) else None


def _judge(condition: object, facts: Facts, depth: int = 0) -> tuple[bool, list[str]]:
    """Whether it holds, and the questions that decided it."""
    group = _group(condition)
    if group is None or depth > DEEPEST:
        question = _Question.read(condition)
        return question.judge(facts) if question else (False, ["the condition can't be read"])
    kind, parts = group
    if not parts:
        empty = kind == "all" and not depth
        return empty, [] if empty else ["a group is empty"]
    judged = [_judge(part, facts, depth + 1) for part in parts]
    outcome = (all if kind == "all" else any)(held for held, _ in judged)
    return outcome, [reason for held, reasons in judged if held == outcome for reason in reasons]


@dataclass(frozen=True)
class _Question:
    """One question about one field, with a value that fits both."""

    field: Field
    operator: Operator
    value: Any

    @classmethod
    def read(cls, condition: object) -> "_Question | None":
        """The question; None where the condition is none that can be read."""
        if _problems_of_question(condition):
            return None
        assert isinstance(condition, dict)  # noqa: S101 (told to the type checker)
        return cls(FIELDS[condition["field"]], Operator(condition["operator"]), condition.get("value"))

    def judge(self, facts: Facts) -> tuple[bool, list[str]]:
        fact = facts.get(self.field.name)
        outcome = COMPARE[self.field.type](self.operator, fact, self.value)
        return outcome, [self._sentence(fact, outcome)]

    def words(self) -> str:
        return " ".join(filter(None, [self.field.label, self.operator.label, self._shown_value()]))

    def _sentence(self, fact: object, outcome: bool) -> str:
        verb = self.operator.label if outcome else DENIED[self.operator]
        is_text = self.operator not in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}
        told = f" ({_shown(self.field, fact)})" if is_text and fact not in (None, "") else ""
        name = self.field.label[:1].lower() + self.field.label[1:]
        return " ".join(filter(None, [f"the {name}{told}", verb, self._shown_value()]))

    def _shown_value(self) -> str:
        match value_kind(self.operator):
            case ValueKind.NOTHING:
                return ""
            case ValueKind.ONE:
                return _shown(self.field, self.value)
            case ValueKind.LIST:
                return ", ".join(_shown(self.field, one) for one in self.value)
            case ValueKind.RANGE:
                return " and ".join(_shown(self.field, one) for one in self.value)


def _shown(field: Field, value: object) -> str:
    day, clock = _weekday(value), _time(value)
    if field.type == Type.WEEKDAY and day is not None:
        return str(Weekday(day).label)
    if field.type == Type.TIME and clock is not None:
        return clock.strftime("%H:%M")
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + '…'}”"


def _problems_of_question(condition: object) -> list[str]:
    if not isinstance(condition, dict) or set(condition) - {"field", "operator", "value"}:
        return ["The condition can't be read."]
    name, operator = condition.get("field"), condition.get("operator")
    if not isinstance(name, str) or name not in FIELDS:
        return [f"There is no field “{name}”."]
    field = FIELDS[name]
    if not isinstance(operator, str) or operator not in OPERATORS[field.type]:
        return [f"“{field.label}” can't be asked “{operator}”."]
    return list(_problems_of_value(field, value_kind(Operator(operator)), condition.get("value")))


def _problems_of_value(field: Field, kind: ValueKind, value: object) -> Iterator[str]:
    several: list[Any] = value if isinstance(value, list) else []
    all_fit = bool(several) and all(_fits(field, one) for one in several)
    match kind:
        case ValueKind.ONE if not _fits(field, value):
            yield f"“{field.label}” needs a value{_hint(field)}."
        case ValueKind.LIST if not all_fit:
            yield f"“{field.label}” needs a list of values{_hint(field)}."
        case ValueKind.RANGE if not all_fit or len(several) != 2:
            yield f"“{field.label}” needs two times, as 09:00 and 17:30."
        case ValueKind.RANGE if _time(several[0]) == _time(several[1]):
            yield f"“{field.label}” needs two different times."


def _hint(field: Field) -> str:
    return ", a day from Monday (0) to Sunday (6)" if field.type == Type.WEEKDAY else ""


def _fits(field: Field, value: object) -> bool:
    if field.type == Type.WEEKDAY:
        return _weekday(value) is not None
    if field.type == Type.TIME:
        return _time(value) is not None
    return isinstance(value, str) and bool(_digits(value) if field.type == Type.NUMBER else _plain(value))


def _weekday(value: object) -> int | None:
    """The day, given as a number or as its digit; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-6]", text) else None


def _time(value: object) -> time | None:
    """The time of day, given as such or as HH:MM; None for anything else."""
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", value) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None


def _plain(value: object) -> str:
    """The text without what people do not mean: capitals, wide letters, blanks around it."""
    text = unicodedata.normalize("NFKC", value).casefold() if isinstance(value, str) else ""
    return " ".join(text.split())


def _digits(value: object) -> str:
    """A number without the blanks and strokes people put into it."""
    return re.sub(r"[\s()/-]", "", _plain(value).removeprefix("whatsapp:"))


def _is_word_in(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _compare_text(operator: Operator, fact: object, value: Any, plain: Callable[[object], str] = _plain) -> bool:
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


def _compare_number(operator: Operator, fact: object, value: Any) -> bool:
    return _compare_text(operator, fact, value, plain=_digits)


def _compare_language(operator: Operator, fact: object, value: Any) -> bool:
    """`de` means German wherever it is spoken; `de-AT` means just that."""
    tag = _plain(fact).replace("_", "-")

    def is_spoken(wanted: object) -> bool:
        code = _plain(wanted).replace("_", "-")
        return tag == code or tag.startswith(f"{code}-")

    match operator:
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return is_spoken(value) == (operator == Operator.EQUALS)
        case Operator.ONE_OF:
            return any(is_spoken(one) for one in value)
        case _:
            return bool(tag) == (operator == Operator.IS_NOT_EMPTY)


def _compare_weekday(operator: Operator, fact: object, value: Any) -> bool:
    day = _weekday(fact)
    if operator == Operator.ONE_OF:
        return day in {_weekday(one) for one in value} - {None}
    return day is not None and (day == _weekday(value)) == (operator == Operator.EQUALS)


def _compare_time(operator: Operator, fact: object, value: Any) -> bool:
    """From the first until just before the second; over midnight where the second is the earlier one."""
    shown, start, end = _time(fact), _time(value[0]), _time(value[1])
    if shown is None or start is None or end is None:
        return False
    return start <= shown < end if start < end else shown >= start or shown < end


COMPARE: dict[Type, Callable[[Operator, object, Any], bool]] = {
    Type.TEXT: _compare_text,
    Type.NUMBER: _compare_number,
    Type.LANGUAGE: _compare_language,
    Type.WEEKDAY: _compare_weekday,
    Type.TIME: _compare_time,
}
