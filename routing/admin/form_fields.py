"""Form fields of the admin: time spans, presences, proficiencies, time zones, times and dates."""

import zoneinfo
from datetime import timedelta
from typing import Any

from django import forms

from routing.models import BasePresence, RatingModel

TIME_UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}
WRAP_UP_SECONDS = (30, 60, 120, 300, 600, 900, 1200, 1800, 2700, 3600)
# Above this many values, a proficiency is typed instead of chosen.
MAX_CHOICES = 20


def split_into_unit(time: timedelta) -> tuple[int, str]:
    """Return the time as a number and the largest fitting unit: `(24, "hours")`, `(90, "minutes")`."""
    for unit in ("days", "hours"):
        if time and not time % TIME_UNITS[unit] and (unit == "hours" or time > TIME_UNITS["days"]):
            return time // TIME_UNITS[unit], unit
    return time // TIME_UNITS["minutes"], "minutes"


class TimeSpanWidget(forms.MultiWidget):
    """A number and its unit."""

    def __init__(self, default_unit: str = "hours") -> None:
        self.default_unit = default_unit
        number = forms.NumberInput(attrs={"min": 1, "aria-label": "Number"})
        unit = forms.Select(choices=[(unit, unit) for unit in TIME_UNITS], attrs={"aria-label": "Unit"})
        super().__init__([number, unit])

    def decompress(self, value: timedelta | None) -> list[Any]:
        return list(split_into_unit(value)) if value is not None else [None, self.default_unit]


class TimeSpanField(forms.MultiValueField):
    """A time span, typed as a number and a unit; None if no number is typed."""

    def __init__(self, *, default_unit: str = "hours", **kwargs: Any) -> None:
        number = forms.IntegerField(min_value=1, max_value=100_000)
        units = forms.ChoiceField(choices=[(unit, unit) for unit in TIME_UNITS])
        super().__init__(fields=[number, units], widget=TimeSpanWidget(default_unit), **kwargs)

    def compress(self, data_list: list[Any]) -> timedelta | None:
        if not data_list or not data_list[0]:
            return None
        number, unit = data_list
        time: timedelta = number * TIME_UNITS[unit or self.widget.default_unit]
        return time


def get_base_presence_choices() -> list[tuple[str, str]]:
    """Return the base statuses to choose from; Inactive is set by the system only."""
    return [(str(value), str(label)) for value, label in BasePresence.choices if BasePresence(value).is_selectable]


def format_seconds(seconds: int) -> str:
    """Format a time span: `30 seconds`, `1 minute`, `60 minutes`."""
    if seconds % 60:
        return f"{seconds} seconds"
    return "1 minute" if seconds == 60 else f"{seconds // 60} minutes"


class WrapUpField(forms.TypedChoiceField):
    """How long wrap-up uses capacity: always, never or for a time; a custom stored time stays selectable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=self.get_choices(), coerce=int, empty_value=None, required=False, **kwargs)

    @staticmethod
    def get_choices(stored: int | None = None) -> list[tuple[str, str]]:
        times = sorted({*WRAP_UP_SECONDS, stored or WRAP_UP_SECONDS[0]})
        return [("", "Always block"), ("0", "Don't block"), *((str(time), format_seconds(time)) for time in times)]

    def include_stored_value(self, stored: int | None) -> None:
        self.choices = self.get_choices(stored)


def build_proficiency_field() -> forms.Field:
    """Return a field for a value of the rating model in use, with the names of the values."""
    scale = RatingModel.objects.filter(in_use=True).first() or RatingModel()
    if scale.max_value - scale.min_value >= MAX_CHOICES:
        return forms.IntegerField(label="Proficiency", min_value=scale.min_value, max_value=scale.max_value)
    names = dict(scale.values.values_list("value", "name")) if scale.pk else {}
    values = range(scale.min_value, scale.max_value + 1)
    choices = [(str(value), f"{value} – {names[value]}" if value in names else str(value)) for value in values]
    return forms.TypedChoiceField(
        label="Proficiency",
        choices=[("", "Choose"), *choices],
        coerce=int,
        error_messages={
            "invalid_choice": f"The rating model in use, {scale}, has values from {values[0]} to {values[-1]}."
        },
    )


def get_time_zone_choices() -> list[tuple[str, str]]:
    """Return the time zones that are named after a place, and UTC."""
    places = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [(name, name.replace("_", " ")) for name in ("UTC", *places)]


def time_input() -> forms.TimeInput:
    """Return the browser's input for a time of day."""
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


def date_input() -> forms.DateInput:
    """Return the browser's input for a date."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
