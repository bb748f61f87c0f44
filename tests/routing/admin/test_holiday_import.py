"""Adding public holidays to operating hours."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from routing.holiday_calendar import get_countries, get_languages, get_public_holidays, get_subdivisions
from routing.models import OperatingHours
from tests.admin_client import UserClient, create_signed_in_client, visible_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("november_2026")]

BERLIN = {"country": "DE", "subdivision": "BE", "years": ["2026", "2027"], "language": "de"}
CHRISTMAS = date(2026, 12, 25)


@pytest.fixture
def november_2026() -> Iterator[None]:
    with time_machine.travel("2026-11-28 12:00Z", tick=False):
        yield


@pytest.fixture
def office() -> OperatingHours:
    return OperatingHours.objects.create(name="Office", always_open=True, time_zone="Europe/Berlin")


def import_url(hours: OperatingHours) -> str:
    return reverse("admin:routing_operatinghours_holidays", args=[hours.pk])


def post_import(client: Client, hours: OperatingHours, *dates: str, **changed: object) -> Any:
    values: dict[str, Any] = {**BERLIN, **changed}
    url = client.get(import_url(hours), values).wsgi_request.get_full_path()
    return client.post(url, {"date": dates})


def test_a_preview_lists_the_holidays_of_the_region_and_saves_nothing(
    admin_client: UserClient, office: OperatingHours
) -> None:
    text = visible_text(admin_client.get(import_url(office), BERLIN))
    assert "Fri 25 Dec 2026 Erster Weihnachtstag" in text
    assert "Mon 8 Mar 2027 Frauentag" in text  # in Berlin only
    assert "3 Oct 2026" not in text  # over
    assert "Frauentag" not in visible_text(admin_client.get(import_url(office), {**BERLIN, "subdivision": ""}))
    assert not office.holidays.exists()


def test_only_selected_dates_are_added_and_can_be_edited(admin_client: UserClient, office: OperatingHours) -> None:
    post_import(admin_client, office, "2026-12-25", "2027-01-01")
    assert [day.date for day in office.holidays.all()] == [CHRISTMAS, date(2027, 1, 1)]
    page = admin_client.get(reverse("admin:routing_operatinghours_change", args=[office.pk]))
    assert 'value="2026-12-25"' in page.content.decode()
    assert LogEntry.objects.get().change_message == "Added 2 public holidays."


def test_a_date_is_never_added_twice_and_own_names_stay(admin_client: UserClient, office: OperatingHours) -> None:
    office.holidays.create(date=CHRISTMAS, name="Closed for Christmas")
    assert "Already listed as “Closed for Christmas”" in visible_text(admin_client.get(import_url(office), BERLIN))
    for _ in range(2):
        post_import(admin_client, office, "2026-12-25", "2026-12-26")
    assert [day.name for day in office.holidays.all()][0] == "Closed for Christmas"
    assert office.holidays.count() == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"country": "XX"},
        {"country": ""},
        {"subdivision": "CA"},
        {"years": ["1900"]},
        {"years": []},
        {"years": ["x"]},
        {"language": "xx"},
        {"country": "\x00"},
    ],
)
def test_an_unknown_choice_shows_an_error_and_adds_nothing(
    admin_client: UserClient, office: OperatingHours, changed: dict[str, object]
) -> None:
    response = post_import(admin_client, office, "2026-12-25", **changed)
    assert response.status_code == 200
    assert not office.holidays.exists()


def test_dates_that_are_no_public_holidays_are_not_added(admin_client: UserClient, office: OperatingHours) -> None:
    post_import(admin_client, office, "2026-12-24", "x", "")
    assert not office.holidays.exists()


def test_a_country_without_regions_can_be_chosen(admin_client: UserClient, office: OperatingHours) -> None:
    page = admin_client.get(import_url(office), {"country": "SE", "years": "2026"})
    assert "Christmas" in visible_text(page) or "Juldagen" in visible_text(page)


def test_each_country_has_a_name_and_a_calendar() -> None:
    countries = get_countries()
    assert countries["US"] == "United States"
    for code in list(countries)[::20]:
        language = next(iter(get_languages(code)))
        assert get_subdivisions(code) is not None
        assert all(len(name) <= 100 for name in get_public_holidays(code, "", [2026], language).values())


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_add_holidays(role: str, office: OperatingHours) -> None:
    client = create_signed_in_client(role)
    url = f"{import_url(office)}?country=DE&years=2026"
    expected = 403 if role == "Supervisor" else 302
    assert client.get(url).status_code == expected
    assert client.post(url, {"date": "2026-12-25"}).status_code == expected
    assert not office.holidays.exists()


def test_a_stranger_is_sent_to_sign_in(office: OperatingHours) -> None:
    response = Client().post(f"{import_url(office)}?country=DE&years=2026", {"date": "2026-12-25"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("object_id", ["999999", "x", "99999999999999999999999"])
def test_operating_hours_that_do_not_exist_are_not_found(admin_client: UserClient, object_id: str) -> None:
    assert admin_client.get(f"/admin/routing/operatinghours/{object_id}/holidays/").status_code == 404
