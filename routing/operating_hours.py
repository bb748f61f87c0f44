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
    """Open from `opens` on a weekday until just before `closes`; an end at or before the start is on the next day."""

    weekday: int
    opens: time
    closes: time

    @property
    def ends_next_day(self) -> bool:
        """Return whether the end is on the day after the start; midnight is the first moment of the next day."""
        return self.closes <= self.opens

    def contains(self, weekday: int, time_of_day: time) -> bool:
        """Return whether the period includes this time on the day on which it begins."""
        return (
            self.weekday == weekday and self.opens <= time_of_day and (self.ends_next_day or time_of_day < self.closes)
        )

    def continues_until(self, weekday: int, time_of_day: time) -> bool:
        """Return whether the period began on the day before and still includes this time."""
        return self.ends_next_day and self.weekday == (weekday - 1) % 7 and time_of_day < self.closes


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
    """Return whether it is open at this moment.

    A holiday is closed from midnight to midnight. A period that begins on a holiday does not take place, so nothing of
    it is left on the next day either.
    """
    if hours is None:
        return True
    local = at.astimezone(hours.time_zone)
    day, time_of_day = local.date(), local.time()
    if day in hours.holidays:
        return False
    if any(period.contains(day.weekday(), time_of_day) for period in hours.periods):
        return True
    return day - timedelta(days=1) not in hours.holidays and any(
        period.continues_until(day.weekday(), time_of_day) for period in hours.periods
    )


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


def next_closing(hours: WeeklySchedule | None, at: datetime) -> datetime | None:
    """Return the first moment at or after `at` at which it is closed; None if it never closes.

    The moment is given in the time zone of the schedule.
    """
    if hours is None or not is_open(hours, at):
        return at.astimezone(hours.time_zone) if hours else None
    today = at.astimezone(hours.time_zone).date()
    for days in range(-1, MAX_DAYS_AHEAD):
        moments = (moment for moment in _get_possible_closings(hours, today + timedelta(days=days)) if moment >= at)
        closing = min((moment for moment in moments if not is_open(hours, moment)), default=None)
        if closing is not None:
            return closing.astimezone(hours.time_zone)
    return None


def _get_possible_closings(hours: WeeklySchedule, day: date) -> Iterator[datetime]:
    """Yield the day's moments at which it may close: its start, the ends of periods, and a clock change."""
    start, end = (datetime.combine(day + timedelta(days=n), MIDNIGHT, hours.time_zone).astimezone(UTC) for n in (0, 1))
    yield start
    for closes in {period.closes for period in hours.periods}:
        for fold in (0, 1):
            yield datetime.combine(day, closes, hours.time_zone).replace(fold=fold).astimezone(UTC)
    if _offset(start, hours.time_zone) != _offset(end, hours.time_zone):
        yield _clock_change(start, end, hours.time_zone)


def _get_possible_openings(hours: WeeklySchedule, day: date) -> Iterator[datetime]:
    """Yield the day's moments at which it may open: the starts of periods, and a clock change.

    The end of an overnight period needs none: it follows an open evening, or is closed with a holiday.
    """
    for period in hours.periods:
        if period.weekday == day.weekday() and day not in hours.holidays:
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
