"""Evaluate, explain and validate the conditions of rules.

A condition is JSON: `{}` always holds; `{"all": [...]}` and `{"any": [...]}` are groups of conditions;
`{"field": "first_message", "operator": "contains", "value": "order"}` is a comparison. Facts are a mapping from the
names of the available fields to texts, numbers, the weekday as `datetime.weekday` counts, or the time of day. A
condition of any other form does not hold.
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
    GroupMatch,
    Operator,
    ValueKind,
    get_value_kind,
)
from routing.conditions.operators import COMPARE_BY_TYPE, is_valid_value, parse_time, parse_weekday
from routing.models import Weekday
from routing.variables.values import format_value

MAX_DEPTH = 5  # groups within groups
MAX_SHOWN_LENGTH = 60  # characters of a customer's message in an explanation


def is_condition_met(condition: object, facts: Facts, fields: AvailableFields = STANDARD_FIELDS) -> bool:
    """Return whether the condition holds for these facts; an invalid one does not."""
    return _evaluate(condition, facts, fields)[0]


def explain_condition(condition: object, facts: Facts, fields: AvailableFields = STANDARD_FIELDS) -> str:
    """Return why the condition holds or does not, as a sentence."""
    outcome, reasons = _evaluate(condition, facts, fields)
    because = f"because {' and '.join(reasons)}" if reasons else "because there is no condition"
    return f"{'Matches' if outcome else 'Does not match'} {because}."


def describe_condition(condition: object, fields: AvailableFields = STANDARD_FIELDS, depth: int = 0) -> str:
    """Return the condition in words, for lists of rules."""
    group = _parse_group(condition)
    if group is not None and depth <= MAX_DEPTH:
        match, parts = group
        descriptions = [describe_condition(part, fields, depth + 1) for part in parts]
        joined = f" {'and' if match == GroupMatch.ALL else 'or'} ".join(descriptions) or "Always"
        return f"({joined})" if depth and len(descriptions) > 1 else joined
    comparison = _Comparison.parse(condition, fields)
    return comparison.describe() if comparison else "A condition that can't be read"


def get_condition_errors(condition: object, fields: AvailableFields = STANDARD_FIELDS, depth: int = 0) -> list[str]:
    """Return the errors of the condition, as sentences for the form; an empty list if it is valid."""
    group = _parse_group(condition)
    if group is None:
        return _get_comparison_errors(condition, fields)
    match, parts = group
    if depth > MAX_DEPTH:
        return [f"Groups can't be nested deeper than {MAX_DEPTH} times."]
    if not parts and (depth or match == GroupMatch.ANY):
        return ["A group is empty."]
    return list(dict.fromkeys(error for part in parts for error in get_condition_errors(part, fields, depth + 1)))


def get_field_names(condition: object, depth: int = 0) -> set[str]:
    """Return the names of all fields that the condition uses."""
    group = _parse_group(condition)
    if group is not None and depth <= MAX_DEPTH:
        return {name for part in group[1] for name in get_field_names(part, depth + 1)}
    name = condition.get("field") if isinstance(condition, dict) else None
    return {name} if isinstance(name, str) else set()


def _parse_group(condition: object) -> tuple[GroupMatch, list[Any]] | None:
    """Return how a group is matched, and its items; None for anything else.

    The empty condition is an empty group of all.
    """
    if condition == {}:
        return GroupMatch.ALL, []
    if not isinstance(condition, dict) or len(condition) != 1:
        return None
    match, parts = next(iter(condition.items()))
    return (GroupMatch(match), parts) if match in list(GroupMatch) and isinstance(parts, list) else None


def _evaluate(condition: object, facts: Facts, fields: AvailableFields, depth: int = 0) -> tuple[bool, list[str]]:
    """Return whether the condition holds, and the reasons that decided it."""
    group = _parse_group(condition)
    if group is None or depth > MAX_DEPTH:
        comparison = _Comparison.parse(condition, fields)
        return comparison.evaluate(facts) if comparison else (False, ["the condition can't be read"])
    match, parts = group
    if not parts:
        empty = match == GroupMatch.ALL and not depth
        return empty, [] if empty else ["a group is empty"]
    results = [_evaluate(part, facts, fields, depth + 1) for part in parts]
    outcome = (all if match == GroupMatch.ALL else any)(is_met for is_met, _ in results)
    return outcome, [reason for is_met, reasons in results if is_met == outcome for reason in reasons]


@dataclass(frozen=True)
class _Comparison:
    """A comparison of a field with a value of the right type."""

    field: FieldDefinition
    operator: Operator
    value: Any

    @classmethod
    def parse(cls, condition: object, fields: AvailableFields) -> "_Comparison | None":
        """Return the comparison; None if it is invalid."""
        if _get_comparison_errors(condition, fields):
            return None
        assert isinstance(condition, dict)  # noqa: S101 (for the type checker)
        return cls(fields[condition["field"]], Operator(condition["operator"]), condition.get("value"))

    def evaluate(self, facts: Facts) -> tuple[bool, list[str]]:
        fact = facts.get(self.field.name)
        outcome = COMPARE_BY_TYPE[self.field.type](self.operator, fact, self.value)
        return outcome, [self._explain(fact, outcome)]

    def describe(self) -> str:
        return " ".join(filter(None, [self.field.label, self.operator.label, self._format_value()]))

    def _explain(self, fact: object, outcome: bool) -> str:
        verb = self.operator.label if outcome else NEGATED_OPERATOR_LABELS[self.operator]
        shows_fact = self.operator not in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY} and fact not in (None, "")
        fact_text = f" ({_format_field_value(self.field, fact)})" if shows_fact else ""
        name = _lower_first_letter(self.field.label)
        return " ".join(filter(None, [f"the {name}{fact_text}", verb, self._format_value()]))

    def _format_value(self) -> str:
        match get_value_kind(self.operator):
            case ValueKind.NOTHING:
                return ""
            case ValueKind.ONE:
                return _format_field_value(self.field, self.value)
            case ValueKind.LIST:
                return ", ".join(_format_field_value(self.field, value) for value in self.value)
            case ValueKind.RANGE:
                return " and ".join(_format_field_value(self.field, value) for value in self.value)


def _lower_first_letter(label: str) -> str:
    """Return the label with a small first letter, except for words such as VIP."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _format_field_value(field: FieldDefinition, value: object) -> str:
    day, time_of_day = parse_weekday(value), parse_time(value)
    if field.type == FieldType.WEEKDAY and day is not None:
        return str(Weekday(day).label)
    if field.type == FieldType.TIME and time_of_day is not None:
        return time_of_day.strftime("%H:%M")
    if field.type == FieldType.NUMBER:
        return format_value(value)
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= MAX_SHOWN_LENGTH else text[: MAX_SHOWN_LENGTH - 1] + '…'}”"


