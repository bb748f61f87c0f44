"""Sessions: their end without activity, their list, and who ends them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.accounts.models import User, UserSession
from omnichannel.accounts.session_store import SessionStore
from omnichannel.accounts.user_agents import describe_browser
from omnichannel.events.models import Event
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db

PASSWORD, NEW_PASSWORD = "correct horse", "many horses, one battery"
WINDOWS_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
IPHONE_SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1 Version/18.1 Safari/604.1"
SESSIONS_MODEL = "accounts_usersession"


@pytest.fixture
def dana(settings: Any) -> User:
    settings.SESSION_IDLE_MINUTES = 60
    return builders.create_agent("Dana").user


def sign_in(username: str = "dana", user_agent: str = WINDOWS_FIREFOX, address: str = "203.0.113.7") -> Client:
    client = Client(headers={"user-agent": user_agent}, REMOTE_ADDR=address)
    answer = client.post("/sign-in/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return bool(client.get("/desk/preferences/").status_code == 200)


def get_session(client: Client) -> UserSession:
    return UserSession.objects.get(session_key=client.cookies["sessionid"].value)


def list_session_events() -> list[int]:
    return list(Event.objects.filter(kind="session").values_list("subject_id", flat=True))


# -- Idle sessions -----------------------------------------------------------------------------------------------------


def test_a_session_ends_after_the_time_without_activity(dana: User, clock: Any) -> None:
    client = sign_in()
    clock.shift(timedelta(minutes=59))
    assert is_signed_in(client)
    clock.shift(timedelta(minutes=59))
    assert is_signed_in(client)
    clock.shift(timedelta(minutes=60))
    answer = client.get("/desk/preferences/")
    assert answer["Location"].startswith("/sign-in/")
    assert "You were signed out because you did nothing for 1 hour." in visible_text(client.get(answer["Location"]))
    assert "You were signed out" not in visible_text(client.get("/sign-in/"))
    assert not UserSession.objects.filter(user=dana).exists()


def test_the_reason_is_shown_on_the_sign_in_page_itself(dana: User, clock: Any) -> None:
    client = sign_in()
    clock.shift(timedelta(hours=2))
    answer = client.get("/sign-in/", headers={"accept-language": "de"})
    assert "Sie wurden abgemeldet" in visible_text(answer)


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(dana: User, clock: Any) -> None:
    client = sign_in()
    for _ in range(3):
        clock.shift(timedelta(minutes=19))
        assert client.get("/desk/offers/", headers={"x-background": "true"}).status_code == 200
    clock.shift(timedelta(minutes=19))
    assert not is_signed_in(client)


def test_a_sign_in_after_the_idle_limit_starts_a_new_session(dana: User, clock: Any) -> None:
    client = sign_in()
    clock.shift(timedelta(hours=2))
    client.post("/sign-in/", {"username": "dana", "password": PASSWORD})
    assert is_signed_in(client)
    assert "signed_out" not in client.cookies


def test_activity_is_written_once_a_minute_at_most(
    dana: User, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in()
    is_signed_in(client)
    with django_assert_num_queries(2):
        is_signed_in(client)
    clock.shift(timedelta(seconds=61))
    with django_assert_num_queries(3):
        is_signed_in(client)
    assert get_session(client).last_seen_at == timezone.now()


def test_idle_and_old_sessions_are_deleted(dana: User, clock: Any) -> None:
    sign_in()
    clock.shift(timedelta(minutes=59))
    kept = sign_in()
    clock.shift(timedelta(minutes=2))
    SessionStore.clear_expired()
    assert list(UserSession.objects.all()) == [get_session(kept)]


# -- One's own sessions ------------------------------------------------------------------------------------------------


def test_the_page_lists_browser_address_and_activity(dana: User) -> None:
    client = sign_in()
    sign_in(user_agent=IPHONE_SAFARI, address="2001:db8::7")
    text = visible_text(client.get(reverse("desk:sessions")))
    for expected in ("Firefox on Windows This browser 203.0.113.7", "Safari on iPhone 2001:db8::7", "Last active"):
        assert expected in text
    keys = UserSession.objects.values_list("session_key", flat=True)
    assert not [key for key in keys if key in client.get(reverse("desk:sessions")).content.decode()]


def test_a_user_ends_one_session_of_their_own(dana: User) -> None:
    client, phone, tablet = sign_in(), sign_in(), sign_in()
    answer = client.post(reverse("desk:end_session", args=[get_session(phone).pk]), follow=True)
    assert "The session was ended." in visible_text(answer)
    assert [is_signed_in(browser) for browser in (client, phone, tablet)] == [True, False, True]
    assert "Your session has ended." in visible_text(phone.get("/sign-in/"))
    assert list_session_events() == [dana.pk]


def test_a_user_ends_all_other_sessions(dana: User) -> None:
    builders.create_agent("Omar")
    client, phone, colleague = sign_in(), sign_in(), sign_in("omar")
    client.post(reverse("desk:end_other_sessions"))
    assert [is_signed_in(browser) for browser in (client, phone, colleague)] == [True, False, True]


@pytest.mark.parametrize("role", ["Administrator", "Supervisor", "Agent"])
def test_nobody_ends_a_colleagues_session_at_the_desk(dana: User, role: str) -> None:
    client = sign_in()
    other = create_signed_in_client(role)
    assert other.post(reverse("desk:end_session", args=[get_session(client).pk])).status_code == 404
    other.post(reverse("desk:end_other_sessions"))
    assert is_signed_in(client)


def test_the_session_of_this_browser_is_ended_by_signing_out_only(dana: User) -> None:
    client = sign_in()
    assert client.post(reverse("desk:end_session", args=[get_session(client).pk])).status_code == 404
    client.post("/sign-out/")
    assert not UserSession.objects.exists()
    assert list_session_events() == [dana.pk]


@pytest.mark.parametrize(("role", "status"), [("Administrator", 200), ("Supervisor", 200), ("Agent", 200), ("", 403)])
def test_everybody_who_works_at_the_desk_sees_their_own_sessions(role: str, status: int) -> None:
    client = Client()
    client.force_login(builders.create_user(role, "Somebody"))
    assert client.get(reverse("desk:sessions")).status_code == status


# -- What ends sessions ------------------------------------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions(dana: User) -> None:
    client, phone = sign_in(), sign_in()
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    client.post(reverse("desk:password"), form)
    assert [is_signed_in(browser) for browser in (client, phone)] == [True, False]
    (session,) = UserSession.objects.all()
    assert (session.user, session.browser, session.address) == (dana, "Firefox on Windows", "203.0.113.7")
    assert list_session_events() == [dana.pk]


def test_an_administrator_who_sets_a_password_ends_all_sessions(dana: User) -> None:
    client, administrator = sign_in(), create_signed_in_client("Administrator")
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    administrator.post(f"/admin/accounts/user/{dana.pk}/password/", form)
    assert not is_signed_in(client)
    assert dana.pk in list_session_events()
    assert administrator.get("/admin/").status_code == 200


def test_deactivating_a_user_ends_all_sessions(dana: User) -> None:
    client = sign_in()
    create_signed_in_client("Administrator").post(admin_url("accounts_user", "deactivate", dana.pk))
    assert not is_signed_in(client)
    assert list_session_events() == [dana.pk]


def test_other_changes_of_a_user_end_no_session(dana: User) -> None:
    client = sign_in()
    dana.first_name = "Dana-Marie"
    dana.save()
    assert is_signed_in(client)


# -- Administration ----------------------------------------------------------------------------------------------------


def post_end(client: Client, *sessions: UserSession) -> Any:
    form = {"action": "end", "_selected_action": [session.pk for session in sessions]}
    return client.post(reverse(f"admin:{SESSIONS_MODEL}_changelist"), form, follow=True)


def test_an_administrator_ends_anybodys_sessions(dana: User, admin_client: UserClient) -> None:
    client, phone = sign_in(), sign_in(user_agent=IPHONE_SAFARI)
    shown = visible_text(admin_client.get(reverse(f"admin:{SESSIONS_MODEL}_changelist")))
    assert "Safari on iPhone" in shown
    assert "1 session was ended." in visible_text(post_end(admin_client, get_session(phone)))
    assert [is_signed_in(browser) for browser in (client, phone)] == [True, False]


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_see_and_end_others_sessions(dana: User, role: str) -> None:
    client, other = sign_in(), create_signed_in_client(role)
    assert other.get(reverse(f"admin:{SESSIONS_MODEL}_changelist")).status_code in {302, 403}
    post_end(other, get_session(client))
    assert is_signed_in(client)


def test_the_administration_never_shows_a_session_key(dana: User, admin_client: UserClient) -> None:
    session = get_session(sign_in())
    for path in (reverse(f"admin:{SESSIONS_MODEL}_changelist"), admin_url(SESSIONS_MODEL, "change", session.pk)):
        assert session.session_key not in admin_client.get(path).content.decode()
    guess = f"?session_key__startswith={session.session_key[0]}"
    assert admin_client.get(reverse(f"admin:{SESSIONS_MODEL}_changelist") + guess).status_code in {302, 400}


def test_the_page_of_a_user_leads_to_their_sessions(dana: User, admin_client: UserClient) -> None:
    sign_in()
    page = admin_client.get(admin_url("accounts_user", "change", dana.pk)).content.decode()
    link = f"/admin/accounts/usersession/?user__id__exact={dana.pk}"
    assert link in page
    assert "Firefox on Windows" in visible_text(admin_client.get(link))


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (WINDOWS_FIREFOX, "Firefox on Windows"),
        (IPHONE_SAFARI, "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/537.36 Chrome/131.0 Safari/537.36", "Chrome on macOS"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/27.0 Chrome/125.0", "Samsung Internet on Android"),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_named(user_agent: str, expected: str) -> None:
    assert describe_browser(user_agent) == expected
