"""Opening hours: whether it is open, when it opens next, whether it is a holiday.

Everything here works on values; `of` reads them from the database. Without hours it is always open.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing.models import OperatingHours

MIDNIGHT = time(0)
SECOND = timedelta(seconds=1)
MAX_DAYS_AHEAD = 400  # days; whoever is closed for longer has no next opening


@dataclass(frozen=True)
class OpenPeriod:
    """Open on one weekday from `opens` until just before `closes`; midnight as the end is the end of the day."""

    weekday: int
    opens: time
    closes: time

    def contains(self, local: datetime) -> bool:
        """Whether the clock on the wall shows a time of this period."""
        shown = local.time()
        is_over = self.closes != MIDNIGHT and shown >= self.closes
        return self.weekday == local.weekday() and self.opens <= shown and not is_over


ALWAYS_OPEN_PERIODS = tuple(OpenPeriod(day, MIDNIGHT, MIDNIGHT) for day in range(7))


@dataclass(frozen=True)
class WeeklySchedule:
    """The opening times of a week in one time zone, and the days on which they do not hold."""

    periods: Sequence[OpenPeriod] = ALWAYS_OPEN_PERIODS
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    holidays: Mapping[date, str] = field(default_factory=dict)


def get_time_zone(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # KeyError: not found; the others: not even a name
        return ZoneInfo("UTC")


def build_schedule(hours: OperatingHours | None) -> WeeklySchedule | None:
    """The values of these operating hours; None, always open, where there are none."""
    if hours is None:
        return None
    own = tuple(OpenPeriod(one.weekday, one.opens, one.closes) for one in hours.periods.all())
    return WeeklySchedule(
        periods=ALWAYS_OPEN_PERIODS if hours.always_open else own,
        time_zone=get_time_zone(hours.time_zone),
        holidays={one.date: one.name for one in hours.holidays.all()},
    )


def is_open(hours: WeeklySchedule | None, at: datetime) -> bool:
    """Whether it is open at this moment."""
    if hours is None:
        return True
    local = at.astimezone(hours.time_zone)
    return local.date() not in hours.holidays and any(period.contains(local) for period in hours.periods)


def get_holiday_name(hours: WeeklySchedule | None, at: datetime) -> str | None:
    """The name of the holiday that it is there at this moment; None on any other day."""
    return hours.holidays.get(at.astimezone(hours.time_zone).date()) if hours else None


def next_opening(hours: WeeklySchedule | None, at: datetime) -> datetime | None:
    """The first moment from `at` on at which it is open, `at` itself where it is; None when it never opens again.

    The moment is given in the time zone of the hours.
    """
    if hours is None or is_open(hours, at):
        return at.astimezone(hours.time_zone) if hours else at
    today = at.astimezone(hours.time_zone).date()
    # Yesterday too: where the clock goes back at midnight, a bit of yesterday comes again.
    for ahead in range(-1, MAX_DAYS_AHEAD):
        moments = (moment for moment in _get_possible_openings(hours, today + timedelta(days=ahead)) if moment >= at)
        opening = min((moment for moment in moments if is_open(hours, moment)), default=None)
        if opening is not None:
            return opening.astimezone(hours.time_zone)
    return None


def _get_possible_openings(hours: WeeklySchedule, day: date) -> Iterator[datetime]:
    """The moments of this day at which it may open: its periods' beginnings, and where the clock is changed."""
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
    """The first second with another offset than `before`'s."""
    while after - before > SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        before, after = (middle, after) if _offset(middle, zone) == _offset(before, zone) else (before, middle)
    return after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
