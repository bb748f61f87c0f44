"""The condition builder: rows of field, operator and value, in a group of all or any, with groups inside it.

It is a plain form: `condition-field`, `condition-operator` and `condition-value` come as often as there are rows,
each with the number of its group, so that it works without a script too. A row without a field is not there.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from routing.conditions.evaluation import get_condition_errors
from routing.conditions.fields import (
    OPERATORS_BY_TYPE,
    STANDARD_FIELDS,
    AvailableFields,
    FieldType,
    Operator,
    ValueKind,
    get_value_kind,
)
from routing.conditions.fields import FieldGroup as FieldGroup
from routing.models import Weekday

EXTRA_ROW_COUNT = 2
WEEKDAY_NUMBERS = {str(label).casefold(): int(value) for value, label in Weekday.choices}


@dataclass
class ConditionRow:
    """One question as it is typed."""

    field: str = ""
    operator: str = ""
    value: str = ""


@dataclass
class ConditionGroup:
    """Rows of which all have to hold, or any."""

    match: str = "all"
    rows: list[ConditionRow] = field(default_factory=list)


def is_editable_in_builder(condition: object, known: AvailableFields = STANDARD_FIELDS) -> bool:
    """Whether the builder can show it: readable, with groups inside the outer one and none inside these."""
    inner = [one for part in _get_subconditions(condition) for one in _get_subconditions(part)]
    return not get_condition_errors(condition, known) and not any(_get_subconditions(one) for one in inner)


def _get_subconditions(condition: object) -> list[Any]:
    if not isinstance(condition, dict):
        return []
    parts = condition.get("all", condition.get("any"))
    return parts if isinstance(parts, list) else []


def parse_condition_groups(condition: object) -> list[ConditionGroup]:
    """The stored condition as rows: the outer group first."""
    if not isinstance(condition, dict) or not condition:
        return [ConditionGroup()]
    if "field" in condition:
        return [ConditionGroup(rows=[_parse_row(condition)])]
    outer = ConditionGroup("any" if "any" in condition else "all")
    groups = [outer]
    for part in _get_subconditions(condition):
        if "field" in part:
            outer.rows.append(_parse_row(part))
        else:
            groups.append(
                ConditionGroup(
                    "any" if "any" in part else "all", [_parse_row(inner) for inner in _get_subconditions(part)]
                )
            )
    return groups


def _parse_row(question: dict[str, Any]) -> ConditionRow:
    value = question.get("value", "")
    kind = _get_value_kind(question.get("operator", ""))
    values = value if isinstance(value, list) else [value]
    shown = [_format_value(question.get("field", ""), one) for one in values]
    return ConditionRow(
        question["field"], question.get("operator", ""), (" - " if kind == ValueKind.RANGE else ", ").join(shown)
    )


def _format_value(name: str, value: object) -> str:
    if (
        name in STANDARD_FIELDS
        and STANDARD_FIELDS[name].type == FieldType.WEEKDAY
        and str(value) in {str(day) for day in Weekday.values}
    ):
        return str(Weekday(int(str(value))).label)
    return str(value)


def _get_value_kind(operator: str) -> ValueKind:
    return get_value_kind(Operator(operator)) if operator in Operator.values else ValueKind.ONE


def build_condition(groups: list[ConditionGroup]) -> dict[str, Any]:
    """The rows as they are stored; nothing where there is none."""
    outer, *inner = groups or [ConditionGroup()]
    parts = [_build_comparison(row) for row in outer.rows]
    parts += [{group.match: [_build_comparison(row) for row in group.rows]} for group in inner if group.rows]
    return {outer.match: parts} if parts else {}


def _build_comparison(row: ConditionRow) -> dict[str, Any]:
    asked: dict[str, Any] = {"field": row.field, "operator": row.operator}
    match _get_value_kind(row.operator):
        case ValueKind.NOTHING:
            return asked
        case ValueKind.LIST:
            return {**asked, "value": [_parse_value(row.field, one) for one in _split_values(r"[,;\n]", row.value)]}
        case ValueKind.RANGE:
            return {**asked, "value": _split_values(r"\s+(?:and|to)\s+|[-–,]", row.value)}
        case _:
            return {**asked, "value": _parse_value(row.field, row.value.strip())}


def _split_values(between: str, text: str) -> list[str]:
    return [part.strip() for part in re.split(between, text) if part.strip()]


def _parse_value(name: str, typed: str) -> object:
    """A day by its number, everything else as it was typed."""
    if name in STANDARD_FIELDS and STANDARD_FIELDS[name].type == FieldType.WEEKDAY:
        wanted = typed.casefold()
        days = [number for day, number in WEEKDAY_NUMBERS.items() if len(wanted) > 1 and day.startswith(wanted)]
        return days[0] if len(days) == 1 else typed
    return typed


class ConditionWidget(forms.Widget):
    """Rows in groups, with spare ones for those without a script."""

    available_fields: AvailableFields = STANDARD_FIELDS

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[ConditionGroup]:
        columns = [data.getlist(f"{name}-{column}") for column in ("group", "field", "operator", "value")]
        rows = list(zip(*columns, strict=False))
        numbers = sorted({"0", *(number for number, *_ in rows)}, key=lambda number: (len(number), number))
        return [self._parse_group(data, name, number, rows) for number in numbers]

    def _parse_group(self, data: Any, name: str, number: str, rows: Iterable[tuple[str, ...]]) -> ConditionGroup:
        match = "any" if data.get(f"{name}-match-{number}") == "any" else "all"
        return ConditionGroup(match, [ConditionRow(*rest) for group, *rest in rows if group == number and rest[0]])

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-field" not in data

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        groups = [*value, *([ConditionGroup("any")] if value[-1].rows or len(value) == 1 else [])]
        shown = [
            {"match": group.match, "rows": group.rows, "spare": number > 0 and not group.rows}
            for number, group in enumerate(groups)
        ]
        fields = list(self.available_fields.values())
        operators = {one.name: [str(op) for op in OPERATORS_BY_TYPE[one.type]] for one in fields}
        heads = [(head.label, [one for one in fields if one.group == head]) for head in FieldGroup]
        context = {
            "name": name,
            "groups": shown,
            "spare_rows": [ConditionRow()] * EXTRA_ROW_COUNT,
            "heads": [(head, offered) for head, offered in heads if offered],
            "operators": Operator.choices,
            "fitting": json.dumps(operators),
            "types": json.dumps({one.name: str(one.type) for one in fields}),
            "kinds": json.dumps({str(op): str(get_value_kind(op)) for op in Operator}),
        }
        return SafeString(render_to_string("admin/routing/_condition.html", context))


class ConditionField(forms.Field):
    """A condition, built of rows; what is wrong with it is said in words."""

    available_fields: AvailableFields = STANDARD_FIELDS

    widget = ConditionWidget

    def set_available_fields(self, known: AvailableFields) -> None:
        """What can be asked about here."""
        self.available_fields = self.widget.available_fields = known

    def prepare_value(self, value: Any) -> list[ConditionGroup]:
        return value if isinstance(value, list) else parse_condition_groups(value)

    def to_python(self, value: Any) -> dict[str, Any]:
        return build_condition(value or [])

    def validate(self, value: Any) -> None:
        if wrong := get_condition_errors(value, self.available_fields):
            raise ValidationError(wrong)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(build_condition(data or []) != (initial or {}))
