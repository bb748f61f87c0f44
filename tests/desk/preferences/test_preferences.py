"""What people choose for themselves: look, language, how the desk behaves, and their password."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.accounts.models import User
from omnichannel.conversations.models import DeskPreferences
from tests.desk.people import Desk, browser, compact

pytestmark = pytest.mark.django_db

PAGES = ["preferences", "password"]
CHOSEN = {"theme": "dark", "language": "de", "sends_with": "ctrl_enter", "can_undo_sending": "on", "notifies": "on"}


def page_of(client: Client, path: str = "/desk/", **headers: str) -> str:
    return client.get(path, headers=headers).content.decode()


def administrator(desk: Desk) -> Client:
    User.objects.filter(pk=desk.ada.user_id).update(is_staff=True)
    return browser(desk.ada)


def first_tag(name: str, page: str) -> str:
    found = re.search(rf"<{name}\b[^>]*>", page)
    assert found
    return found[0]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["dana", "omar", "eve", "sue", "ada"])
def test_everybody_who_works_at_the_desk_has_preferences(desk: Desk, name: str, who: str) -> None:
    assert browser(getattr(desk, who)).get(reverse(f"desk:{name}")).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_nobody_else_has(desk: Desk, name: str) -> None:
    assert browser(desk.stranger).get(reverse(f"desk:{name}")).status_code == 403
    assert Client().get(reverse(f"desk:{name}"))["Location"].startswith("/sign-in/")


def test_what_was_chosen_is_on_every_page_for_the_scripts(desk: Desk) -> None:
    client = browser(desk.dana)
    answer = client.post(reverse("desk:preferences"), CHOSEN)
    assert answer["Location"].endswith("?saved=preferences")
    body = first_tag("body", page_of(client))
    assert ["data-undo" in body, "data-notifies" in body] == [True, True]
    assert ["data-enter-sends" in body, "data-sounds" in body, "data-shortcuts" in body] == [False, False, False]
    assert not DeskPreferences.objects.exclude(agent=desk.dana).exists()


def test_who_chose_nothing_sends_with_enter_and_hears_sounds(desk: Desk) -> None:
    body = first_tag("body", page_of(browser(desk.dana)))
    assert all(name in body for name in ("data-enter-sends", "data-sounds", "data-shortcuts"))
    assert "data-undo" not in body


def test_the_theme_is_in_the_page_before_anything_is_drawn(desk: Desk) -> None:
    client = administrator(desk)
    assert "data-theme" not in first_tag("html", page_of(client))
    client.post(reverse("desk:preferences"), CHOSEN | {"theme": "light"})
    assert 'data-theme="light"' in first_tag("html", page_of(client))
    assert 'data-theme="light"' in first_tag("html", page_of(client, "/admin/"))


def test_the_language_is_the_readers_own_else_the_browsers(desk: Desk) -> None:
    client = browser(desk.dana)
    german = {"accept-language": "de-AT,de;q=0.9"}
    assert 'lang="en" dir="ltr"' in compact(first_tag("html", page_of(client)))
    assert 'lang="de"' in first_tag("html", page_of(client, **german))
    client.post(reverse("desk:preferences"), CHOSEN | {"language": "en"})
    assert 'lang="en"' in first_tag("html", page_of(client, **german))
    client.post(reverse("desk:preferences"), CHOSEN | {"language": "de"})
    assert 'lang="de"' in first_tag("html", page_of(client))


def test_the_administration_is_in_english_for_everybody(desk: Desk) -> None:
    page = page_of(administrator(desk), "/admin/", **{"accept-language": "de"})
    assert 'lang="en"' in first_tag("html", page)


@pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"language": "xx"}, {"sends_with": "telepathy"}])
def test_what_cannot_be_chosen_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    answer = browser(desk.dana).post(reverse("desk:preferences"), CHOSEN | wrong)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    desk.dana.user.refresh_from_db()
    assert (desk.dana.user.theme, desk.dana.user.language) == ("system", "")
    assert not DeskPreferences.objects.exists()


def test_preferences_cost_no_query_of_their_own(desk: Desk, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = browser(desk.dana)
    address = reverse("desk:password")
    with django_assert_num_queries(2):  # the session; the person and all that is known of them
        client.get(address)
    DeskPreferences.objects.create(agent=desk.dana)
    with django_assert_num_queries(2):
        client.get(address)


def new_password(old: str) -> dict[str, Any]:
    return {"old_password": old, "new_password1": "a quite new one", "new_password2": "a quite new one"}


def test_a_new_password_signs_out_ones_other_browsers(desk: Desk) -> None:
    user = desk.dana.user
    user.set_password("correct horse")
    user.save()
    here, elsewhere = browser(desk.dana), browser(desk.dana)
    answer = here.post(reverse("desk:password"), new_password("correct horse"))
    assert answer["Location"].endswith("?saved=password")
    user.refresh_from_db()
    assert user.check_password("a quite new one")
    assert here.get("/desk/").status_code == 200
    assert elsewhere.get("/desk/").status_code == 302


def test_a_password_is_changed_only_by_who_knows_the_old_one(desk: Desk) -> None:
    answer = browser(desk.dana).post(reverse("desk:password"), new_password("wrong"))
    assert answer.status_code == 422
    desk.dana.user.refresh_from_db()
    assert not desk.dana.user.check_password("a quite new one")
