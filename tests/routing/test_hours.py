"""Operating hours across midnight, time zones, daylight saving time and holidays."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.models import OperatingHours
from routing.operating_hours import (
    OpenPeriod,
    WeeklySchedule,
    build_schedule,
    get_holiday_name,
    is_open,
    next_closing,
    next_opening,
)

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
MINUTE = dt.timedelta(minutes=1)


def parse_time(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


def make_hours(*periods: tuple[int, str, str], zone: ZoneInfo = BERLIN, **holidays: str) -> WeeklySchedule:
    """Return operating hours; holidays are keywords such as `d2026_12_25="Christmas"`."""
    days = {dt.date.fromisoformat(day[1:].replace("_", "-")): name for day, name in holidays.items()}
    return WeeklySchedule(
        tuple(OpenPeriod(day, parse_time(opens), parse_time(closes)) for day, opens, closes in periods), zone, days
    )


def make_office_hours(zone: ZoneInfo = BERLIN, **holidays: str) -> WeeklySchedule:
    """Return hours from Monday to Friday, 9:00 to 17:00."""
    return make_hours(*((day, "09:00", "17:00") for day in range(5)), zone=zone, **holidays)


def local_datetime(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 16:59:59", True),
        ("2026-11-23 17:00", False),
        ("2026-11-28 12:00", False),
    ],
)
def test_an_office_is_open_from_nine_until_just_before_five_on_work_days(at: str, expected: bool) -> None:
    assert is_open(make_office_hours(), local_datetime(at)) is expected


def test_without_hours_it_is_always_open() -> None:
    at = local_datetime("2026-11-28 03:00")
    assert (is_open(None, at), get_holiday_name(None, at), next_opening(None, at)) == (True, None, at)


def test_hours_use_their_own_time_zone() -> None:
    noon = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    assert (is_open(make_office_hours(BERLIN), noon), is_open(make_office_hours(NEW_YORK), noon)) == (True, False)
    assert is_open(make_office_hours(KOLKATA), dt.datetime(2026, 11, 23, 3, 29, tzinfo=dt.UTC)) is False
    assert is_open(make_office_hours(KOLKATA), dt.datetime(2026, 11, 23, 3, 30, tzinfo=dt.UTC)) is True


def test_the_day_is_the_one_of_the_hours_too() -> None:
    sunday_in_london = dt.datetime(2026, 11, 22, 22, 30, tzinfo=dt.UTC)
    assert is_open(make_hours((0, "00:00", "09:00"), zone=KOLKATA), sunday_in_london) is True


def test_midnight_as_the_end_is_the_end_of_the_day() -> None:
    late = make_hours((0, "20:00", "00:00"))
    assert is_open(late, local_datetime("2026-11-23 23:59:59")) is True
    assert is_open(late, local_datetime("2026-11-24 00:00")) is False


def test_a_period_until_two_at_night_ends_on_the_next_day() -> None:
    bar = make_hours((4, "21:00", "02:00"))
    moments = ("2026-11-27 20:59", "2026-11-27 21:00", "2026-11-28 00:00", "2026-11-28 01:59:59", "2026-11-28 02:00")
    assert [is_open(bar, local_datetime(at)) for at in moments] == [False, True, True, True, False]
    assert is_open(bar, local_datetime("2026-11-27 01:00")) is False
    assert next_opening(bar, local_datetime("2026-11-28 02:00")) == local_datetime("2026-12-04 21:00")


def test_sunday_night_continues_on_monday() -> None:
    bar = make_hours((6, "22:00", "06:00"))
    assert is_open(bar, local_datetime("2026-11-30 05:59")) is True
    assert is_open(bar, local_datetime("2026-11-30 06:00")) is False


def test_an_end_equal_to_the_start_is_a_whole_day_later() -> None:
    day = make_hours((0, "09:00", "09:00"))
    assert is_open(day, local_datetime("2026-11-24 08:59")) is True
    assert is_open(day, local_datetime("2026-11-24 09:00")) is False


def test_a_night_in_which_the_clock_goes_back_is_an_hour_longer() -> None:
    night = make_hours((5, "22:00", "04:00"))
    opens, closes = local_datetime("2026-10-24 22:00"), local_datetime("2026-10-25 04:00")
    assert closes.astimezone(dt.UTC) - opens.astimezone(dt.UTC) == dt.timedelta(hours=7)
    assert all(is_open(night, opens.astimezone(dt.UTC) + minutes * MINUTE) for minutes in range(0, 7 * 60, 10))
    assert is_open(night, closes) is False


def test_a_night_that_ends_in_the_hour_left_out_ends_when_the_clock_jumps() -> None:
    night = make_hours((5, "22:00", "02:30"))
    jump = dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC)
    assert is_open(night, jump - dt.timedelta(seconds=1)) is True
    assert is_open(night, jump) is False


def test_a_night_that_ends_in_the_hour_that_comes_twice_continues_in_the_second_one() -> None:
    night = make_hours((5, "22:00", "02:30"))
    assert is_open(night, local_datetime("2026-10-25 02:40")) is False
    assert is_open(night, local_datetime("2026-10-25 02:10", fold=1)) is True
    next_open = next_opening(night, local_datetime("2026-10-25 02:40"))
    assert next_open is not None
    assert next_open.astimezone(dt.UTC) == dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC)


def test_a_holiday_ends_the_night_before_and_cancels_its_own() -> None:
    bar = make_hours(*((day, "21:00", "02:00") for day in range(7)), d2026_12_25="Christmas Day")
    moments = ("2026-12-24 23:59:59", "2026-12-25 00:00", "2026-12-25 22:00", "2026-12-26 01:00", "2026-12-26 21:00")
    assert [is_open(bar, local_datetime(at)) for at in moments] == [True, False, False, False, True]
    assert next_opening(bar, local_datetime("2026-12-25 00:00")) == local_datetime("2026-12-26 21:00")


def test_it_opens_when_the_clock_jumps_over_midnight_after_a_holiday() -> None:
    beirut = ZoneInfo("Asia/Beirut")  # 2026-03-29 begins at 01:00
    hours = make_hours((6, "00:30", "08:00"), zone=beirut, d2026_03_28="Holiday")
    assert next_opening(hours, local_datetime("2026-03-28 12:00", beirut)) == local_datetime("2026-03-29 01:00", beirut)


def test_day_can_have_several_periods() -> None:
    shop = make_hours((0, "08:00", "12:00"), (0, "13:00", "18:00"))
    assert [is_open(shop, local_datetime(f"2026-11-23 {at}")) for at in ("11:59", "12:30", "13:00")] == [
        True,
        False,
        True,
    ]
    assert next_opening(shop, local_datetime("2026-11-23 12:30")) == local_datetime("2026-11-23 13:00")


def test_after_the_weekend_it_opens_on_monday() -> None:
    assert next_opening(make_office_hours(), local_datetime("2026-11-20 17:00")) == local_datetime("2026-11-23 09:00")
    assert next_opening(make_office_hours(), local_datetime("2026-11-23 10:00")) == local_datetime("2026-11-23 10:00")


def test_it_opens_at_nine_of_its_own_clock_after_the_clocks_are_changed() -> None:
    opening = next_opening(make_office_hours(), local_datetime("2026-03-27 18:00"))
    assert opening == dt.datetime(2026, 3, 30, 7, tzinfo=dt.UTC)
    assert opening.astimezone(BERLIN).hour == 9
    assert next_opening(make_office_hours(), local_datetime("2026-10-23 18:00")) == dt.datetime(
        2026, 10, 26, 8, tzinfo=dt.UTC
    )


def test_an_opening_in_the_hour_that_is_left_out_is_the_moment_the_clock_jumps() -> None:
    sunday = make_hours((6, "02:15", "09:00"))
    assert next_opening(sunday, local_datetime("2026-03-29 00:00")) == dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC)


def test_a_period_within_the_hour_that_is_left_out_does_not_happen() -> None:
    assert next_opening(make_hours((6, "02:15", "02:45")), local_datetime("2026-03-29 00:00")) == local_datetime(
        "2026-04-05 02:15"
    )


def test_in_the_hour_that_comes_twice_it_is_open_twice() -> None:
    sunday = make_hours((6, "01:30", "02:30"))
    assert is_open(sunday, local_datetime("2026-10-25 02:10")) is True
    assert is_open(sunday, local_datetime("2026-10-25 02:10", fold=1)) is True
    next_open = next_opening(sunday, local_datetime("2026-10-25 02:40"))
    assert next_open is not None
    assert next_open.astimezone(dt.UTC) == dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC)


def test_on_a_holiday_it_is_closed_all_day_and_says_which() -> None:
    christmas = make_office_hours(d2026_12_25="Christmas Day")
    assert is_open(christmas, local_datetime("2026-12-25 12:00")) is False
    assert get_holiday_name(christmas, local_datetime("2026-12-25 00:00")) == "Christmas Day"
    assert get_holiday_name(christmas, local_datetime("2026-12-26 00:00")) is None
    assert next_opening(christmas, local_datetime("2026-12-24 20:00")) == local_datetime("2026-12-28 09:00")


def test_a_holiday_is_over_at_midnight_of_its_own_time_zone() -> None:
    new_year = make_office_hours(KOLKATA, d2027_01_01="New Year")
    assert get_holiday_name(new_year, dt.datetime(2026, 12, 31, 18, 30, tzinfo=dt.UTC)) == "New Year"
    assert get_holiday_name(new_year, dt.datetime(2027, 1, 1, 18, 30, tzinfo=dt.UTC)) is None


def test_hours_without_a_period_never_open() -> None:
    assert next_opening(make_hours(), local_datetime("2026-11-23 10:00")) is None


@pytest.mark.django_db
def test_around_the_clock_means_every_day_but_holidays() -> None:
    hours = OperatingHours.objects.create(name="Support", always_open=True, time_zone="Europe/Berlin")
    hours.periods.create(weekday=0, opens=parse_time("09:00"), closes=parse_time("10:00"))
    hours.holidays.create(date=dt.date(2026, 12, 25), name="Christmas Day")
    values = build_schedule(hours)
    assert is_open(values, local_datetime("2026-11-28 03:00")) is True
    assert is_open(values, local_datetime("2026-12-25 12:00")) is False
    assert next_opening(values, local_datetime("2026-12-25 12:00")) == local_datetime("2026-12-26 00:00")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_a_time_zone_nobody_knows_counts_as_utc(name: str) -> None:
    values = build_schedule(OperatingHours.objects.create(name="Odd", always_open=True, time_zone=name))
    assert values is not None
    assert values.time_zone.key == "UTC"


zone_strategy = st.sampled_from(
    [BERLIN, NEW_YORK, KOLKATA, *map(ZoneInfo, ("UTC", "Australia/Lord_Howe", "Asia/Beirut"))]
)
time_strategy = st.builds(dt.time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
period_strategy = st.builds(OpenPeriod, st.integers(0, 6), time_strategy, time_strategy)
# At daylight saving changes and at any other time.
clock_change_nights = st.sampled_from(
    ["2026-03-08", "2026-03-28", "2026-03-29", "2026-04-05", "2026-10-25", "2026-11-01"]
)
holiday_strategy = st.dictionaries(clock_change_nights.map(dt.date.fromisoformat), st.just("Holiday"), max_size=3)
hours_strategy = st.builds(
    WeeklySchedule, st.lists(period_strategy, max_size=4).map(tuple), zone_strategy, holiday_strategy
)
clock_change_moments = st.builds(
    lambda day, minutes: local_datetime(day, ZoneInfo("UTC")) + minutes * MINUTE,
    clock_change_nights,
    st.integers(-600, 1800),
)
moment_strategy = clock_change_moments | st.datetimes(
    dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1), timezones=st.just(dt.UTC)
).map(lambda at: at.replace(second=0, microsecond=0))


@given(hours=hours_strategy, at=moment_strategy)
def test_at_its_next_opening_it_is_open_and_before_that_it_is_not(hours: WeeklySchedule, at: dt.datetime) -> None:
    opening = next_opening(hours, at)
    if opening is None:
        assert not hours.periods
        return
    assert opening >= at
    assert is_open(hours, opening)
    before = min(opening - at, dt.timedelta(hours=30)) // MINUTE
    earlier = (opening.astimezone(dt.UTC) - minutes * MINUTE for minutes in range(1, before + 1))
    assert not any(is_open(hours, moment) for moment in earlier)


@given(hours=hours_strategy, at=moment_strategy)
def test_at_its_next_closing_it_is_closed_and_before_that_it_is_open(hours: WeeklySchedule, at: dt.datetime) -> None:
    closing = next_closing(hours, at)
    limit = dt.timedelta(hours=30)
    before = limit if closing is None else min(closing - at, limit)
    assert all(is_open(hours, at + minutes * MINUTE) for minutes in range(before // MINUTE))
    if closing is not None:
        assert closing >= at
        assert not is_open(hours, closing)


@pytest.mark.parametrize(
    ("hours", "at", "closing"),
    [
        (make_office_hours(), "2026-11-27 10:00", "2026-11-27 17:00"),
        (make_office_hours(), "2026-11-27 17:00", "2026-11-27 17:00"),  # closed already
        (make_hours((4, "18:00", "00:00"), (5, "00:00", "03:00")), "2026-11-27 20:00", "2026-11-28 03:00"),
        (make_hours((4, "21:00", "02:00"), d2026_11_28="Fair"), "2026-11-27 22:00", "2026-11-28 00:00"),
        (make_hours(*((day, "00:00", "00:00") for day in range(7))), "2026-11-27 22:00", None),
    ],
)
def test_next_closing(hours: WeeklySchedule, at: str, closing: str | None) -> None:
    assert next_closing(hours, local_datetime(at)) == (local_datetime(closing) if closing else None)


@given(hours=hours_strategy, at=moment_strategy)
def test_whatever_the_time_zone_of_the_question_the_answer_is_the_same(hours: WeeklySchedule, at: dt.datetime) -> None:
    assert is_open(hours, at) == is_open(hours, at.astimezone(NEW_YORK)) == is_open(hours, at.astimezone(KOLKATA))
