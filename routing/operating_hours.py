"""Compute with operating hours: is it open, when does it open next, is it a holiday?

All functions take values; only `build_schedule` reads the database. Without operating hours it is always open.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing.models import OperatingHours

MIDNIGHT = time(0)
SECOND = timedelta(seconds=1)
MAX_DAYS_AHEAD = 400  # if it is closed for longer, there is no next opening


@dataclass(frozen=True)
class OpenPeriod:
    """Open on a weekday from `opens` until just before `closes`; midnight as the end ends the day."""

    weekday: int
    opens: time
    closes: time

    def contains(self, local: datetime) -> bool:
        """Return whether the local time is in this period."""
        time_of_day = local.time()
        is_over = self.closes != MIDNIGHT and time_of_day >= self.closes
        return self.weekday == local.weekday() and self.opens <= time_of_day and not is_over


ALWAYS_OPEN_PERIODS = tuple(OpenPeriod(day, MIDNIGHT, MIDNIGHT) for day in range(7))


@dataclass(frozen=True)
class WeeklySchedule:
    """The opening periods of a week in a time zone, and the holidays."""

    periods: Sequence[OpenPeriod] = ALWAYS_OPEN_PERIODS
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    holidays: Mapping[date, str] = field(default_factory=dict)


def get_time_zone(name: str) -> ZoneInfo:
    """Return the time zone of this name; UTC for an unknown name."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # KeyError: unknown name; the others: malformed name
        return ZoneInfo("UTC")


def build_schedule(hours: OperatingHours | None) -> WeeklySchedule | None:
    """Return the schedule of these operating hours; None, which is always open, without any."""
    if hours is None:
        return None
    periods = tuple(OpenPeriod(period.weekday, period.opens, period.closes) for period in hours.periods.all())
    return WeeklySchedule(
        periods=ALWAYS_OPEN_PERIODS if hours.always_open else periods,
        time_zone=get_time_zone(hours.time_zone),
        holidays={holiday.date: holiday.name for holiday in hours.holidays.all()},
    )


def is_open(hours: WeeklySchedule | None, at: datetime) -> bool:
    """Return whether it is open at this moment."""
    if hours is None:
        return True
    local = at.astimezone(hours.time_zone)
    return local.date() not in hours.holidays and any(period.contains(local) for period in hours.periods)


def get_holiday_name(hours: WeeklySchedule | None, at: datetime) -> str | None:
    """Return the name of the holiday at this moment; None on any other day."""
    return hours.holidays.get(at.astimezone(hours.time_zone).date()) if hours else None


def next_opening(hours: WeeklySchedule | None, at: datetime) -> datetime | None:
    """Return the first moment at or after `at` at which it is open; None if it never opens again.

    The moment is given in the time zone of the schedule.
    """
    if hours is None or is_open(hours, at):
        return at.astimezone(hours.time_zone) if hours else at
    today = at.astimezone(hours.time_zone).date()
    # Starts with yesterday: where the clock goes back at midnight, the end of yesterday repeats.
    for days in range(-1, MAX_DAYS_AHEAD):
        moments = (moment for moment in _get_possible_openings(hours, today + timedelta(days=days)) if moment >= at)
        opening = min((moment for moment in moments if is_open(hours, moment)), default=None)
        if opening is not None:
            return opening.astimezone(hours.time_zone)
    return None


def _get_possible_openings(hours: WeeklySchedule, day: date) -> Iterator[datetime]:
    """Yield the day's moments at which it may open: the starts of periods, and a clock change."""
    if day in hours.holidays:
        return
    for period in hours.periods:
        if period.weekday == day.weekday():
            for fold in (0, 1):  # an hour that comes twice opens twice
                yield datetime.combine(day, period.opens, hours.time_zone).replace(fold=fold).astimezone(UTC)
    start, end = (datetime.combine(day + timedelta(days=n), MIDNIGHT, hours.time_zone).astimezone(UTC) for n in (0, 1))
    if _offset(start, hours.time_zone) != _offset(end, hours.time_zone):
        yield _clock_change(start, end, hours.time_zone)


def _clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second with another UTC offset than `before`."""
    while after - before > SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        before, after = (middle, after) if _offset(middle, zone) == _offset(before, zone) else (before, middle)
    return after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
