"""Conditions of rules: whether they hold, and why.

A condition is JSON: `{}` always holds; `{"all": [...]}` and `{"any": [...]}` are groups of conditions;
`{"field": "first_message", "operator": "contains", "value": "order"}` asks one thing. Facts are a mapping by the names
of the fields that are known where the condition is asked: texts, numbers, the weekday as `datetime.weekday` counts, the
time of day. Whatever is not written so does not hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing.conditions.fields import (
    NEGATED_OPERATOR_LABELS,
    OPERATORS_BY_TYPE,
    STANDARD_FIELDS,
    AvailableFields,
    Facts,
    FieldDefinition,
    FieldType,
    Operator,
    ValueKind,
    get_value_kind,
)
from routing.conditions.operators import COMPARE_BY_TYPE, is_valid_value, parse_time, parse_weekday
from routing.models import Weekday
from routing.variables.values import format_value as shown_value

MAX_DEPTH = 5  # groups within groups
MAX_SHOWN_LENGTH = 60  # letters of a customer's message in an explanation


def is_condition_met(condition: object, facts: Facts, known: AvailableFields = STANDARD_FIELDS) -> bool:
    """Whether the condition holds for these facts; one that can't be read does not."""
    return _evaluate(condition, facts, known)[0]


def explain_condition(condition: object, facts: Facts, known: AvailableFields = STANDARD_FIELDS) -> str:
    """Why the condition holds or does not, as one sentence."""
    outcome, reasons = _evaluate(condition, facts, known)
    because = f"because {' and '.join(reasons)}" if reasons else "because it has no condition"
    return f"{'Holds' if outcome else 'Does not hold'} {because}."


def describe_condition(condition: object, known: AvailableFields = STANDARD_FIELDS, depth: int = 0) -> str:
    """The condition in words, for lists of rules."""
    group = _parse_group(condition)
    if group is not None and depth <= MAX_DEPTH:
        kind, parts = group
        words = [describe_condition(part, known, depth + 1) for part in parts]
        joined = f" {'and' if kind == 'all' else 'or'} ".join(words) or "Always"
        return f"({joined})" if depth and len(words) > 1 else joined
    question = _Comparison.parse(condition, known)
    return question.describe() if question else "A condition that can't be read"


def get_condition_errors(condition: object, known: AvailableFields = STANDARD_FIELDS, depth: int = 0) -> list[str]:
    """What is wrong with the condition, in words for the form; empty where nothing is."""
    group = _parse_group(condition)
    if group is None:
        return _get_comparison_errors(condition, known)
    kind, parts = group
    if depth > MAX_DEPTH:
        return [f"Groups can't be nested deeper than {MAX_DEPTH} times."]
    if not parts and (depth or kind == "any"):
        return ["A group is empty."]
    return list(dict.fromkeys(problem for part in parts for problem in get_condition_errors(part, known, depth + 1)))


def get_field_names(condition: object, depth: int = 0) -> set[str]:
    """The names of all fields the condition asks about."""
    group = _parse_group(condition)
    if group is not None and depth <= MAX_DEPTH:
        return {name for part in group[1] for name in get_field_names(part, depth + 1)}
    name = condition.get("field") if isinstance(condition, dict) else None
    return {name} if isinstance(name, str) else set()


def _parse_group(condition: object) -> tuple[str, list[Any]] | None:
    """The kind and the parts of a group; None for anything else. The empty condition is an empty group of all."""
    if condition == {}:
        return "all", []
    if not isinstance(condition, dict) or len(condition) != 1:
        return None
    kind, parts = next(iter(condition.items()))
    return (kind, parts) if kind in {"all", "any"} and isinstance(parts, list) else None


def _evaluate(condition: object, facts: Facts, known: AvailableFields, depth: int = 0) -> tuple[bool, list[str]]:
    """Whether it holds, and the questions that decided it."""
    group = _parse_group(condition)
    if group is None or depth > MAX_DEPTH:
        question = _Comparison.parse(condition, known)
        return question.evaluate(facts) if question else (False, ["the condition can't be read"])
    kind, parts = group
    if not parts:
        empty = kind == "all" and not depth
        return empty, [] if empty else ["a group is empty"]
    judged = [_evaluate(part, facts, known, depth + 1) for part in parts]
    outcome = (all if kind == "all" else any)(held for held, _ in judged)
    return outcome, [reason for held, reasons in judged if held == outcome for reason in reasons]


