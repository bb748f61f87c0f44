"""Block and Unblock in the customer panel."""

import pytest
from django.test import Client

from omnichannel.conversations.models import Contact
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db

USERS_WHO_MAY_BLOCK = ["dana", "supervisor", "administrator"]


def is_blocked() -> bool:
    return Contact.objects.get().blocked_at is not None


@pytest.mark.parametrize("person", USERS_WHO_MAY_BLOCK)
def test_the_agent_who_has_it_supervisors_and_administrators_block_and_unblock(desk: DeskScenario, person: str) -> None:
    client = client_for(getattr(desk, person))
    page = client.post(conversation_url(desk, "block"), **HTMX_HEADERS).content.decode()
    assert is_blocked()
    assert "Blocked on" in page
    assert 'id="do-unblock"' in page
    page = client.post(conversation_url(desk, "unblock"), **HTMX_HEADERS).content.decode()
    assert not is_blocked()
    assert 'id="do-block"' in page


@pytest.mark.parametrize(("person", "status"), [("omar", 403), ("eve", 404), ("stranger", 403)])
@pytest.mark.parametrize("name", ["block", "unblock"])
def test_other_users_are_refused(desk: DeskScenario, person: str, status: int, name: str) -> None:
    assert client_for(getattr(desk, person)).post(conversation_url(desk, name)).status_code == status
    assert not is_blocked()


@pytest.mark.parametrize("name", ["block", "unblock"])
def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario, name: str) -> None:
    assert Client().post(conversation_url(desk, name))["Location"].startswith("/sign-in/")
    assert not is_blocked()


def test_blocking_requires_post(desk: DeskScenario) -> None:
    assert client_for(desk.dana).get(conversation_url(desk, "block")).status_code == 405


def test_colleague_sees_the_reason_and_no_block_button(desk: DeskScenario) -> None:
    client = client_for(desk.omar)
    assert "do-block" not in client.get(conversation_url(desk, "conversation")).content.decode()
    assert "Only the assigned agent" in client.post(conversation_url(desk, "block"), **HTMX_HEADERS).content.decode()


def test_blocking_asks_first(desk: DeskScenario) -> None:
    page = client_for(desk.dana).get(conversation_url(desk, "conversation")).content.decode()
    assert (
        page.index("<summary>Block customer</summary>")
        < page.index("They can no longer reach you")
        < page.index('id="do-block"')
    )


def test_works_without_javascript(desk: DeskScenario) -> None:
    client = client_for(desk.dana)
    answer = client.post(conversation_url(desk, "block"), follow=True)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "This customer is blocked. Unblock them to reply." in page
    assert 'id="reply-text"' not in page
    assert "Dana blocked this customer." in page
