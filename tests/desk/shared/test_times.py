"""Texts for the time left, for times and for days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from omnichannel.desk.shared.times import TimeLeft, format_day_heading, format_short_timestamp

NOW = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)  # A Wednesday.


@pytest.mark.parametrize(
    ("remaining", "short", "exact", "tone"),
    [
        (timedelta(hours=21, minutes=48), "21 h", "21 h 48 min", ""),
        (timedelta(hours=2), "2 h", "2 h", ""),
        (timedelta(hours=1, minutes=59, seconds=59), "1 h 59 min", "1 h 59 min", "soon"),
        (timedelta(minutes=30), "30 min", "30 min", "soon"),
        (timedelta(minutes=29, seconds=59), "29 min", "29 min", "urgent"),
        (timedelta(seconds=59), "under 1 min", "under 1 min", "urgent"),
        (timedelta(0), "under 1 min", "under 1 min", "urgent"),
        (-timedelta(seconds=1), "24 h over", "24 h over", "closed"),
        (-timedelta(days=9), "24 h over", "24 h over", "closed"),
    ],
)
def test_the_time_left_turns_amber_then_red_then_closed(
    remaining: timedelta, short: str, exact: str, tone: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        time_left = TimeLeft.until(NOW + remaining)
    assert (time_left.short_label, time_left.exact_label, time_left.urgency) == (short, exact, tone)


def test_without_a_message_from_the_customer_there_is_no_time() -> None:
    assert TimeLeft.until(None).is_over


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(hours=3), "09:00"),
        (timedelta(hours=13), "Yesterday"),
        (timedelta(days=5), "Fri"),
        (timedelta(days=20), "19 Feb"),
        (timedelta(days=90), "11 Dec 2025"),
        (-timedelta(hours=1), "13:00"),
    ],
)
def test_row_time_is_abbreviated(ago: timedelta, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert format_short_timestamp(NOW - ago) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(hours=1), "Today"),
        (timedelta(hours=13), "Yesterday"),
        (timedelta(days=8), "Tuesday, 3 March"),
        (timedelta(days=90), "Thursday, 11 December 2025"),
    ],
)
def test_a_day_has_its_name(ago: timedelta, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert format_day_heading(NOW - ago) == text


def test_days_are_those_of_where_the_agent_is() -> None:
    evening = datetime(2026, 3, 11, 16, 0, tzinfo=UTC)  # In Tokyo it is already the twelfth.
    with time_machine.travel(evening, tick=False), timezone.override(ZoneInfo("Asia/Tokyo")):
        assert format_day_heading(NOW) == "Yesterday"
        assert format_short_timestamp(evening) == "01:00"
