"""Public holidays of countries and their subdivisions, from the holidays library."""

import re
from datetime import date
from functools import cache

import holidays
from holidays.registry import COUNTRIES

from omnichannel.core.languages import language_name
from routing.models import Holiday, OperatingHours

NAME_LENGTH = 100


@cache
def get_countries() -> dict[str, str]:
    """Return the names of all countries by code, in alphabetical order."""
    names = {codes[1]: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", codes[0]) for codes in COUNTRIES.values()}
    return dict(sorted(names.items(), key=lambda item: item[1]))


def get_subdivisions(country: str) -> dict[str, str]:
    """Return the names of a country's subdivisions by code; the code stands for a name the library does not have."""
    calendar = holidays.country_holidays(country)
    names = {code: code for code in calendar.subdivisions}
    # A subdivision can have several names; the first is the official one.
    for name, code in reversed(calendar.subdivisions_aliases.items()):
        names[code] = name
    return dict(sorted(names.items(), key=lambda item: item[1]))


def get_languages(country: str) -> dict[str, str]:
    """Return the languages in which the country's holidays have names, by code; the country's own is first."""
    calendar = holidays.country_holidays(country)
    own = calendar.default_language or ""
    codes = [own, *(code for code in calendar.supported_languages if code != own)]
    return {code: language_name(code) or "English" for code in codes}


def get_public_holidays(country: str, subdivision: str, years: list[int], language: str) -> dict[date, str]:
    """Return the names of the public holidays by date, in order of the dates."""
    days = holidays.country_holidays(country, subdiv=subdivision or None, years=years, language=language or None)
    return {day: days[day][:NAME_LENGTH] for day in sorted(days)}


def add_holidays(hours: OperatingHours, names: dict[date, str]) -> int:
    """Add the dates that the operating hours do not list yet and return their number."""
    listed = set(hours.holidays.filter(date__in=names).values_list("date", flat=True))
    new = [Holiday(hours=hours, date=day, name=name) for day, name in names.items() if day not in listed]
    # Two people may import at the same time: the unique constraint decides.
    Holiday.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
