"""The setup link that the server prints creates the first administrator once."""

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.signing import TimestampSigner, b62_encode
from django.test import Client
from django.urls import reverse

from omnichannel.accounts.demo_accounts import DEMO_PASSWORD
from omnichannel.accounts.models import User
from omnichannel.first_administrator import SIGNED_VALUE, SIGNING_SALT, get_setup_link, has_administrator
from routing.models import Agent, BasePresence
from tests import builders
from tests.concurrency import run_concurrently
from tests.desk.scenario import client_for

pytestmark = pytest.mark.django_db

STRONG_PASSWORD = "a long secret one 7"
ADMINISTRATOR_FORM = {
    "first_name": "Ada",
    "last_name": "Moreau",
    "username": "ada",
    "password1": STRONG_PASSWORD,
    "password2": STRONG_PASSWORD,
}


class YesterdaySigner(TimestampSigner):
    def timestamp(self) -> str:
        return b62_encode(int(time.time()) - 24 * 3600 - 60)


def setup_path() -> str:
    """Return the path of a valid setup link."""
    link = get_setup_link()
    assert link is not None
    return urlsplit(link).path


def expired_setup_path() -> str:
    return reverse("setup", args=[YesterdaySigner(salt=SIGNING_SALT).sign(SIGNED_VALUE)])


def response_text(answer: Any) -> str:
    content: bytes = answer.content
    return content.decode()


# -- When the link exists ----------------------------------------------------------------------------------------------


def test_without_an_administrator_there_is_a_link_to_the_public_address() -> None:
    builders.create_agent("Dana")
    link = get_setup_link()
    assert link is not None
    assert link.startswith("https://desk.example.com/setup/")


@pytest.mark.parametrize("fields", [{"role": "Administrator"}, {"role": "", "is_superuser": True}])
def test_no_setup_link_when_an_administrator_exists(fields: dict[str, Any]) -> None:
    builders.create_user(**fields)
    assert get_setup_link() is None


def test_an_administrator_who_cannot_sign_in_does_not_count(settings: Any) -> None:
    builders.create_user("Administrator", "Gone", is_active=False)
    locked = builders.create_user("Administrator", "Locked")
    locked.set_unusable_password()
    locked.save()
    printed = builders.create_user("Administrator", "Admin")
    printed.set_password(DEMO_PASSWORD)
    printed.save()
    assert get_setup_link() is not None
    settings.DEMO_ALLOWED = True
    assert get_setup_link() is None


# -- Invalid links -----------------------------------------------------------------------------------------------------


def forged_tokens() -> list[str]:
    signer = TimestampSigner(salt=SIGNING_SALT)
    other_purpose, other_key = (
        TimestampSigner().sign(SIGNED_VALUE),
        TimestampSigner(key="x", salt=SIGNING_SALT).sign(SIGNED_VALUE),
    )
    return [
        "x",
        "\u202e",
        "a:b:c",
        other_purpose,
        other_key,
        signer.sign(SIGNED_VALUE)[:-1],
        signer.sign(SIGNED_VALUE) + "x",
    ]


@pytest.mark.parametrize("place", range(len(forged_tokens())))
def test_forged_setup_link_is_not_found(place: int) -> None:
    address = reverse("setup", args=[forged_tokens()[place]])
    answer = Client().get(address)
    assert answer.status_code == 403
    assert "This link is not valid" in response_text(answer)
    assert Client().post(address, ADMINISTRATOR_FORM).status_code == 403
    assert not User.objects.exists()


def test_setup_page_requires_a_link() -> None:
    assert Client().get("/setup/").status_code == 404


@time_machine.travel("2026-11-28 12:00Z", tick=False)  # The page shows when the link was created.
def test_a_forged_link_does_not_say_whether_there_is_an_administrator() -> None:
    before = response_text(Client().get(reverse("setup", args=["x"])))
    builders.create_user("Administrator")
    assert response_text(Client().get(reverse("setup", args=["x"]))) == before


def test_a_link_ends_after_a_day_and_says_how_to_get_a_new_one() -> None:
    answer = Client().get(expired_setup_path())
    assert answer.status_code == 410
    assert "Restart the server to get a new one" in response_text(answer)
    assert Client().post(expired_setup_path(), ADMINISTRATOR_FORM).status_code == 410
    assert not has_administrator()