def _get_comparison_errors(condition: object, fields: AvailableFields) -> list[str]:
    if not isinstance(condition, dict) or set(condition) - {"field", "operator", "value"}:
        return ["The condition can't be read."]
    name, operator = condition.get("field"), condition.get("operator")
    if not isinstance(name, str) or name not in fields:
        return [f"There is no field “{name}”."]
    field = fields[name]
    if not isinstance(operator, str) or operator not in OPERATORS_BY_TYPE[field.type]:
        return [f"“{field.label}” does not support “{operator}”."]
    return list(_get_value_errors(field, get_value_kind(Operator(operator)), condition.get("value")))


def _get_value_errors(field: FieldDefinition, kind: ValueKind, value: object) -> Iterator[str]:
    values: list[Any] = value if isinstance(value, list) else []
    are_valid = bool(values) and all(is_valid_value(field.type, item) for item in values)
    match kind:
        case ValueKind.ONE if not is_valid_value(field.type, value):
            yield f"“{field.label}” needs a value{_get_value_hint(field)}."
        case ValueKind.LIST if not are_valid:
            yield f"“{field.label}” needs a list of values{_get_value_hint(field)}."
        case ValueKind.RANGE if not are_valid or len(values) != 2:
            yield f"“{field.label}” needs two times, for example 09:00 and 17:30."
        case ValueKind.RANGE if parse_time(values[0]) == parse_time(values[1]):
            yield f"“{field.label}” needs two different times."


def _get_value_hint(field: FieldDefinition) -> str:
    hints = {
        FieldType.WEEKDAY: ", a day from Monday (0) to Sunday (6)",
        FieldType.NUMBER: ", a number such as 4711 or 12.50",
    }
    return hints.get(field.type, "")
