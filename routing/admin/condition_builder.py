"""The condition builder: rows of field, operator and value in groups.

A group combines its rows with all or any; the outer group may contain others. It is a plain form: `condition-field`,
`condition-operator` and `condition-value` are repeated for each row, with the number of the row's group, so that it
works without a script too. Without a script empty rows are ignored: there are spare ones, and clearing a row removes
it. The script marks the rows as `condition-required`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import zip_longest
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
    FieldGroup,
    FieldType,
    GroupMatch,
    Operator,
    ValueKind,
    get_value_kind,
)
from routing.models import Weekday

EXTRA_ROW_COUNT = 2
WEEKDAY_NUMBERS = {str(label).casefold(): int(value) for value, label in Weekday.choices}


@dataclass
class ConditionRow:
    """A comparison as it is typed."""

    field: str = ""
    operator: str = ""
    value: str = ""
    is_required: bool = False
    error: str = ""

    @property
    def is_unused(self) -> bool:
        """Whether the row was left empty and may be."""
        return not (self.is_required or self.field or self.operator or self.value.strip())


@dataclass
class ConditionGroup:
    """Rows combined with all or any."""

    match: GroupMatch = GroupMatch.ALL
    rows: list[ConditionRow] = field(default_factory=list)


def is_editable_in_builder(condition: object, fields: AvailableFields = STANDARD_FIELDS) -> bool:
    """Return whether the builder can show the condition: valid, and nested at most one group deep."""
    nested = [item for part in _get_subconditions(condition) for item in _get_subconditions(part)]
    return not get_condition_errors(condition, fields) and not any(_get_subconditions(item) for item in nested)


def _get_subconditions(condition: object) -> list[Any]:
    if not isinstance(condition, dict):
        return []
    parts = condition.get(GroupMatch.ALL, condition.get(GroupMatch.ANY))
    return parts if isinstance(parts, list) else []


def parse_condition_groups(condition: object) -> list[ConditionGroup]:
    """Return the stored condition as groups of rows, the outer group first."""
    if not isinstance(condition, dict) or not condition:
        return [ConditionGroup()]
    if "field" in condition:
        return [ConditionGroup(rows=[_parse_row(condition)])]
    outer = ConditionGroup(_get_match(condition))
    groups = [outer]
    for part in _get_subconditions(condition):
        if "field" in part:
            outer.rows.append(_parse_row(part))
        else:
            groups.append(ConditionGroup(_get_match(part), [_parse_row(item) for item in _get_subconditions(part)]))
    return groups


def _get_match(group: dict[str, Any]) -> GroupMatch:
    return GroupMatch.ANY if GroupMatch.ANY in group else GroupMatch.ALL


def _parse_row(comparison: dict[str, Any]) -> ConditionRow:
    name, operator, stored = comparison["field"], comparison.get("operator", ""), comparison.get("value", "")
    texts = [_format_value(name, value) for value in (stored if isinstance(stored, list) else [stored])]
    separator = " - " if _get_value_kind(operator) == ValueKind.RANGE else ", "
    return ConditionRow(name, operator, separator.join(texts))


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
    """Return the condition to store for the groups; an empty one if there are no rows."""
    outer, *inner_groups = groups or [ConditionGroup()]
    parts = [_build_comparison(row) for row in outer.rows]
    parts += [
        {group.match.value: [_build_comparison(row) for row in group.rows]} for group in inner_groups if group.rows
    ]
    return {outer.match.value: parts} if parts else {}


def _build_comparison(row: ConditionRow) -> dict[str, Any]:
    comparison: dict[str, Any] = {"field": row.field, "operator": row.operator}
    match _get_value_kind(row.operator):
        case ValueKind.NOTHING:
            return comparison
        case ValueKind.LIST:
            texts = _split_values(r"[,;\n]", row.value)
            return {**comparison, "value": [_parse_value(row.field, text) for text in texts]}
        case ValueKind.RANGE:
            return {**comparison, "value": _split_values(r"\s+(?:and|to)\s+|[-–,]", row.value)}
        case _:
            return {**comparison, "value": _parse_value(row.field, row.value.strip())}


def _split_values(separator: str, text: str) -> list[str]:
    return [part.strip() for part in re.split(separator, text) if part.strip()]


def _parse_value(name: str, text: str) -> object:
    """Return a weekday's number for its name or the beginning of it, any other text unchanged."""
    if name in STANDARD_FIELDS and STANDARD_FIELDS[name].type == FieldType.WEEKDAY:
        prefix = text.casefold()
        days = [number for day, number in WEEKDAY_NUMBERS.items() if len(prefix) > 1 and day.startswith(prefix)]
        return days[0] if len(days) == 1 else text
    return text


