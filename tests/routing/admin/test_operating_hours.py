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


@pytest.mark.parametrize("end", ["09:04", "9:01"])
def test_a_period_of_less_than_five_minutes_is_refused_at_its_end(admin_client: UserClient, end: str) -> None:
    response = post_new_hours(admin_client, period_form(0, "09:00", end))
    assert "The end must be at least five minutes after the start." in visible_text(response)
    assert not OperatingHours.objects.exists()


@pytest.mark.parametrize(
    ("start", "end", "stored"),
    [
        ("09:00", "09:05", "Monday 09:00-09:05"),
        ("23:55", "00:00", "Monday 23:55-00:00"),
        ("18:00", "24:00", "Monday 18:00-00:00"),
        ("0", "24", "Monday 00:00-00:00"),
        ("9", "1730", "Monday 09:00-17:30"),
        ("9 am", "5:30 PM", "Monday 09:00-17:30"),
        ("21:00", "02:00", "Monday 21:00-02:00"),
    ],
)
def test_times_are_read_as_people_type_them(admin_client: UserClient, start: str, end: str, stored: str) -> None:
    post_new_hours(admin_client, period_form(0, start, end))
    assert [str(period) for period in OperatingHours.objects.get().periods.all()] == [stored]


@pytest.mark.parametrize("text", ["25:00", "24:01", "9:60", "13 pm", "noon", "-1", "٩:٠٠", "9:30:15", "\x00", "9" * 5])
def test_other_times_are_refused_in_words(admin_client: UserClient, text: str) -> None:
    response = post_new_hours(admin_client, period_form(0, text, "18:00"))
    assert "Enter a time from 00:00 to 24:00, such as 09:00." in visible_text(response)
    assert not OperatingHours.objects.exists()


def test_an_end_at_midnight_is_shown_as_24_and_a_start_at_24_is_refused(admin_client: UserClient) -> None:
    post_new_hours(admin_client, period_form(0, "18:00", "24:00"))
    page = admin_client.get(admin_url("routing_operatinghours", "change", OperatingHours.objects.get().pk))
    assert 'value="24:00"' in page.content.decode()
    response = post_new_hours(admin_client, period_form(0, "24:00", "02:00"), name="Other")
    assert "A day starts at 00:00." in visible_text(response)


def test_one_missing_time_is_asked_for_and_two_mean_no_period(admin_client: UserClient) -> None:
    assert "Enter a time." in visible_text(post_new_hours(admin_client, period_form(0, "09:00", "")))
    post_new_hours(admin_client, period_form(0, "09:00", "17:00"), period_form(1, "", ""))
    assert OperatingHours.objects.get().periods.count() == 1


def test_emptying_both_times_removes_a_period(admin_client: UserClient) -> None:
    office = OperatingHours.objects.create(name="Office", always_open=True)
    period = office.periods.create(weekday=0, opens=time(9), closes=time(17))
    row = {"id": period.pk, "hours": office.pk, **period_form(0, "", "")}
    admin_client.post(admin_url("routing_operatinghours", "change", office.pk), hours_form(row, always_open="on"))
    assert not office.periods.exists()


@pytest.mark.parametrize("weekday", ["", "7", "-1", "Monday"])
def test_a_weekday_that_does_not_exist_is_refused(admin_client: UserClient, weekday: str) -> None:
    assert post_new_hours(admin_client, period_form(0, "09:00", "17:00", weekday=weekday)).status_code == 200
    assert not OperatingHours.objects.exists()


def test_a_night_that_reaches_into_the_next_period_is_refused_at_its_start(admin_client: UserClient) -> None:
    response = post_new_hours(admin_client, period_form(4, "18:00", "02:00"), period_form(5, "00:30", "14:00"))
    assert "Overlaps Friday 18:00–02:00. Start at 02:00 or later." in visible_text(response)
    response = post_new_hours(admin_client, period_form(6, "22:00", "06:00"), period_form(0, "05:00", "14:00"))
    assert "Overlaps Sunday 22:00–06:00. Start at 06:00 or later." in visible_text(response)
    assert not OperatingHours.objects.exists()


