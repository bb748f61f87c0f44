"""The “try it” box on a work stream's page."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms import BoundField
from django.utils import timezone

from routing.conditions.fields import CONTEXT_PREFIX, FieldDefinition, FieldGroup, FieldType, get_available_fields
from routing.dry_run import DryRunInput, DryRunResult, dry_run_context, run_dry_run
from routing.models import OperatingHours, WorkStream
from routing.operating_hours import get_time_zone
from routing.variables.values import parse_number

NO_HOURS_CHOICE = "none"
MAX_LENGTH_BY_TYPE = {FieldType.LANGUAGE: 10, FieldType.PHONE: 140, FieldType.NUMBER: 30}


class DryRunForm(forms.Form):
    """All that rules can ask about: a sample message, its customer, and the moment it comes at."""

    prefix = "sample"

    at = forms.DateTimeField(
        label="Moment",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    # The administrator's own; the page's script says which it is.
    zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    clock = forms.ChoiceField(label="Operating hours of the number", required=False)

    def __init__(self, stream: WorkStream, data: Any = None) -> None:
        super().__init__(data)
        self.stream, self.context = stream, dry_run_context()
        self.condition_fields = [one for one in get_available_fields(stream).values() if one.group != FieldGroup.TIME]
        self.fields |= {one.name: _build_form_field(one) for one in self.condition_fields}
        for field in self.fields.values():
            field.widget.attrs |= {"form": "sample-form", "autocomplete": "off"}
        self.hours_by_choice = {_get_hours_choice(clock): clock for clock in self.context.operating_hours_of(stream)}
        self.fields["clock"].choices = [(name, _get_hours_label(clock)) for name, clock in self.hours_by_choice.items()]  # type: ignore[attr-defined]
        self.fields["at"].initial = timezone.localtime
        self.fields["zone"].initial = timezone.get_current_timezone_name()

    def get_field_groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The fields as they are shown, under the heads of the condition builder."""
        for head in FieldGroup:
            names = [one.name for one in self.condition_fields if one.group == head]
            shown = ["at", "clock"] if head == FieldGroup.TIME else names
            if shown:
                yield str(head.label), [self[name] for name in shown]

    @property
    def time_zone_name(self) -> str:
        """The time zone the moment is told in."""
        return str(self["zone"].value())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for one in self.condition_fields:
            if one.type == FieldType.NUMBER and cleaned.get(one.name) and parse_number(cleaned[one.name]) is None:
                self.add_error(one.name, "Enter a number, as 4711 or 12.50.")
        return cleaned

    def run(self) -> DryRunResult:
        """What would become of the sample."""
        facts = {one.name: self.cleaned_data[one.name] for one in self.condition_fields}
        sample = DryRunInput(facts, self._get_moment(), self._get_operating_hours())
        return run_dry_run(self.stream, sample, self.context.count_waiting)

    def _get_operating_hours(self) -> OperatingHours | None:
        first = next(iter(self.hours_by_choice.values()), None)
        return self.hours_by_choice.get(self.cleaned_data["clock"], first)

    def _get_moment(self) -> datetime:
        """As the administrator's clock tells it."""
        typed: datetime | None = self.cleaned_data["at"]
        zone: ZoneInfo = get_time_zone(self.cleaned_data["zone"] or timezone.get_current_timezone_name())
        return typed.replace(tzinfo=zone) if typed else timezone.now()


def _build_form_field(one: FieldDefinition) -> forms.CharField:
    field = forms.CharField(label=one.label, required=False, max_length=MAX_LENGTH_BY_TYPE.get(one.type, 1000))
    if one.name == "first_message":
        field.widget = forms.Textarea(attrs={"rows": 3})
    if one.name.startswith(CONTEXT_PREFIX):
        field.widget.attrs["placeholder"] = "As found in the first message"
    return field


def _get_hours_choice(clock: OperatingHours | None) -> str:
    return str(clock.pk) if clock else NO_HOURS_CHOICE


def _get_hours_label(clock: OperatingHours | None) -> str:
    return f"{clock} ({clock.time_zone})" if clock else "None: UTC"
