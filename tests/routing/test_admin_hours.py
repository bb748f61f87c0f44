"""Operating hours in the administration."""

from datetime import date, time

import pytest

from routing.models import OperatingHours
from tests import builders
from tests.administration.people import page, rows, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


def period(day, opens, closes, **changed):
    return {"weekday": day, "opens": opens, "closes": closes, **changed}


def hours_form(*periods, holidays=(), **changed):
    form = {"name": "Office", "description": "", "time_zone": "Europe/Berlin"}
    return {**form, **rows("periods", *periods), **rows("holidays", *holidays), **changed}


def added(client, *periods, **changed):
    return client.post(page("routing_operatinghours", "add"), hours_form(*periods, **changed))


def test_hours_have_a_zone_periods_and_holidays(ada):
    holidays = [{"date": "2026-12-25", "name": "Christmas Day"}]
    added(ada, period(0, "09:00", "12:30"), period(0, "13:00", "17:30"), holidays=holidays)
    office = OperatingHours.objects.get()
    assert office.time_zone == "Europe/Berlin"
    assert [(one.opens, one.closes) for one in office.periods.all()] == [
        (time(9), time(12, 30)),
        (time(13), time(17, 30)),
    ]
    assert [day.date for day in office.holidays.all()] == [date(2026, 12, 25)]


@pytest.mark.parametrize("end", ["09:04", "09:00", "08:00"])
def test_a_period_of_less_than_five_minutes_is_refused_at_its_end(ada, end):
    response = added(ada, period(0, "09:00", end))
    assert "The end has to be at least five minutes after the start." in words(response)
    assert not OperatingHours.objects.exists()


@pytest.mark.parametrize(("start", "end"), [("09:00", "09:05"), ("23:55", "00:00"), ("00:00", "00:00")])
def test_five_minutes_are_enough_and_midnight_is_the_end_of_the_day(ada, start, end):
    added(ada, period(0, start, end))
    assert OperatingHours.objects.exists()


def test_periods_of_a_day_do_not_run_into_each_other(ada):
    response = added(ada, period(0, "13:00", "17:00"), period(0, "09:00", "13:30"), period(1, "13:00", "17:00"))
    assert "The period before it on this day has not ended yet." in words(response)
    assert not OperatingHours.objects.exists()


def test_never_open_is_refused_and_around_the_clock_needs_no_period(ada):
    assert "Add a period in which it is open, or tick 24/7." in words(added(ada))
    added(ada, always_open="on")
    assert OperatingHours.objects.get().always_open


def test_a_time_zone_that_does_not_exist_is_refused(ada):
    response = added(ada, period(0, "09:00", "17:00"), time_zone="Europe/Atlantis")
    assert "time_zone" in response.context["adminform"].form.errors


def test_the_same_holiday_twice_is_refused_in_words(ada):
    holidays = [{"date": "2026-12-25", "name": "One"}, {"date": "2026-12-25", "name": "Two"}]
    assert "listed twice" in words(added(ada, period(0, "09:00", "17:00"), holidays=holidays))


def test_hours_in_use_are_kept_and_say_by_what(ada):
    office = OperatingHours.objects.create(name="Office", always_open=True)
    orders = builders.queue("Orders")
    orders.operating_hours = office
    orders.save()
    assert "1 queue." in words(ada.get(page("routing_operatinghours", "delete", office.pk)))


def test_a_supervisor_looks_at_hours_and_changes_none():
    office, sam = OperatingHours.objects.create(name="Office", always_open=True), signed_in("Supervisor", "Sam")
    assert sam.get(page("routing_operatinghours", "change", office.pk)).status_code == 200
    assert sam.post(page("routing_operatinghours", "change", office.pk), hours_form()).status_code == 403
    assert sam.post(page("routing_operatinghours", "delete", office.pk), {"post": "yes"}).status_code == 403
    assert added(sam).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_strangers_have_no_way_in(role):
    assert added(signed_in(role), always_open="on").status_code == 302
    assert not OperatingHours.objects.exists()
