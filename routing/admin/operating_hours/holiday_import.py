"""The page that adds public holidays to operating hours: choose a country, preview, add."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django import forms
from django.utils import timezone

from routing.holiday_calendar import get_countries, get_languages, get_public_holidays, get_subdivisions
from routing.models import OperatingHours

YEARS_AHEAD = 4


class CountryForm(forms.Form):
    """The country, its subdivision, the years, and the language of the names."""

    country = forms.ChoiceField(choices=lambda: [("", "Choose a country"), *get_countries().items()])
    subdivision = forms.ChoiceField(required=False, label="State or region")
    years = forms.TypedMultipleChoiceField(coerce=int, widget=forms.CheckboxSelectMultiple)
    language = forms.ChoiceField(required=False, label="Language of the names")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        this_year = timezone.localdate().year
        self._set_choices("years", [(year, str(year)) for year in range(this_year, this_year + YEARS_AHEAD)])
        self.fields["years"].initial = [this_year, this_year + 1]
        if self.selected_country:
            subdivisions = get_subdivisions(self.selected_country)
            self._set_choices("subdivision", [("", "Whole country"), *subdivisions.items()])
            self._set_choices("language", list(get_languages(self.selected_country).items()))
        else:
            del self.fields["subdivision"], self.fields["language"]

    def _set_choices(self, name: str, choices: list[tuple[Any, str]]) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = choices

    @property
    def selected_country(self) -> str:
        """The code of the country; empty until a country of the list is chosen."""
        code = str(self["country"].value() or "")
        return code if code in get_countries() else ""

    def get_holidays(self) -> dict[date, str]:
        """Return the public holidays of the valid form by date, without those that are over."""
        values = self.cleaned_data
        names = get_public_holidays(
            self.selected_country, values["subdivision"], sorted(values["years"]), values["language"]
        )
        return {day: name for day, name in names.items() if day >= timezone.localdate()}


@dataclass(frozen=True)
class PreviewRow:
    """A public holiday in the preview."""

    date: date
    name: str
    # The name under which the date is listed already; empty for a new one.
    listed_as: str


def build_preview(hours: OperatingHours, names: Mapping[date, str]) -> list[PreviewRow]:
    """Return the public holidays, each with what the operating hours list on that date already."""
    listed = dict(hours.holidays.filter(date__in=names).values_list("date", "name"))
    return [PreviewRow(day, name, listed.get(day, "")) for day, name in names.items()]


def select_holidays(names: Mapping[date, str], selected: list[str]) -> dict[date, str]:
    """Return the holidays with the selected dates, given as `2026-12-25`; other values are ignored."""
    dates = set(selected)
    return {day: name for day, name in names.items() if day.isoformat() in dates}
