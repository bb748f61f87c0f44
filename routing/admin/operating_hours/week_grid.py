"""The week of operating hours as a grid: rows of days, bars on a 24-hour track, copying and overlaps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from django.http import QueryDict

from routing.models import Weekday

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
# A shorter bar has no room for its label.
MIN_LABELLED_MINUTES = 5 * 60
# A submit button of a day posts its weekday under this name.
COPY_FIELD = "_copy_day"
WORKDAYS, WEEKEND = (0, 1, 2, 3, 4), (5, 6)


def minutes_of(time_of_day: time) -> int:
    """Return the minutes since midnight."""
    return time_of_day.hour * 60 + time_of_day.minute


@dataclass(frozen=True)
class Period:
    """An opening period in minutes; an end at or before the start is on the next day."""

    weekday: int
    opens: time
    closes: time

    @property
    def start(self) -> int:
        """Minutes since Monday 00:00."""
        return self.weekday * DAY_MINUTES + minutes_of(self.opens)

    @property
    def length(self) -> int:
        """Minutes from start to end, 1 to 1440."""
        return (minutes_of(self.closes) - minutes_of(self.opens)) % DAY_MINUTES or DAY_MINUTES

    @property
    def end(self) -> int:
        """Minutes since Monday 00:00; above a week's minutes when the period ends on the next Monday."""
        return self.start + self.length

    @property
    def minutes_on_next_day(self) -> int:
        """Minutes after midnight at the end of the day on which the period begins."""
        return max(0, minutes_of(self.opens) + self.length - DAY_MINUTES)

    @property
    def label(self) -> str:
        end = "24:00" if self.closes == time() else f"{self.closes:%H:%M}"
        return f"{self.opens:%H:%M}–{end}"

    def __str__(self) -> str:
        return f"{Weekday(self.weekday).label} {self.label}"


def find_overlap(periods: Sequence[Period]) -> tuple[int, str] | None:
    """Return the position of a period that overlaps an earlier one, and what to do; None without overlaps.

    The week is a circle: Sunday night can overlap Monday morning.
    """
    order = sorted(range(len(periods)), key=lambda position: periods[position].start)
    if not order:
        return None
    # Start with the period that ends last: it can reach into the Monday of the next week.
    latest = max(order, key=lambda position: periods[position].end)
    earlier, end = latest, periods[latest].end - WEEK_MINUTES
    for position in order:
        period = periods[position]
        if period.start < end and position != earlier:
            return position, _describe_overlap(periods[earlier], period)
        if period.end > end:
            earlier, end = position, period.end
    return None


def _describe_overlap(earlier: Period, later: Period) -> str:
    overlap = f"Overlaps {earlier}."
    end_of_earlier = earlier.end % WEEK_MINUTES
    is_after_start = 0 <= (end_of_earlier - later.start) < later.length
    if not is_after_start or end_of_earlier // DAY_MINUTES != later.weekday:
        return f"{overlap} Change or remove one of the two."
    return f"{overlap} Start at {earlier.closes:%H:%M} or later."


@dataclass(frozen=True)
class Bar:
    """A piece of the track, in percent of the day."""

    start: float
    width: float
    label: str = ""
    # Whether the period began on the day before.
    is_continued: bool = False


@dataclass
class Day:
    """A row of the grid: the forms of a day and what is open on it."""

    weekday: Weekday
    forms: list[Any] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    continued: list[Period] = field(default_factory=list)

    @property
    def label(self) -> str:
        return str(self.weekday.label)

    @property
    def copy_label(self) -> str:
        return "Copy to Mon–Fri" if self.weekday in WORKDAYS else "Copy to Sat–Sun"

    @property
    def bars(self) -> Iterator[Bar]:
        """The pieces of the track: first those that continue from the day before."""
        for period in self.continued:
            label = f"until {period.closes:%H:%M}"
            yield _build_bar(0, period.minutes_on_next_day, label, is_continued=True)
        for period in sorted(self.periods, key=lambda each: each.opens):
            start = minutes_of(period.opens)
            is_overnight = period.minutes_on_next_day > 0
            label = f"{period.opens:%H:%M} →" if is_overnight else period.label
            yield _build_bar(start, min(period.length, DAY_MINUTES - start), label)