@dataclass(frozen=True)
class _Comparison:
    """One question about one field, with a value that fits both."""

    field: FieldDefinition
    operator: Operator
    value: Any

    @classmethod
    def parse(cls, condition: object, known: AvailableFields) -> "_Comparison | None":
        """The question; None where the condition is none that can be read."""
        if _get_comparison_errors(condition, known):
            return None
        assert isinstance(condition, dict)  # noqa: S101 (told to the type checker)
        return cls(known[condition["field"]], Operator(condition["operator"]), condition.get("value"))

    def evaluate(self, facts: Facts) -> tuple[bool, list[str]]:
        fact = facts.get(self.field.name)
        outcome = COMPARE_BY_TYPE[self.field.type](self.operator, fact, self.value)
        return outcome, [self._explain(fact, outcome)]

    def describe(self) -> str:
        return " ".join(filter(None, [self.field.label, self.operator.label, self._format_value()]))

    def _explain(self, fact: object, outcome: bool) -> str:
        verb = self.operator.label if outcome else NEGATED_OPERATOR_LABELS[self.operator]
        is_text = self.operator not in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}
        told = f" ({_format_field_value(self.field, fact)})" if is_text and fact not in (None, "") else ""
        name = _lower_first_letter(self.field.label)
        return " ".join(filter(None, [f"the {name}{told}", verb, self._format_value()]))

    def _format_value(self) -> str:
        match get_value_kind(self.operator):
            case ValueKind.NOTHING:
                return ""
            case ValueKind.ONE:
                return _format_field_value(self.field, self.value)
            case ValueKind.LIST:
                return ", ".join(_format_field_value(self.field, one) for one in self.value)
            case ValueKind.RANGE:
                return " and ".join(_format_field_value(self.field, one) for one in self.value)


def _lower_first_letter(label: str) -> str:
    """With a small letter, but for words as VIP."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _format_field_value(field: FieldDefinition, value: object) -> str:
    day, clock = parse_weekday(value), parse_time(value)
    if field.type == FieldType.WEEKDAY and day is not None:
        return str(Weekday(day).label)
    if field.type == FieldType.TIME and clock is not None:
        return clock.strftime("%H:%M")
    if field.type == FieldType.NUMBER:
        return shown_value(value)
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= MAX_SHOWN_LENGTH else text[: MAX_SHOWN_LENGTH - 1] + '…'}”"


def _get_comparison_errors(condition: object, known: AvailableFields) -> list[str]:
    if not isinstance(condition, dict) or set(condition) - {"field", "operator", "value"}:
        return ["The condition can't be read."]
    name, operator = condition.get("field"), condition.get("operator")
    if not isinstance(name, str) or name not in known:
        return [f"There is no field “{name}”."]
    field = known[name]
    if not isinstance(operator, str) or operator not in OPERATORS_BY_TYPE[field.type]:
        return [f"“{field.label}” can't be asked “{operator}”."]
    return list(_get_value_errors(field, get_value_kind(Operator(operator)), condition.get("value")))


def _get_value_errors(field: FieldDefinition, kind: ValueKind, value: object) -> Iterator[str]:
    several: list[Any] = value if isinstance(value, list) else []
    all_fit = bool(several) and all(is_valid_value(field.type, one) for one in several)
    match kind:
        case ValueKind.ONE if not is_valid_value(field.type, value):
            yield f"“{field.label}” needs a value{_get_value_hint(field)}."
        case ValueKind.LIST if not all_fit:
            yield f"“{field.label}” needs a list of values{_get_value_hint(field)}."
        case ValueKind.RANGE if not all_fit or len(several) != 2:
            yield f"“{field.label}” needs two times, as 09:00 and 17:30."
        case ValueKind.RANGE if parse_time(several[0]) == parse_time(several[1]):
            yield f"“{field.label}” needs two different times."


def _get_value_hint(field: FieldDefinition) -> str:
    hints = {
        FieldType.WEEKDAY: ", a day from Monday (0) to Sunday (6)",
        FieldType.NUMBER: ", a number as 4711 or 12.50",
    }
    return hints.get(field.type, "")
