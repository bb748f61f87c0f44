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

from routing.conditions import problems
from routing.fields import FIELDS, OPERATORS, Known, Operator, Type, ValueKind, value_kind
from routing.fields import Group as FieldGroup
from routing.models import Weekday

SPARE_ROWS = 2
DAYS = {str(label).casefold(): int(value) for value, label in Weekday.choices}


@dataclass
class Row:
    """One question as it is typed."""

    field: str = ""
    operator: str = ""
    value: str = ""


@dataclass
class Group:
    """Rows of which all have to hold, or any."""

    match: str = "all"
    rows: list[Row] = field(default_factory=list)


def fits_the_builder(condition: object, known: Known = FIELDS) -> bool:
    """Whether the builder can show it: readable, with groups inside the outer one and none inside these."""
    inner = [one for part in _parts_of(condition) for one in _parts_of(part)]
    return not problems(condition, known) and not any(_parts_of(one) for one in inner)


def _parts_of(condition: object) -> list[Any]:
    if not isinstance(condition, dict):
        return []
    parts = condition.get("all", condition.get("any"))
    return parts if isinstance(parts, list) else []


def groups_of(condition: object) -> list[Group]:
    """The stored condition as rows: the outer group first."""
    if not isinstance(condition, dict) or not condition:
        return [Group()]
    if "field" in condition:
        return [Group(rows=[_row(condition)])]
    outer = Group("any" if "any" in condition else "all")
    groups = [outer]
    for part in _parts_of(condition):
        if "field" in part:
            outer.rows.append(_row(part))
        else:
            groups.append(Group("any" if "any" in part else "all", [_row(inner) for inner in _parts_of(part)]))
    return groups


def _row(question: dict[str, Any]) -> Row:
    value = question.get("value", "")
    kind = _kind(question.get("operator", ""))
    values = value if isinstance(value, list) else [value]
    shown = [_shown(question.get("field", ""), one) for one in values]
    return Row(
        question["field"], question.get("operator", ""), (" - " if kind == ValueKind.RANGE else ", ").join(shown)
    )


def _shown(name: str, value: object) -> str:
    if name in FIELDS and FIELDS[name].type == Type.WEEKDAY and str(value) in {str(day) for day in Weekday.values}:
        return str(Weekday(int(str(value))).label)
    return str(value)


def _kind(operator: str) -> ValueKind:
    return value_kind(Operator(operator)) if operator in Operator.values else ValueKind.ONE


def condition_of(groups: list[Group]) -> dict[str, Any]:
    """The rows as they are stored; nothing where there is none."""
    outer, *inner = groups or [Group()]
    parts = [_question(row) for row in outer.rows]
    parts += [{group.match: [_question(row) for row in group.rows]} for group in inner if group.rows]
    return {outer.match: parts} if parts else {}


def _question(row: Row) -> dict[str, Any]:
    asked: dict[str, Any] = {"field": row.field, "operator": row.operator}
    match _kind(row.operator):
        case ValueKind.NOTHING:
            return asked
        case ValueKind.LIST:
            return {**asked, "value": [_stored(row.field, one) for one in _split(r"[,;\n]", row.value)]}
        case ValueKind.RANGE:
            return {**asked, "value": _split(r"\s+(?:and|to)\s+|[-–,]", row.value)}
        case _:
            return {**asked, "value": _stored(row.field, row.value.strip())}


def _split(between: str, text: str) -> list[str]:
    return [part.strip() for part in re.split(between, text) if part.strip()]


def _stored(name: str, typed: str) -> object:
    """A day by its number, everything else as it was typed."""
    if name in FIELDS and FIELDS[name].type == Type.WEEKDAY:
        wanted = typed.casefold()
        days = [number for day, number in DAYS.items() if len(wanted) > 1 and day.startswith(wanted)]
        return days[0] if len(days) == 1 else typed
    return typed


class ConditionWidget(forms.Widget):
    """Rows in groups, with spare ones for those without a script."""

    known: Known = FIELDS

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Group]:
        columns = [data.getlist(f"{name}-{column}") for column in ("group", "field", "operator", "value")]
        rows = list(zip(*columns, strict=False))
        numbers = sorted({"0", *(number for number, *_ in rows)}, key=lambda number: (len(number), number))
        return [self._group(data, name, number, rows) for number in numbers]

    def _group(self, data: Any, name: str, number: str, rows: Iterable[tuple[str, ...]]) -> Group:
        match = "any" if data.get(f"{name}-match-{number}") == "any" else "all"
        return Group(match, [Row(*rest) for group, *rest in rows if group == number and rest[0]])

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-field" not in data

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        groups = [*value, *([Group("any")] if value[-1].rows or len(value) == 1 else [])]
        shown = [
            {"match": group.match, "rows": group.rows, "spare": number > 0 and not group.rows}
            for number, group in enumerate(groups)
        ]
        fields = list(self.known.values())
        operators = {one.name: [str(op) for op in OPERATORS[one.type]] for one in fields}
        heads = [(head.label, [one for one in fields if one.group == head]) for head in FieldGroup]
        context = {
            "name": name,
            "groups": shown,
            "spare_rows": [Row()] * SPARE_ROWS,
            "heads": [(head, offered) for head, offered in heads if offered],
            "operators": Operator.choices,
            "fitting": json.dumps(operators),
            "types": json.dumps({one.name: str(one.type) for one in fields}),
            "kinds": json.dumps({str(op): str(value_kind(op)) for op in Operator}),
        }
        return SafeString(render_to_string("admin/routing/_condition.html", context))


class ConditionField(forms.Field):
    """A condition, built of rows; what is wrong with it is said in words."""

    known: Known = FIELDS

    widget = ConditionWidget

    def know(self, known: Known) -> None:
        """What can be asked about here."""
        self.known = self.widget.known = known

    def prepare_value(self, value: Any) -> list[Group]:
        return value if isinstance(value, list) else groups_of(value)

    def to_python(self, value: Any) -> dict[str, Any]:
        return condition_of(value or [])

    def validate(self, value: Any) -> None:
        if wrong := problems(value, self.known):
            raise ValidationError(wrong)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(condition_of(data or []) != (initial or {}))