def test_periods_that_touch_do_not_overlap(admin_client: UserClient) -> None:
    week = [period_form(day, "22:00", "22:00") for day in range(7)]
    post_new_hours(admin_client, *week, period_form(0, "", ""))
    assert OperatingHours.objects.get().periods.count() == 7


def test_a_period_within_another_is_refused(admin_client: UserClient) -> None:
    response = post_new_hours(admin_client, period_form(0, "08:00", "20:00"), period_form(0, "09:00", "10:00"))
    assert "Overlaps Monday 08:00–20:00. Change or remove one of the two." in visible_text(response)


def test_a_day_is_copied_to_the_other_workdays_and_saved_only_by_save(admin_client: UserClient) -> None:
    rows = [
        period_form(0, "09:00", "12:30"),
        period_form(0, "14:00", "18:00"),
        period_form(2, "10:00", "11:00"),
        period_form(5, "10:00", "11:00"),
    ]
    response = post_new_hours(admin_client, *rows, _copy_day="0")
    assert "Monday was copied." in visible_text(response)
    assert not OperatingHours.objects.exists()
    formset = response.context["inline_admin_formsets"][0].formset
    labels = [[period.label for period in day.periods] for day in formset.days]
    assert labels == [["09:00–12:30", "14:00–18:00"]] * 5 + [["10:00–11:00"], []]


@pytest.mark.parametrize("value", ["7", "x", "-1", "99999999999999999999"])
def test_a_copy_of_no_day_saves_the_form(admin_client: UserClient, value: str) -> None:
    post_new_hours(admin_client, period_form(0, "09:00", "17:00"), _copy_day=value)
    assert OperatingHours.objects.exists()


@pytest.mark.parametrize("count", ["", "x", "-1", "99999999"])
def test_a_copy_with_an_odd_number_of_rows_is_no_error(admin_client: UserClient, count: str) -> None:
    form = {"periods-TOTAL_FORMS": count}
    assert post_new_hours(admin_client, period_form(0, "9", "17"), _copy_day="0", **form).status_code == 200


def test_each_day_offers_an_empty_row_and_shows_the_night_before(admin_client: UserClient) -> None:
    post_new_hours(admin_client, period_form(4, "18:00", "06:00"))
    page = admin_client.get(admin_url("routing_operatinghours", "change", OperatingHours.objects.get().pk))
    days = page.context["inline_admin_formsets"][0].formset.days
    assert [len(day.forms) for day in days] == [1, 1, 1, 1, 2, 1, 1]
    assert [(bar.start, bar.width, bar.label) for day in days[4:6] for bar in day.bars] == [
        (75.0, 25.0, "18:00 →"),
        (0, 25.0, "until 06:00"),
    ]
    assert "12 h open" in visible_text(page)


def test_periods_of_a_day_do_not_run_into_each_other(admin_client: UserClient) -> None:
    response = post_new_hours(
        admin_client,
        period_form(0, "13:00", "17:00"),
        period_form(0, "09:00", "13:30"),
        period_form(1, "13:00", "17:00"),
    )
    assert "Overlaps Monday 09:00–13:30. Start at 13:30 or later." in visible_text(response)
    assert not OperatingHours.objects.exists()


def test_never_open_is_refused_and_around_the_clock_needs_no_period(admin_client: UserClient) -> None:
    assert "Add opening hours to a day, or select 24/7." in visible_text(post_new_hours(admin_client))
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
    office.periods.create(weekday=4, opens=time(18), closes=time(2))
    page = sam.get(admin_url("routing_operatinghours", "change", office.pk))
    assert "18:00–02:00" in visible_text(page)
    assert "Copy to" not in visible_text(page)
    assert sam.post(admin_url("routing_operatinghours", "change", office.pk), hours_form()).status_code == 403
    assert sam.post(admin_url("routing_operatinghours", "delete", office.pk), {"post": "yes"}).status_code == 403
    assert post_new_hours(sam).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_users_without_role_are_refused(role: str) -> None:
    assert post_new_hours(create_signed_in_client(role), always_open="on").status_code == 302
    assert not OperatingHours.objects.exists()
