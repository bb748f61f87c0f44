"""Conditions of rules: whether they hold, and why.

A condition is JSON: `{}` always holds; `{"all": [...]}` and `{"any": [...]}` are groups of conditions;
`{"field": "first_message", "operator": "contains", "value": "order"}` asks one thing. Facts are a mapping by the names
of the fields that are known where the condition is asked: texts, numbers, the weekday as `datetime.weekday` counts, the
time of day. Whatever is not written so does not hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing.fields import DENIED, FIELDS, OPERATORS, Facts, Field, Known, Operator, Type, ValueKind, value_kind
from routing.models import Weekday
from routing.operators import COMPARE, fits, time_of, weekday_of
from routing.values import shown as shown_value

DEEPEST = 5  # groups within groups
LONGEST_SHOWN = 60  # letters of a customer's message in an explanation


def holds(condition: object, facts: Facts, known: Known = FIELDS) -> bool:
    """Whether the condition holds for these facts; one that can't be read does not."""
    return _judge(condition, facts, known)[0]


def explain(condition: object, facts: Facts, known: Known = FIELDS) -> str:
    """Why the condition holds or does not, as one sentence."""
    outcome, reasons = _judge(condition, facts, known)
    because = f"because {' and '.join(reasons)}" if reasons else "because it has no condition"
    return f"{'Holds' if outcome else 'Does not hold'} {because}."


def describe(condition: object, known: Known = FIELDS, depth: int = 0) -> str:
    """The condition in words, for lists of rules."""
    group = _group(condition)
    if group is not None and depth <= DEEPEST:
        kind, parts = group
        words = [describe(part, known, depth + 1) for part in parts]
        joined = f" {'and' if kind == 'all' else 'or'} ".join(words) or "Always"
        return f"({joined})" if depth and len(words) > 1 else joined
    question = _Question.read(condition, known)
    return question.words() if question else "A condition that can't be read"


def problems(condition: object, known: Known = FIELDS, depth: int = 0) -> list[str]:
    """What is wrong with the condition, in words for the form; empty where nothing is."""
    group = _group(condition)
    if group is None:
        return _problems_of_question(condition, known)
    kind, parts = group
    if depth > DEEPEST:
        return [f"Groups can't be nested deeper than {DEEPEST} times."]
    if not parts and (depth or kind == "any"):
        return ["A group is empty."]
    return list(dict.fromkeys(problem for part in parts for problem in problems(part, known, depth + 1)))


def fields_asked(condition: object, depth: int = 0) -> set[str]:
    """The names of all fields the condition asks about."""
    group = _group(condition)
    if group is not None and depth <= DEEPEST:
        return {name for part in group[1] for name in fields_asked(part, depth + 1)}
    name = condition.get("field") if isinstance(condition, dict) else None
    return {name} if isinstance(name, str) else set()


def _group(condition: object) -> tuple[str, list[Any]] | None:
    """The kind and the parts of a group; None for anything else. The empty condition is an empty group of all."""
    if condition == {}:
        return "all", []
    if not isinstance(condition, dict) or len(condition) != 1:
        return None
    kind, parts = next(iter(condition.items()))
    return (kind, parts) if kind in {"all", "any"} and isinstance(parts, list) else None


def _judge(condition: object, facts: Facts, known: Known, depth: int = 0) -> tuple[bool, list[str]]:
    """Whether it holds, and the questions that decided it."""
    group = _group(condition)
    if group is None or depth > DEEPEST:
        question = _Question.read(condition, known)
        return question.judge(facts) if question else (False, ["the condition can't be read"])
    kind, parts = group
    if not parts:
        empty = kind == "all" and not depth
        return empty, [] if empty else ["a group is empty"]
    judged = [_judge(part, facts, known, depth + 1) for part in parts]
    outcome = (all if kind == "all" else any)(held for held, _ in judged)
    return outcome, [reason for held, reasons in judged if held == outcome for reason in reasons]


@dataclass(frozen=True)
class _Question:
    """One question about one field, with a value that fits both."""

    field: Field
    operator: Operator
    value: Any

    @classmethod
    def read(cls, condition: object, known: Known) -> "_Question | None":
        """The question; None where the condition is none that can be read."""
        if _problems_of_question(condition, known):
            return None
        assert isinstance(condition, dict)  # noqa: S101 (told to the type checker)
        return cls(known[condition["field"]], Operator(condition["operator"]), condition.get("value"))

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
        name = _in_a_sentence(self.field.label)
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


def _in_a_sentence(label: str) -> str:
    """With a small letter, but for words as VIP."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _shown(field: Field, value: object) -> str:
    day, clock = weekday_of(value), time_of(value)
    if field.type == Type.WEEKDAY and day is not None:
        return str(Weekday(day).label)
    if field.type == Type.TIME and clock is not None:
        return clock.strftime("%H:%M")
    if field.type == Type.NUMBER:
        return shown_value(value)
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + '…'}”"


def _problems_of_question(condition: object, known: Known) -> list[str]:
    if not isinstance(condition, dict) or set(condition) - {"field", "operator", "value"}:
        return ["The condition can't be read."]
    name, operator = condition.get("field"), condition.get("operator")
    if not isinstance(name, str) or name not in known:
        return [f"There is no field “{name}”."]
    field = known[name]
    if not isinstance(operator, str) or operator not in OPERATORS[field.type]:
        return [f"“{field.label}” can't be asked “{operator}”."]
    return list(_problems_of_value(field, value_kind(Operator(operator)), condition.get("value")))


def _problems_of_value(field: Field, kind: ValueKind, value: object) -> Iterator[str]:
    several: list[Any] = value if isinstance(value, list) else []
    all_fit = bool(several) and all(fits(field.type, one) for one in several)
    match kind:
        case ValueKind.ONE if not fits(field.type, value):
            yield f"“{field.label}” needs a value{_hint(field)}."
        case ValueKind.LIST if not all_fit:
            yield f"“{field.label}” needs a list of values{_hint(field)}."
        case ValueKind.RANGE if not all_fit or len(several) != 2:
            yield f"“{field.label}” needs two times, as 09:00 and 17:30."
        case ValueKind.RANGE if time_of(several[0]) == time_of(several[1]):
            yield f"“{field.label}” needs two different times."


def _hint(field: Field) -> str:
    hints = {Type.WEEKDAY: ", a day from Monday (0) to Sunday (6)", Type.NUMBER: ", a number as 4711 or 12.50"}
    return hints.get(field.type, "")
