"""The admin of operating hours."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

import pytest
from django.test import Client

from routing.models import OperatingHours
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, inline_form_data, visible_text

pytestmark = pytest.mark.django_db


def period_form(day: int, opens: str, closes: str, **changed: Any) -> dict[str, Any]:
    return {"weekday": day, "opens": opens, "closes": closes, **changed}


def hours_form(*periods: dict[str, Any], holidays: Sequence[dict[str, Any]] = (), **changed: Any) -> dict[str, Any]:
    form = {"name": "Office", "description": "", "time_zone": "Europe/Berlin"}
    return {**form, **inline_form_data("periods", *periods), **inline_form_data("holidays", *holidays), **changed}


def post_new_hours(client: Client, *periods: dict[str, Any], **changed: Any) -> Any:
    return client.post(admin_url("routing_operatinghours", "add"), hours_form(*periods, **changed))


def test_hours_have_a_zone_periods_and_holidays(admin_client: UserClient) -> None:
    holidays = [{"date": "2026-12-25", "name": "Christmas Day"}]
    post_new_hours(admin_client, period_form(0, "09:00", "12:30"), period_form(0, "13:00", "17:30"), holidays=holidays)
    office = OperatingHours.objects.get()
    assert office.time_zone == "Europe/Berlin"
    assert [(period.opens, period.closes) for period in office.periods.all()] == [
        (time(9), time(12, 30)),
        (time(13), time(17, 30)),
    ]
    assert [day.date for day in office.holidays.all()] == [date(2026, 12, 25)]


@pytest.mark.parametrize("end", ["09:04", "09:00", "08:00"])
def test_a_period_of_less_than_five_minutes_is_refused_at_its_end(admin_client: UserClient, end: str) -> None:
    response = post_new_hours(admin_client, period_form(0, "09:00", end))
    assert "The end must be at least five minutes after the start." in visible_text(response)
    assert not OperatingHours.objects.exists()


@pytest.mark.parametrize(("start", "end"), [("09:00", "09:05"), ("23:55", "00:00"), ("00:00", "00:00")])
def test_five_minutes_are_enough_and_midnight_is_the_end_of_the_day(
    admin_client: UserClient, start: str, end: str
) -> None:
    post_new_hours(admin_client, period_form(0, start, end))
    assert OperatingHours.objects.exists()


def test_periods_of_a_day_do_not_run_into_each_other(admin_client: UserClient) -> None:
    response = post_new_hours(
        admin_client,
        period_form(0, "13:00", "17:00"),
        period_form(0, "09:00", "13:30"),
        period_form(1, "13:00", "17:00"),
    )
    assert "This period overlaps the previous one." in visible_text(response)
    assert not OperatingHours.objects.exists()


def test_never_open_is_refused_and_around_the_clock_needs_no_period(admin_client: UserClient) -> None:
    assert "Add working hours or select 24/7." in visible_text(post_new_hours(admin_client))
    post_new_hours(admin_client, always_open="on")
    assert OperatingHours.objects.get().always_open


def test_a_time_zone_that_does_not_exist_is_refused(admin_client: UserClient) -> None:
    response = post_new_hours(admin_client, period_form(0, "09:00", "17:00"), time_zone="Europe/Atlantis")
    assert "time_zone" in response.context["adminform"].form.errors


def test_the_same_holiday_twice_is_refused_in_words(admin_client: UserClient) -> None:
    holidays = [{"date": "2026-12-25", "name": "One"}, {"date": "2026-12-25", "name": "Two"}]
    assert "Duplicate entry" in visible_text(
        post_new_hours(admin_client, period_form(0, "09:00", "17:00"), holidays=holidays)
    )


def test_hours_in_use_cannot_be_deleted_and_list_their_uses(admin_client: UserClient) -> None:
    office = OperatingHours.objects.create(name="Office", always_open=True)
    orders = builders.create_queue("Orders")
    orders.operating_hours = office
    orders.save()
    assert "1 queue." in visible_text(admin_client.get(admin_url("routing_operatinghours", "delete", office.pk)))


def test_supervisor_views_hours_but_cannot_change_them() -> None:
    office, sam = (
        OperatingHours.objects.create(name="Office", always_open=True),
        create_signed_in_client("Supervisor", "Sam"),
    )
    assert sam.get(admin_url("routing_operatinghours", "change", office.pk)).status_code == 200
    assert sam.post(admin_url("routing_operatinghours", "change", office.pk), hours_form()).status_code == 403
    assert sam.post(admin_url("routing_operatinghours", "delete", office.pk), {"post": "yes"}).status_code == 403
    assert post_new_hours(sam).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_users_without_role_are_refused(role: str) -> None:
    assert post_new_hours(create_signed_in_client(role), always_open="on").status_code == 302
    assert not OperatingHours.objects.exists()
