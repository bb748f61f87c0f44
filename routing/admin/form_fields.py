"""Form fields of the admin: time spans, presences, proficiencies, time zones, times and dates."""

import re
import zoneinfo
from datetime import time, timedelta
from typing import Any

from django import forms

from routing.models import BasePresence, RatingModel

TIME_UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}
WRAP_UP_SECONDS = (30, 60, 120, 300, 600, 900, 1200, 1800, 2700, 3600)
# Above this many values, a proficiency is typed instead of chosen.
MAX_CHOICES = 20


def split_into_unit(span: timedelta) -> tuple[int, str]:
    """Return the time span as a number and the largest fitting unit: `(24, "hours")`, `(90, "minutes")`."""
    for unit in ("days", "hours"):
        if span and not span % TIME_UNITS[unit] and (unit == "hours" or span > TIME_UNITS["days"]):
            return span // TIME_UNITS[unit], unit
    return span // TIME_UNITS["minutes"], "minutes"


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
        span: timedelta = number * TIME_UNITS[unit or self.widget.default_unit]
        return span


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
        spans = sorted({*WRAP_UP_SECONDS, stored or WRAP_UP_SECONDS[0]})
        return [("", "Always block"), ("0", "Don't block"), *((str(span), format_seconds(span)) for span in spans)]

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


TIME_OF_DAY = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.h]?(?P<minute>[0-9]{2}))?(?::00)?\s*(?P<half>am|pm)?", re.IGNORECASE
)


def parse_time_of_day(text: str) -> timedelta | None:
    """Return the time since midnight for `9`, `930`, `9:30`, `9:30 pm` or `24:00`; None for anything else."""
    match = TIME_OF_DAY.fullmatch(text.strip())
    if match is None:
        return None
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), (match["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    span = timedelta(hours=hour, minutes=minute)
    return span if minute < 60 and span <= timedelta(days=1) else None


class TimeOfDayField(forms.Field):
    """A time of day as people type it, with minutes; 24:00 is a valid end and is stored as midnight."""

    widget = forms.TextInput
    default_error_messages = {
        "required": "Enter a time.",
        "invalid": "Enter a time from 00:00 to 24:00, such as 09:00.",
        "not_a_start": "A day starts at 00:00. Enter the time in the row of the next day.",
    }

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        self.is_end = is_end
        super().__init__(**kwargs)
        self.widget.attrs |= {"inputmode": "text", "autocomplete": "off", "maxlength": 8, "placeholder": "00:00"}

    def to_python(self, value: Any) -> time | None:
        if isinstance(value, time):
            return value
        if value in self.empty_values:
            return None
        span = parse_time_of_day(str(value))
        if span is None:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        if span == timedelta(days=1):
            if not self.is_end:
                raise forms.ValidationError(self.error_messages["not_a_start"], "not_a_start")
            return time()
        return time(span.seconds // 3600, span.seconds // 60 % 60)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, time):
            return value
        return "24:00" if self.is_end and value == time() else f"{value:%H:%M}"


def date_input() -> forms.DateInput:
    """Return the browser's input for a date."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
