"""Preferences of users: theme, language, behavior and password."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.accounts.models import User
from omnichannel.conversations.models import DeskPreferences
from tests.desk.scenario import DeskScenario, client_for, compact

pytestmark = pytest.mark.django_db

PAGE_URL_NAMES = ["preferences", "password"]
PREFERENCES_FORM = {
    "theme": "dark",
    "language": "de",
    "send_key": "ctrl_enter",
    "can_undo_sending": "on",
    "shows_notifications": "on",
}


def get_page(client: Client, path: str = "/desk/", **headers: str) -> str:
    return client.get(path, headers=headers).content.decode()


def administrator_client(desk: DeskScenario) -> Client:
    User.objects.filter(pk=desk.administrator.user_id).update(is_staff=True)
    return client_for(desk.administrator)


def find_first_tag(name: str, page: str) -> str:
    tag = re.search(rf"<{name}\b[^>]*>", page)
    assert tag
    return tag[0]


@pytest.mark.parametrize("name", PAGE_URL_NAMES)
@pytest.mark.parametrize("person", ["dana", "omar", "eve", "supervisor", "administrator"])
def test_everybody_who_works_at_the_desk_has_preferences(desk: DeskScenario, name: str, person: str) -> None:
    assert client_for(getattr(desk, person)).get(reverse(f"desk:{name}")).status_code == 200


@pytest.mark.parametrize("name", PAGE_URL_NAMES)
def test_other_users_have_no_preferences(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.stranger).get(reverse(f"desk:{name}")).status_code == 403
    assert Client().get(reverse(f"desk:{name}"))["Location"].startswith("/sign-in/")


def test_preferences_are_on_every_page_for_scripts(desk: DeskScenario) -> None:
    client = client_for(desk.dana)
    answer = client.post(reverse("desk:preferences"), PREFERENCES_FORM)
    assert answer["Location"].endswith("?saved=preferences")
    body = find_first_tag("body", get_page(client))
    assert ["data-undo" in body, "data-notifications" in body] == [True, True]
    assert ["data-enter-sends" in body, "data-sounds" in body, "data-shortcuts" in body] == [False, False, False]
    assert not DeskPreferences.objects.exclude(agent=desk.dana).exists()


def test_defaults_are_send_with_enter_undo_and_sounds_on(desk: DeskScenario) -> None:
    body = find_first_tag("body", get_page(client_for(desk.dana)))
    assert all(name in body for name in ("data-enter-sends", "data-undo", "data-sounds", "data-shortcuts"))
    assert "data-notifications" not in body


def test_the_theme_is_in_the_page_before_anything_is_drawn(desk: DeskScenario) -> None:
    client = administrator_client(desk)
    assert "data-theme" not in compact(find_first_tag("html", get_page(client)))
    client.post(reverse("desk:preferences"), PREFERENCES_FORM | {"theme": "light"})
    assert 'data-theme="light"' in compact(find_first_tag("html", get_page(client)))
    assert 'data-theme="light"' in find_first_tag("html", get_page(client, "/admin/"))


def test_the_language_is_the_readers_own_else_the_browsers(desk: DeskScenario) -> None:
    client = client_for(desk.dana)
    german = {"accept-language": "de-AT,de;q=0.9"}
    assert 'lang="en" dir="ltr"' in compact(find_first_tag("html", get_page(client)))
    assert 'lang="de"' in find_first_tag("html", get_page(client, **german))
    client.post(reverse("desk:preferences"), PREFERENCES_FORM | {"language": "en"})
    assert 'lang="en"' in find_first_tag("html", get_page(client, **german))
    client.post(reverse("desk:preferences"), PREFERENCES_FORM | {"language": "de"})
    assert 'lang="de"' in compact(find_first_tag("html", get_page(client)))


def test_the_administration_is_in_english_for_everybody(desk: DeskScenario) -> None:
    page = get_page(administrator_client(desk), "/admin/", **{"accept-language": "de"})
    assert 'lang="en"' in find_first_tag("html", page)


@pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"language": "xx"}, {"send_key": "telepathy"}])
def test_invalid_preference_is_refused(desk: DeskScenario, wrong: dict[str, str]) -> None:
    answer = client_for(desk.dana).post(reverse("desk:preferences"), PREFERENCES_FORM | wrong)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    desk.dana.user.refresh_from_db()
    assert (desk.dana.user.theme, desk.dana.user.language) == ("system", "")
    assert not DeskPreferences.objects.exists()


def test_preferences_cost_no_query_of_their_own(
    desk: DeskScenario, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(desk.dana)
    address = reverse("desk:password")
    with django_assert_num_queries(2):  # one for the session, one for the user with permissions, agent and preferences
        client.get(address)
    DeskPreferences.objects.create(agent=desk.dana)
    with django_assert_num_queries(2):
        client.get(address)


def password_form(old: str) -> dict[str, Any]:
    return {"old_password": old, "new_password1": "a quite new one", "new_password2": "a quite new one"}


def test_a_new_password_signs_out_ones_other_browsers(desk: DeskScenario) -> None:
    user = desk.dana.user
    user.set_password("correct horse")
    user.save()
    this_client, elsewhere = client_for(desk.dana), client_for(desk.dana)
    answer = this_client.post(reverse("desk:password"), password_form("correct horse"))
    assert answer["Location"].endswith("?saved=password")
    user.refresh_from_db()
    assert user.check_password("a quite new one")
    assert this_client.get("/desk/").status_code == 200
    assert elsewhere.get("/desk/").status_code == 302


def test_password_change_requires_the_old_password(desk: DeskScenario) -> None:
    answer = client_for(desk.dana).post(reverse("desk:password"), password_form("wrong"))
    assert answer.status_code == 422
    desk.dana.user.refresh_from_db()
    assert not desk.dana.user.check_password("a quite new one")
