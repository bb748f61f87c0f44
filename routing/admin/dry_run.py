"""The “try it” box on a work stream's page: a form that runs the rules on a sample message."""

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
    """A sample message, its customer and its time: everything that rules can use."""

    prefix = "sample"

    at = forms.DateTimeField(
        label="Date and time",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    # The administrator's time zone, set by the page's script.
    zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    clock = forms.ChoiceField(label="Operating hours of the number", required=False)

    def __init__(self, stream: WorkStream, data: Any = None) -> None:
        super().__init__(data)
        self.stream, self.context = stream, dry_run_context()
        self.condition_fields = [
            definition for definition in get_available_fields(stream).values() if definition.group != FieldGroup.TIME
        ]
        self.fields |= {definition.name: _build_form_field(definition) for definition in self.condition_fields}
        for field in self.fields.values():
            field.widget.attrs |= {"form": "sample-form", "autocomplete": "off"}
        self.hours_by_choice = {_get_hours_choice(hours): hours for hours in self.context.operating_hours_of(stream)}
        self.fields["clock"].choices = [(name, _get_hours_label(hours)) for name, hours in self.hours_by_choice.items()]  # type: ignore[attr-defined]
        self.fields["at"].initial = timezone.localtime
        self.fields["zone"].initial = timezone.get_current_timezone_name()

    def get_field_groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """Yield the labels of the condition builder's groups, each with its fields."""
        for group in FieldGroup:
            names = [definition.name for definition in self.condition_fields if definition.group == group]
            if group == FieldGroup.TIME:
                names = ["at", "clock"]
            if names:
                yield str(group.label), [self[name] for name in names]

    @property
    def time_zone_name(self) -> str:
        """The time zone of the sample's time."""
        return str(self["zone"].value())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for definition in self.condition_fields:
            text = cleaned.get(definition.name)
            if definition.type == FieldType.NUMBER and text and parse_number(text) is None:
                self.add_error(definition.name, "Enter a number, for example 4711 or 12.50.")
        return cleaned

    def run(self) -> DryRunResult:
        """Run the work stream's rules on the sample."""
        facts = {definition.name: self.cleaned_data[definition.name] for definition in self.condition_fields}
        sample = DryRunInput(facts, self._get_moment(), self._get_operating_hours())
        return run_dry_run(self.stream, sample, self.context.count_waiting)

    def _get_operating_hours(self) -> OperatingHours | None:
        first = next(iter(self.hours_by_choice.values()), None)
        return self.hours_by_choice.get(self.cleaned_data["clock"], first)

    def _get_moment(self) -> datetime:
        """Return the typed time in the administrator's time zone; now if none is typed."""
        local_time: datetime | None = self.cleaned_data["at"]
        zone: ZoneInfo = get_time_zone(self.cleaned_data["zone"] or timezone.get_current_timezone_name())
        return local_time.replace(tzinfo=zone) if local_time else timezone.now()


def _build_form_field(definition: FieldDefinition) -> forms.CharField:
    field = forms.CharField(
        label=definition.label, required=False, max_length=MAX_LENGTH_BY_TYPE.get(definition.type, 1000)
    )
    if definition.name == "first_message":
        field.widget = forms.Textarea(attrs={"rows": 3})
    if definition.name.startswith(CONTEXT_PREFIX):
        field.widget.attrs["placeholder"] = "Extracted from the first message"
    return field


def _get_hours_choice(hours: OperatingHours | None) -> str:
    return str(hours.pk) if hours else NO_HOURS_CHOICE


def _get_hours_label(hours: OperatingHours | None) -> str:
    return f"{hours} ({hours.time_zone})" if hours else "None (UTC)"