def _build_bar(start: int, length: int, label: str, *, is_continued: bool = False) -> Bar:
    shown_label = label if length >= MIN_LABELLED_MINUTES else ""
    return Bar(_percent(start), _percent(length), shown_label, is_continued=is_continued)


def _percent(minutes: int) -> float:
    return round(minutes * 100 / DAY_MINUTES, 3)


def build_days(forms: Sequence[Any], periods: Sequence[Period], weekday_of: Any) -> list[Day]:
    """Return the seven rows of the grid.

    Args:
        forms: the forms of all periods.
        periods: the periods that can be drawn.
        weekday_of: returns the weekday of a form.
    """
    days = [Day(weekday) for weekday in Weekday]
    for form in forms:
        days[weekday_of(form)].forms.append(form)
    for period in periods:
        days[period.weekday].periods.append(period)
        if period.minutes_on_next_day:
            days[(period.weekday + 1) % 7].continued.append(period)
    return days


def format_open_time(periods: Sequence[Period]) -> str:
    """Return the time that is open in a week: `50 h 30 min open`."""
    hours, minutes = divmod(sum(period.length for period in periods), 60)
    return f"{hours} h {minutes} min open" if minutes else f"{hours} h open"


# -- Copying a day ----------------------------------------------------------------------------------------------------


def get_copied_weekday(data: Any) -> int | None:
    """Return the weekday that a Copy button posted; None if the form was saved instead."""
    value = str(data.get(COPY_FIELD, ""))
    return int(value) if value in {str(day.value) for day in Weekday} else None


def copy_day(data: QueryDict, prefix: str, weekday: int) -> None:
    """Copy the times of a day to the other workdays, or to the other day of the weekend, in posted form data.

    Rows of the other days are reused in their order; rows that are left over are emptied, which removes them.
    """
    rows = [f"{prefix}-{number}" for number in range(_count_rows(data, prefix))]
    source = [
        (data.get(f"{row}-opens", ""), data.get(f"{row}-closes", ""))
        for row in rows
        if _is_used(data, row) and data.get(f"{row}-weekday") == str(weekday)
    ]
    for target in (day for day in (WORKDAYS if weekday in WORKDAYS else WEEKEND) if day != weekday):
        _set_times(data, prefix, target, source)


def _set_times(data: QueryDict, prefix: str, weekday: int, times: Sequence[tuple[str, str]]) -> None:
    rows = (f"{prefix}-{number}" for number in range(_count_rows(data, prefix)))
    targets = [row for row in rows if data.get(f"{row}-weekday") == str(weekday)]
    for number in range(max(len(times), len(targets))):
        row = targets[number] if number < len(targets) else _add_row(data, prefix, weekday)
        opens, closes = times[number] if number < len(times) else ("", "")
        data[f"{row}-opens"], data[f"{row}-closes"] = opens, closes
        data.pop(f"{row}-DELETE", None)


def _count_rows(data: QueryDict, prefix: str) -> int:
    count = data.get(f"{prefix}-TOTAL_FORMS") or ""
    # Rows beyond the limit of Django's formsets are not read either.
    return min(int(count), 1000) if count.isascii() and count.isdigit() else 0


def _is_used(data: QueryDict, row: str) -> bool:
    has_time = data.get(f"{row}-opens") or data.get(f"{row}-closes")
    return bool(has_time) and f"{row}-DELETE" not in data


def _add_row(data: QueryDict, prefix: str, weekday: int) -> str:
    count = _count_rows(data, prefix)
    data[f"{prefix}-TOTAL_FORMS"] = str(count + 1)
    data[f"{prefix}-{count}-weekday"] = str(weekday)
    return f"{prefix}-{count}"
