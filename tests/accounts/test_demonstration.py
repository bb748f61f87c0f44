"""The demonstration's password is printed at every start: on a public server it opens nothing."""

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

from omnichannel.accounts import demonstration
from omnichannel.accounts.demonstration import DEMO_PASSWORD, CommonPasswordValidator, get_active_demo_usernames
from omnichannel.accounts.models import User
from omnichannel.auth import AgentAuthBackend
from omnichannel.demo.people import DEMO_USERS
from omnichannel.live.stream import get_session_user
from tests import builders
from tests.desk.people import browser

pytestmark = pytest.mark.django_db

DEMONSTRATION = "This is a demonstration account. It can&#x27;t sign in on a public server"
IN_GERMAN = "Das ist ein Demonstrationskonto."
NO_MATCH = "User name and password do not match"


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what takes time at a sign-in."""

    count = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.count += 1
        return super().encode(password, salt)


@pytest.fixture
def dana() -> User:
    return with_printed_password(builders.agent("Dana").user)


@pytest.fixture
def _on_this_machine(settings: Any) -> None:
    settings.DEMONSTRATION_ALLOWED = True


def with_printed_password(user: User) -> User:
    user.set_password(DEMO_PASSWORD)
    user.save()
    return user


def sign_in(username: str, password: str = DEMO_PASSWORD, language: str = "en") -> str:
    """The page that answers the sign-in form; empty when it leads on."""
    form = {"username": username, "password": password}
    return Client().post("/sign-in/", form, headers={"accept-language": language}).content.decode()


# -- The sign-in ----------------------------------------------------------------------------------------------------


def test_the_printed_password_is_refused_in_words(dana: User) -> None:
    assert DEMONSTRATION in sign_in("dana")
    assert IN_GERMAN in sign_in("dana", language="de")


def test_a_demonstration_account_under_another_name_is_refused_too(dana: User) -> None:
    User.objects.update(username="boss")
    assert DEMONSTRATION in sign_in("boss")


def test_whoever_does_not_know_the_password_learns_nothing(dana: User) -> None:
    builders.user("Agent", "Sofia")
    for username, password in (("dana", "wrong"), ("sofia", DEMO_PASSWORD), ("nobody", DEMO_PASSWORD)):
        page = sign_in(username, password)
        assert NO_MATCH in page
        assert DEMONSTRATION not in page


def test_how_long_a_refusal_takes_tells_nobody_which_names_there_are(dana: User, settings: Any) -> None:
    builders.user("Agent", "Sofia")
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    counts = []
    for username, password in [
        ("dana", DEMO_PASSWORD),
        ("sofia", DEMO_PASSWORD),
        ("nobody", DEMO_PASSWORD),
        ("nobody", "wrong"),
    ] * 2:
        before = CountingHasher.count
        sign_in(username, password)
        counts.append(CountingHasher.count - before)
    assert counts == [1] * 8


def test_a_deactivated_demonstration_account_is_as_unknown_as_any(dana: User) -> None:
    User.objects.update(is_active=False)
    assert NO_MATCH in sign_in("dana")


def test_with_a_password_of_its_own_a_demonstration_account_signs_in(dana: User) -> None:
    dana.set_password("correct horse")
    dana.save()
    assert sign_in("dana", "correct horse") == ""


@pytest.mark.usefixtures("_on_this_machine")
def test_on_this_machine_the_demonstration_signs_in(dana: User) -> None:
    assert sign_in("dana") == ""
    assert browser(dana).get("/desk/").status_code == 200


def test_refusing_changes_nothing_in_the_database(dana: User) -> None:
    sign_in("dana")
    now = User.objects.get()
    assert (now.is_active, now.password) == (True, dana.password)


def test_the_administration_has_no_other_way_in() -> None:
    with_printed_password(builders.user("Administrator", "Admin", is_staff=True))
    client = Client()
    assert client.post("/admin/login/", {"username": "admin", "password": DEMO_PASSWORD}).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_no_backend_takes_the_printed_password(dana: User) -> None:
    assert authenticate(HttpRequest(), username="dana", password=DEMO_PASSWORD) is None


# -- Those who were signed in ---------------------------------------------------------------------------------------


def test_a_session_from_before_ends(dana: User, settings: Any) -> None:
    settings.DEMONSTRATION_ALLOWED = True
    client = browser(dana)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
    assert get_session_user(cookie) == dana
    settings.DEMONSTRATION_ALLOWED = False
    assert client.get("/desk/")["Location"].startswith("/sign-in/")
    assert client.get("/desk/preferences/password/")["Location"].startswith("/sign-in/")
    assert get_session_user(cookie) is None
    assert client.get("/sign-in/").status_code == 200


def test_knowing_who_is_refused_costs_no_query(dana: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert AgentAuthBackend().get_user(dana.pk) is None


def test_a_password_is_hashed_once(dana: User) -> None:
    demonstration.is_demo_password_hash.cache_clear()
    for _ in range(3):
        AgentAuthBackend().get_user(dana.pk)
    assert demonstration.is_demo_password_hash.cache_info().misses == 1


def test_nobody_else_is_hashed_at_a_request() -> None:
    eve = builders.agent("Eve").user
    demonstration.is_demo_password_hash.cache_clear()
    assert AgentAuthBackend().get_user(eve.pk) == eve
    assert demonstration.is_demo_password_hash.cache_info().misses == 0


# -- Setting it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [DEMO_PASSWORD, DEMO_PASSWORD.upper(), f" {DEMO_PASSWORD} "])
def test_nobody_can_set_the_printed_password(password: str) -> None:
    with pytest.raises(ValidationError, match="demonstration's password"):
        CommonPasswordValidator().validate(password)


def test_the_password_page_refuses_it() -> None:
    eve = builders.agent("Eve").user
    form = {"old_password": "correct horse", "new_password1": DEMO_PASSWORD, "new_password2": DEMO_PASSWORD}
    answer = browser(eve).post("/desk/preferences/password/", form)
    assert answer.status_code == 422
    assert "demonstration&#x27;s password" in answer.content.decode()


def test_a_common_password_is_refused_as_ever() -> None:
    with pytest.raises(ValidationError, match="too common"):
        CommonPasswordValidator().validate("password123")


@pytest.mark.usefixtures("_on_this_machine")
def test_on_this_machine_the_printed_password_can_be_set() -> None:
    CommonPasswordValidator().validate(DEMO_PASSWORD)


# -- Who has it -----------------------------------------------------------------------------------------------------


def deployment_errors() -> list[CheckMessage]:
    return [one for one in run_checks(include_deployment_checks=True) if one.id == "omnichannel.E001"]


def test_the_active_accounts_with_the_printed_password_are_named(dana: User) -> None:
    with_printed_password(builders.user("Administrator", "Admin"))
    builders.user("Supervisor", "Sofia")
    with_printed_password(builders.user("Agent", "Omar", is_active=False))
    assert get_active_demo_usernames() == ["dana", "admin"]


def test_the_deployment_check_names_them(dana: User) -> None:
    with pytest.raises(SystemCheckError, match=r"omnichannel\.E001.*anybody can read: dana\."):
        call_command("check", deploy=True, stdout=StringIO(), stderr=StringIO())
    call_command("check", stdout=StringIO(), stderr=StringIO())


def test_without_demonstration_accounts_there_is_nothing_to_name() -> None:
    builders.agent("Eve")
    assert deployment_errors() == []


def test_the_names_are_those_of_the_demonstration() -> None:
    assert {person.username for person in DEMO_USERS} == demonstration.DEMO_USERNAMES