@pytest.mark.parametrize("is_expired", [False, True])
def test_setup_link_stops_working_once_an_administrator_exists(is_expired: bool) -> None:
    address = expired_setup_path() if is_expired else setup_path()
    builders.create_user("Administrator")
    for answer in (Client().get(address), Client().post(address, ADMINISTRATOR_FORM)):
        assert answer.status_code == 410
        assert "An administrator already exists" in response_text(answer)
    assert not User.objects.filter(username="ada").exists()


# -- The form ----------------------------------------------------------------------------------------------------------


def test_setup_page_is_not_cached_and_sends_no_referrer() -> None:
    answer = Client().get(setup_path())
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"


def test_the_page_speaks_german() -> None:
    page = response_text(Client().get(setup_path(), headers={"accept-language": "de"}))
    assert "Legen Sie den ersten Administrator an." in page


@pytest.mark.parametrize(
    ("field", "changed", "error_text"),
    [
        ("first_name", {"first_name": ""}, "This field is required."),
        ("username", {"username": "a b"}, "Enter a valid username."),
        ("username", {"username": "DANA"}, "already exists"),
        ("password1", {"password1": "short", "password2": "short"}, "too short"),
        ("password1", {"password1": DEMO_PASSWORD, "password2": DEMO_PASSWORD}, "public demo password"),
        (
            "password1",
            {"username": "ada.lovelace7", "password1": "ada.lovelace7", "password2": "ada.lovelace7"},
            "simil",
        ),
        ("password2", {"password2": "another one 8"}, "match"),
    ],
)
def test_error_is_shown_at_its_field(field: str, changed: dict[str, str], error_text: str) -> None:
    builders.create_agent("Dana")
    page = response_text(Client().post(setup_path(), {**ADMINISTRATOR_FORM, **changed}))
    _, _, error = page.partition(f'id="id_{field}_error"')
    assert error_text in error.partition("</div>")[0]
    assert page.count("field-error") == 1
    assert not has_administrator()


def test_first_invalid_field_has_focus() -> None:
    page = response_text(Client().post(setup_path(), {**ADMINISTRATOR_FORM, "username": "a b"}))
    assert page.count("autofocus") == 1
    assert "autofocus" in page.partition('name="username"')[2].partition(">")[0]
    assert STRONG_PASSWORD not in page


def test_a_link_that_works_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    address = setup_path()
    for form in ({}, ADMINISTRATOR_FORM):
        Client().post(address, form)
    assert address not in caplog.text


# -- The first administrator -------------------------------------------------------------------------------------------


def test_the_first_administrator_is_signed_in_and_may_do_everything() -> None:
    client = Client()
    answer = client.post(setup_path(), ADMINISTRATOR_FORM)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.get("/admin/accounts/user/add/").status_code == 200
    assert client.get("/admin/axes/accessattempt/").status_code == 200
    assert client.get("/desk/").status_code == 200
    administrator = User.objects.get()
    assert (administrator.display_name, administrator.is_superuser, administrator.is_staff) == (
        "Ada Moreau",
        True,
        True,
    )
    assert [role.name for role in administrator.groups.all()] == ["Administrator"]


def test_the_first_administrator_can_sign_in_again() -> None:
    Client().post(setup_path(), ADMINISTRATOR_FORM)
    answer = Client().post("/sign-in/", {"username": "ada", "password": STRONG_PASSWORD})
    assert answer.status_code == 302


def test_signed_in_agent_is_warned_and_becomes_the_administrator() -> None:
    dana = builders.create_agent("Dana")
    client = client_for(dana)
    assert "You are signed in as Dana." in response_text(client.get(setup_path()))
    client.post(setup_path(), ADMINISTRATOR_FORM)
    assert client.get("/admin/").wsgi_request.user == User.objects.get(username="ada")
    assert not User.objects.get(username="dana").is_superuser
    assert Agent.objects.get(pk=dana.pk).presence.base_status == BasePresence.OFFLINE


@pytest.mark.django_db(transaction=True)
def test_concurrent_setups_create_one_administrator() -> None:
    address = setup_path()

    def create(name: str) -> int:
        return Client().post(address, {**ADMINISTRATOR_FORM, "username": name}).status_code

    outcomes = run_concurrently(*[lambda name=name: create(name) for name in ("ada", "bea", "cyd", "ada")])
    assert sorted(outcomes) == [302, 410, 410, 410]
    assert User.objects.count() == Agent.objects.count() == 1
