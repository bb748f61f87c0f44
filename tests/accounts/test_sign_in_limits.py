"""Limits on wrong passwords: by user and address, by user, and by address."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from omnichannel.accounts.sign_in_limits import LOCK_TIME
from omnichannel.core.network.client_address import get_client_network
from tests import builders

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"
PAIR_LIMIT, USER_LIMIT, ADDRESS_LIMIT = 5, 20, 30


@pytest.fixture
def dana(clock: Any) -> Any:
    return builders.create_agent("Dana").user


def sign_in(
    username: str = "dana", password: str = PASSWORD, address: str = HOME, client: Client | None = None, **extra: Any
) -> Any:
    form = {"username": username, "password": password}
    return (client or Client()).post("/sign-in/", form, REMOTE_ADDR=address, **extra)


def fail(count: int, username: str = "dana", address: str = HOME) -> None:
    for _ in range(count):
        sign_in(username, "wrong", address)


def is_signed_in(answer: Any) -> bool:
    return bool(answer.status_code == 302)


def fail_everywhere(count: int = USER_LIMIT) -> None:
    """Enter wrong passwords of Dana at as many addresses."""
    for index in range(count):
        fail(1, address=f"192.0.2.{index}")


def test_five_wrong_passwords_lock_a_user_at_one_address_only(dana: Any) -> None:
    fail(PAIR_LIMIT - 1)
    assert sign_in(password="wrong").status_code == 429
    assert sign_in().status_code == 429
    assert is_signed_in(sign_in(address=ELSEWHERE))


def test_a_locked_out_person_reads_when_they_can_try_again(dana: Any) -> None:
    fail(PAIR_LIMIT)
    answer = sign_in(HTTP_COOKIE="timezone=Europe%2FBerlin")
    local_time = timezone.localtime(timezone.now() + LOCK_TIME, ZoneInfo("Europe/Berlin"))
    assert f"You can try again at {local_time:%H:%M}, in 15 minutes." in " ".join(answer.content.decode().split())
    assert answer["Retry-After"] == "900"


def test_a_lock_ends_at_the_time_it_names_whatever_is_tried_meanwhile(dana: Any, clock: Any) -> None:
    fail(PAIR_LIMIT)
    clock.shift(LOCK_TIME - timedelta(seconds=1))
    assert sign_in().status_code == 429
    clock.shift(timedelta(seconds=1))
    assert is_signed_in(sign_in())


def test_wrong_passwords_from_many_addresses_lock_a_user_for_strangers(dana: Any) -> None:
    fail_everywhere(USER_LIMIT - 1)
    assert is_signed_in(sign_in(address=ELSEWHERE))
    fail_everywhere()
    assert sign_in(address=ELSEWHERE).status_code == 429
    assert sign_in("omar", "wrong", ELSEWHERE).status_code == 200


def test_nobody_locks_a_user_out_of_a_browser_they_have_used_before(dana: Any) -> None:
    browser = Client()
    assert is_signed_in(sign_in(client=browser))
    browser.post("/sign-out/")
    fail_everywhere()
    fail(ADDRESS_LIMIT, "somebody", HOME)
    assert sign_in().status_code == 429
    assert is_signed_in(sign_in(client=browser))


def test_a_known_browser_gets_no_more_guesses_than_others(dana: Any) -> None:
    browser = Client()
    sign_in(client=browser)
    browser.post("/sign-out/")
    for _ in range(PAIR_LIMIT):
        sign_in(password="wrong", client=browser)
    assert sign_in(client=browser).status_code == 429


def test_a_browser_is_known_for_its_own_user_only(dana: Any) -> None:
    builders.create_agent("Omar")
    browser = Client()
    sign_in("omar", client=browser)
    browser.post("/sign-out/")
    fail_everywhere()
    assert sign_in(client=browser).status_code == 429


@pytest.mark.parametrize("forged", ["x", "WyJkYW5hIl0:1a:b", "", "\x00"])
def test_a_forged_mark_of_a_known_browser_is_ignored(dana: Any, forged: str) -> None:
    fail_everywhere()
    browser = Client()
    browser.cookies["known_browser"] = forged
    assert sign_in(client=browser).status_code == 429


def test_wrong_passwords_of_many_users_lock_the_address(dana: Any) -> None:
    for index in range(ADDRESS_LIMIT):
        fail(1, f"user{index}")
    assert sign_in().status_code == 429
    assert is_signed_in(sign_in(address=ELSEWHERE))


def test_signing_in_does_not_clear_the_guesses_of_an_address(dana: Any) -> None:
    builders.create_agent("Mallory")
    for index in range(ADDRESS_LIMIT - 1):
        fail(1, f"user{index}")
    assert is_signed_in(sign_in("mallory"))
    fail(1, "last")
    assert sign_in().status_code == 429


def test_an_ipv6_network_counts_as_one_address(dana: Any) -> None:
    for index in range(PAIR_LIMIT):
        fail(1, address=f"2001:db8:1:2::{index}")
    assert sign_in(address="2001:db8:1:2:ffff::1").status_code == 429
    assert is_signed_in(sign_in(address="2001:db8:1:3::1"))


@pytest.mark.parametrize("address", ["", "nonsense", "é", "1.2.3.4:80"])
def test_a_malformed_address_is_no_error(dana: Any, address: str) -> None:
    fail(PAIR_LIMIT, address=address)
    assert sign_in(address=address).status_code == 429


def test_an_ipv4_address_is_the_same_in_ipv6_notation(rf: Any) -> None:
    addresses = [get_client_network(rf.get("/", REMOTE_ADDR=address)) for address in ("1.2.3.4", "::ffff:1.2.3.4")]
    assert addresses == ["1.2.3.4", "1.2.3.4"]


def test_the_sign_in_of_the_administration_has_the_same_limits(dana: Any) -> None:
    for _ in range(PAIR_LIMIT):
        Client().post("/admin/login/", {"username": "dana", "password": "wrong"}, REMOTE_ADDR=HOME)
    assert sign_in().status_code == 429


@pytest.mark.parametrize("path", ["/desk/preferences/password/", "/admin/password_change/"])
def test_wrong_present_passwords_are_limited_like_sign_ins(path: str) -> None:
    client = Client()
    client.force_login(builders.create_user("Administrator", "Ada", is_staff=True))
    new = "many horses, one battery"
    form = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    answers = [client.post(path, form) for _ in range(PAIR_LIMIT)]
    assert [answer.status_code for answer in answers][-2:] == [422 if "desk" in path else 200, 429]
    assert client.post(path, form | {"old_password": PASSWORD}).status_code == 429
    (attempt,) = AccessAttempt.objects.all()
    assert "wrong" not in attempt.post_data
    assert new not in attempt.post_data


@pytest.mark.parametrize("path", ["/desk/preferences/password/", "/admin/password_change/"])
def test_the_right_present_password_is_accepted(path: str) -> None:
    client = Client()
    ada = builders.create_user("Administrator", "Ada", is_staff=True)
    client.force_login(ada)
    new = "many horses, one battery"
    answer = client.post(path, {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(new)
    assert client.get("/admin/").status_code == 200