def get_row_error(row: ConditionRow, fields: AvailableFields) -> str:
    """Return why the row is no comparison; an empty text if it is one."""
    if not row.field:
        return "Choose a field, or remove this condition." if row.is_required else "Choose a field, or clear this row."
    if not row.operator:
        return "Choose an operator."
    return " ".join(get_condition_errors(_build_comparison(row), fields))


class ConditionWidget(forms.Widget):
    """Rows in groups, with spare rows for browsers without JavaScript."""

    available_fields: AvailableFields = STANDARD_FIELDS

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[ConditionGroup]:
        columns = [data.getlist(f"{name}-{column}") for column in ("group", "field", "operator", "value", "required")]
        rows = list(zip_longest(*columns, fillvalue=""))
        numbers = sorted({"0", *(number or "0" for number, *_ in rows)}, key=lambda number: (len(number), number))
        return [self._parse_group(data, name, number, rows) for number in numbers]

    def _parse_group(self, data: Any, name: str, number: str, rows: Iterable[tuple[str, ...]]) -> ConditionGroup:
        match = GroupMatch.ANY if data.get(f"{name}-match-{number}") == GroupMatch.ANY else GroupMatch.ALL
        group_rows = [self._parse_row(*cells) for group, *cells in rows if (group or "0") == number]
        return ConditionGroup(match, [row for row in group_rows if not row.is_unused])

    def _parse_row(self, field: str, operator: str, value: str, required: str) -> ConditionRow:
        row = ConditionRow(field, operator, value, is_required=bool(required))
        return row if row.is_unused else replace(row, error=get_row_error(row, self.available_fields))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-match-0" not in data  # without conditions the form has no rows

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        groups = [*value, *([ConditionGroup(GroupMatch.ANY)] if value[-1].rows or len(value) == 1 else [])]
        group_contexts = [
            {"match": group.match, "rows": group.rows, "is_spare": number > 0 and not group.rows}
            for number, group in enumerate(groups)
        ]
        definitions = list(self.available_fields.values())
        operators_by_field = {
            definition.name: [str(operator) for operator in OPERATORS_BY_TYPE[definition.type]]
            for definition in definitions
        }
        field_groups = [
            (group.label, [definition for definition in definitions if definition.group == group])
            for group in FieldGroup
        ]
        context = {
            "name": name,
            "groups": group_contexts,
            "spare_rows": [ConditionRow()] * EXTRA_ROW_COUNT,
            "field_groups": [(label, members) for label, members in field_groups if members],
            "operators": Operator.choices,
            "operators_by_field": json.dumps(operators_by_field),
            "field_types": json.dumps({definition.name: str(definition.type) for definition in definitions}),
            "operator_kinds": json.dumps({str(operator): str(get_value_kind(operator)) for operator in Operator}),
        }
        return SafeString(render_to_string("admin/routing/_condition_builder.html", context))


class ConditionField(forms.Field):
    """A condition built of rows; an error is shown at its row."""

    available_fields: AvailableFields = STANDARD_FIELDS

    widget = ConditionWidget

    def set_available_fields(self, fields: AvailableFields) -> None:
        """Set the fields that the condition can use."""
        self.available_fields = self.widget.available_fields = fields

    def prepare_value(self, value: Any) -> list[ConditionGroup]:
        return value if isinstance(value, list) else parse_condition_groups(value)

    def to_python(self, value: Any) -> dict[str, Any]:
        groups: list[ConditionGroup] = value or []
        if any(row.error for group in groups for row in group.rows):
            raise ValidationError("Correct the marked conditions.", code="invalid_row")
        return build_condition(groups)

    def validate(self, value: Any) -> None:
        if errors := get_condition_errors(value, self.available_fields):
            raise ValidationError(errors)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(build_condition(data or []) != (initial or {}))
