"""The card that says in words what operating hours mean in practice."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin

from routing.admin.operating_hours.summary import HoursSummary, build_summary
from routing.models import OperatingHours
from tests import builders
from tests.admin_client import UserClient, admin_url, visible_text

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


def create_hours(*periods: tuple[int, str, str], **fields: object) -> OperatingHours:
    hours = OperatingHours.objects.create(**{"name": "Office", "time_zone": "Europe/Berlin", **fields})
    for weekday, opens, closes in periods:
        hours.periods.create(weekday=weekday, opens=dt.time.fromisoformat(opens), closes=dt.time.fromisoformat(closes))
    return hours


def summarize(hours: OperatingHours, at: str) -> HoursSummary:
    return build_summary(hours, admin.site, dt.datetime.fromisoformat(at).replace(tzinfo=BERLIN))


def test_the_next_days_are_described_with_nights_and_holidays() -> None:
    hours = create_hours((3, "09:00", "18:00"), (4, "18:00", "02:00"), (5, "10:00", "00:00"))
    hours.holidays.create(date="2026-12-03", name="Fair")
    summary = summarize(hours, "2026-11-27 20:00")  # a Friday
    assert summary.now == "Open until Sat 28 Nov, 02:00"
    assert summary.then == "Open again Sat 28 Nov, 10:00"
    assert [f"{day.label}: {day.text}" for day in summary.days] == [
        "Fri 27 Nov: 18:00–24:00",
        "Sat 28 Nov: 00:00–02:00, 10:00–24:00",
        "Sun 29 Nov: Closed",
        "Mon 30 Nov: Closed",
        "Tue 1 Dec: Closed",
        "Wed 2 Dec: Closed",
        "Thu 3 Dec: Closed (Fair)",
    ]
    assert summary.next_holiday == "Thu 3 Dec 2026, Fair"


def test_a_night_after_a_holiday_is_closed() -> None:
    hours = create_hours((4, "18:00", "02:00"))
    hours.holidays.create(date="2026-11-27", name="Fair")
    summary = summarize(hours, "2026-11-27 20:00")
    assert (summary.now, summary.then) == ("Closed until Fri 4 Dec, 18:00", "Open until Sat 5 Dec, 02:00")
    assert [day.text for day in summary.days[:2]] == ["Closed (Fair)", "Closed"]


@pytest.mark.parametrize(
    ("fields", "holiday", "now", "then"),
    [
        ({"always_open": True}, "", "Open, and never closed", ""),
        (
            {"always_open": True},
            "2026-12-25",
            "Open until Fri 25 Dec, 00:00",
            "Open again Sat 26 Dec, 00:00",
        ),
        ({"always_open": True}, "2026-11-27", "Closed until Sat 28 Nov, 00:00", "Never closed again"),
        ({}, "", "Closed, and never open", ""),
    ],
)
def test_hours_that_never_change_say_so(fields: dict[str, object], holiday: str, now: str, then: str) -> None:
    hours = create_hours(**fields)
    if holiday:
        hours.holidays.create(date=holiday, name="Holiday")
    summary = summarize(hours, "2026-11-27 20:00")
    assert (summary.now, summary.then) == (now, then)


def test_the_page_links_to_the_queues_and_numbers_with_these_hours(admin_client: UserClient) -> None:
    hours = create_hours((0, "09:00", "17:00"))
    url = admin_url("routing_operatinghours", "change", hours.pk)
    assert "Used by Nothing yet." in visible_text(admin_client.get(url))
    queue, number = builders.create_queue("Complaints"), builders.create_number(name="Shop", operating_hours=hours)
    queue.operating_hours = hours
    queue.save()
    page = admin_client.get(url).content.decode()
    assert f'<a href="{admin_url("routing_queue", "change", queue.pk)}">Complaints</a>' in page
    assert f'<a href="{admin_url("channels_whatsapp_whatsappnumber", "change", number.pk)}">{number}</a>' in page


def test_new_hours_have_no_summary(admin_client: UserClient) -> None:
    assert "In practice" not in visible_text(admin_client.get(admin_url("routing_operatinghours", "add")))
