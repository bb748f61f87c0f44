"""Describe in words what saved operating hours mean in practice: now, next, on the next days, and who uses them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.contrib.admin import AdminSite
from django.db.models import PROTECT
from django.urls import reverse
from django.utils import formats

from routing.models import OperatingHours
from routing.operating_hours import WeeklySchedule, build_schedule, is_open, next_closing, next_opening

SHOWN_DAYS = 7
MAX_USAGES = 20
MOMENT_FORMAT, DAY_FORMAT = "D j M, H:i", "D j M"


@dataclass(frozen=True)
class DaySummary:
    """A day and what is open on it."""

    label: str
    text: str


@dataclass(frozen=True)
class Usage:
    """An object with these operating hours, and its page."""

    name: str
    url: str


@dataclass(frozen=True)
class HoursSummary:
    """The card on the page of operating hours; `then` and `next_holiday` are empty when nothing follows."""

    now: str
    then: str
    days: list[DaySummary]
    next_holiday: str
    usages: list[Usage]
    time_zone: str


def build_summary(hours: OperatingHours, site: AdminSite, at: datetime) -> HoursSummary:
    """Return what these operating hours mean at this moment."""
    schedule = build_schedule(hours)
    assert schedule is not None  # noqa: S101 (for the type checker: there are hours)
    now, then = _describe_now(schedule, at)
    today = at.astimezone(schedule.time_zone).date()
    return HoursSummary(
        now=now,
        then=then,
        days=[_describe_day(schedule, today + timedelta(days=number)) for number in range(SHOWN_DAYS)],
        next_holiday=_describe_next_holiday(schedule, today),
        usages=list(_iter_usages(hours, site)),
        time_zone=schedule.time_zone.key,
    )


def _describe_now(schedule: WeeklySchedule, at: datetime) -> tuple[str, str]:
    """Return the present state until it changes, and the change after that."""
    if is_open(schedule, at):
        closing = next_closing(schedule, at)
        if closing is None:
            return "Open, and never closed", ""
        reopening = next_opening(schedule, closing)
        return f"Open until {_format(closing)}", f"Open again {_format(reopening)}" if reopening else "Never open again"
    opening = next_opening(schedule, at)
    if opening is None:
        return "Closed, and never open", ""
    closing = next_closing(schedule, opening)
    return f"Closed until {_format(opening)}", f"Open until {_format(closing)}" if closing else "Never closed again"


def _format(moment: datetime) -> str:
    return formats.date_format(moment, MOMENT_FORMAT)


def _describe_day(schedule: WeeklySchedule, day: date) -> DaySummary:
    label = formats.date_format(day, DAY_FORMAT)
    if day in schedule.holidays:
        return DaySummary(label, f"Closed ({schedule.holidays[day]})")
    yesterday = day - timedelta(days=1)
    spans = [
        (time(), period.closes)
        for period in schedule.periods
        if period.ends_next_day and period.closes != time() and period.weekday == yesterday.weekday()
        if yesterday not in schedule.holidays
    ]
    spans += [
        (period.opens, time() if period.ends_next_day else period.closes)
        for period in schedule.periods
        if period.weekday == day.weekday()
    ]
    return DaySummary(label, ", ".join(_format_span(*span) for span in sorted(spans)) or "Closed")


def _format_span(opens: time, closes: time) -> str:
    return f"{opens:%H:%M}–{'24:00' if closes == time() else f'{closes:%H:%M}'}"


def _describe_next_holiday(schedule: WeeklySchedule, today: date) -> str:
    following = min((day for day in schedule.holidays if day >= today), default=None)
    return f"{formats.date_format(following, 'D j M Y')}, {schedule.holidays[following]}" if following else ""


def _iter_usages(hours: OperatingHours, site: AdminSite) -> Iterator[Usage]:
    """Yield the objects that refer to these operating hours, whatever their models, as far as they have a page."""
    for relation in hours._meta.related_objects:
        model = relation.related_model
        if relation.on_delete is PROTECT and not isinstance(model, str) and site.is_registered(model):
            view = f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
            for instance in model._base_manager.filter(**{relation.field.name: hours})[:MAX_USAGES]:
                yield Usage(str(instance), reverse(view, args=[instance.pk]))
