"""Demo accounts have a published password, so they cannot sign in on a public server."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.http import HttpRequest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from omnichannel.accounts import demo_accounts
from omnichannel.accounts.demo_accounts import DEMO_PASSWORD, CommonPasswordValidator, get_active_demo_usernames
from omnichannel.accounts.models import User
from omnichannel.auth import AgentAuthBackend
from omnichannel.demo.users import DEMO_USERS
from omnichannel.live.stream import get_session_user
from tests import builders
from tests.desk.scenario import client_for

pytestmark = pytest.mark.django_db

REFUSAL_TEXT = "Demo accounts can&#x27;t sign in on a public server"
REFUSAL_TEXT_GERMAN = "Demokonten können sich auf einem öffentlichen Server nicht anmelden."
WRONG_CREDENTIALS_TEXT = "Incorrect user name or password"


class CountingHasher(MD5PasswordHasher):
    """Count how often a password is hashed, which takes most of the time of a sign-in."""

    count = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.count += 1
        return super().encode(password, salt)


@pytest.fixture
def demo_user() -> User:
    return set_printed_password(builders.create_agent("Dana").user)


@pytest.fixture
def _allow_demo_accounts(settings: Any) -> None:
    settings.DEMO_ALLOWED = True


def set_printed_password(user: User) -> User:
    user.set_password(DEMO_PASSWORD)
    user.save()
    return user


def post_sign_in(username: str, password: str = DEMO_PASSWORD, language: str = "en") -> str:
    """Return the page that answers the sign-in form, or "" for a redirect."""
    form = {"username": username, "password": password}
    return Client().post("/sign-in/", form, headers={"accept-language": language}).content.decode()


# -- The sign-in -------------------------------------------------------------------------------------------------------


def test_printed_password_is_refused_with_a_message(demo_user: User) -> None:
    assert REFUSAL_TEXT in post_sign_in("dana")
    assert REFUSAL_TEXT_GERMAN in post_sign_in("dana", language="de")


def test_a_demonstration_account_under_another_name_is_refused_too(demo_user: User) -> None:
    User.objects.update(username="boss")
    assert REFUSAL_TEXT in post_sign_in("boss")


def test_wrong_password_does_not_reveal_a_demo_account(demo_user: User) -> None:
    builders.create_user("Agent", "Sofia")
    for username, password in (("dana", "wrong"), ("sofia", DEMO_PASSWORD), ("nobody", DEMO_PASSWORD)):
        page = post_sign_in(username, password)
        assert WRONG_CREDENTIALS_TEXT in page
        assert REFUSAL_TEXT not in page


def test_refusal_time_does_not_reveal_existing_user_names(demo_user: User, settings: Any) -> None:
    builders.create_user("Agent", "Sofia")
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    counts = []
    for username, password in [
        ("dana", DEMO_PASSWORD),
        ("sofia", DEMO_PASSWORD),
        ("nobody", DEMO_PASSWORD),
        ("nobody", "wrong"),
    ] * 2:
        before = CountingHasher.count
        post_sign_in(username, password)
        counts.append(CountingHasher.count - before)
    assert counts == [1] * 8


def test_deactivated_demo_account_looks_like_an_unknown_account(demo_user: User) -> None:
    User.objects.update(is_active=False)
    assert WRONG_CREDENTIALS_TEXT in post_sign_in("dana")


def test_demo_account_with_another_password_can_sign_in(demo_user: User) -> None:
    demo_user.set_password("correct horse")
    demo_user.save()
    assert post_sign_in("dana", "correct horse") == ""


@pytest.mark.usefixtures("_allow_demo_accounts")
def test_demo_account_can_sign_in_on_a_local_server(demo_user: User) -> None:
    assert post_sign_in("dana") == ""
    assert client_for(demo_user).get("/desk/").status_code == 200


def test_refusing_changes_nothing_in_the_database(demo_user: User) -> None:
    post_sign_in("dana")
    now = User.objects.get()
    assert (now.is_active, now.password) == (True, demo_user.password)


def test_admin_sign_in_refuses_the_printed_password() -> None:
    set_printed_password(builders.create_user("Administrator", "Admin", is_staff=True))
    client = Client()
    assert client.post("/admin/login/", {"username": "admin", "password": DEMO_PASSWORD}).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_no_authentication_backend_accepts_the_printed_password(demo_user: User) -> None:
    assert authenticate(HttpRequest(), username="dana", password=DEMO_PASSWORD) is None


# -- Signed-in users ---------------------------------------------------------------------------------------------------


def test_existing_session_of_a_demo_account_ends(demo_user: User, settings: Any) -> None:
    settings.DEMO_ALLOWED = True
    client = client_for(demo_user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
    assert get_session_user(cookie) == demo_user
    settings.DEMO_ALLOWED = False
    assert client.get("/desk/")["Location"].startswith("/sign-in/")
    assert client.get("/desk/preferences/password/")["Location"].startswith("/sign-in/")
    assert get_session_user(cookie) is None
    assert client.get("/sign-in/").status_code == 200


def test_refusal_check_needs_no_extra_query(demo_user: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert AgentAuthBackend().get_user(demo_user.pk) is None


def test_a_password_is_hashed_once(demo_user: User) -> None:
    demo_accounts.is_demo_password_hash.cache_clear()
    for _ in range(3):
        AgentAuthBackend().get_user(demo_user.pk)
    assert demo_accounts.is_demo_password_hash.cache_info().misses == 1


def test_password_of_other_users_is_not_hashed_on_requests() -> None:
    eve = builders.create_agent("Eve").user
    demo_accounts.is_demo_password_hash.cache_clear()
    assert AgentAuthBackend().get_user(eve.pk) == eve
    assert demo_accounts.is_demo_password_hash.cache_info().misses == 0


# -- Values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [DEMO_PASSWORD, DEMO_PASSWORD.upper(), f" {DEMO_PASSWORD} "])
def test_printed_password_cannot_be_set(password: str) -> None:
    with pytest.raises(ValidationError, match="public demo password"):
        CommonPasswordValidator().validate(password)


def test_the_password_page_refuses_it() -> None:
    eve = builders.create_agent("Eve").user
    form = {"old_password": "correct horse", "new_password1": DEMO_PASSWORD, "new_password2": DEMO_PASSWORD}
    answer = client_for(eve).post("/desk/preferences/password/", form)
    assert answer.status_code == 422
    assert "public demo password" in answer.content.decode()


def test_common_password_is_still_refused() -> None:
    with pytest.raises(ValidationError, match="too common"):
        CommonPasswordValidator().validate("password123")


@pytest.mark.usefixtures("_allow_demo_accounts")
def test_on_this_machine_the_printed_password_can_be_set() -> None:
    eve = builders.create_agent("Eve").user
    form = {"old_password": "correct horse", "new_password1": DEMO_PASSWORD, "new_password2": DEMO_PASSWORD}
    client_for(eve).post("/desk/preferences/password/", form)
    eve.refresh_from_db()
    assert eve.check_password(DEMO_PASSWORD)


# -- Assigned agents ---------------------------------------------------------------------------------------------------


def deployment_errors() -> list[CheckMessage]:
    return [error for error in run_checks(include_deployment_checks=True) if error.id == "omnichannel.E001"]


def test_active_accounts_with_the_printed_password_are_listed(demo_user: User) -> None:
    set_printed_password(builders.create_user("Administrator", "Admin"))
    builders.create_user("Supervisor", "Sofia")
    set_printed_password(builders.create_user("Agent", "Omar", is_active=False))
    assert get_active_demo_usernames() == ["dana", "admin"]


def test_deployment_check_lists_accounts_with_the_printed_password(demo_user: User) -> None:
    with pytest.raises(SystemCheckError, match=r"omnichannel\.E001.*public demo password: dana\."):
        call_command("check", deploy=True, stdout=StringIO(), stderr=StringIO())
    call_command("check", stdout=StringIO(), stderr=StringIO())


def test_deployment_check_passes_without_demo_accounts() -> None:
    builders.create_agent("Eve")
    assert deployment_errors() == []


def test_demo_user_names_match_the_seeded_accounts() -> None:
    assert {person.username for person in DEMO_USERS} == demo_accounts.DEMO_USERNAMES
