"""Block and Unblock beside the conversation: who is offered them, who may."""

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.models import Contact
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db

MAY = ["dana", "sue", "ada"]


def url(desk: Desk, name: str = "block") -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def is_blocked() -> bool:
    return Contact.objects.get().blocked_at is not None


@pytest.mark.parametrize("who", MAY)
def test_the_agent_who_has_it_supervisors_and_administrators_block_and_unblock(desk: Desk, who: str) -> None:
    client = browser(getattr(desk, who))
    page = client.post(url(desk), **HTMX).content.decode()
    assert is_blocked()
    assert "Blocked on" in page
    assert 'id="do-unblock"' in page
    page = client.post(url(desk, "unblock"), **HTMX).content.decode()
    assert not is_blocked()
    assert 'id="do-block"' in page


@pytest.mark.parametrize(("who", "status"), [("omar", 403), ("eve", 404), ("stranger", 403)])
@pytest.mark.parametrize("name", ["block", "unblock"])
def test_nobody_else_does(desk: Desk, who: str, status: int, name: str) -> None:
    assert browser(getattr(desk, who)).post(url(desk, name)).status_code == status
    assert not is_blocked()


@pytest.mark.parametrize("name", ["block", "unblock"])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk, name: str) -> None:
    assert Client().post(url(desk, name))["Location"].startswith("/sign-in/")
    assert not is_blocked()


def test_blocking_is_never_a_link(desk: Desk) -> None:
    assert browser(desk.dana).get(url(desk)).status_code == 405


def test_a_colleague_is_told_why_not_and_is_offered_no_button(desk: Desk) -> None:
    client = browser(desk.omar)
    assert "do-block" not in client.get(url(desk, "conversation")).content.decode()
    assert "Only the agent who has this conversation" in client.post(url(desk), **HTMX).content.decode()


def test_blocking_asks_first(desk: Desk) -> None:
    page = browser(desk.dana).get(url(desk, "conversation")).content.decode()
    assert (
        page.index("<summary>Block this customer</summary>")
        < page.index("They will reach nobody")
        < page.index('id="do-block"')
    )


def test_without_the_script_the_page_comes_back(desk: Desk) -> None:
    client = browser(desk.dana)
    answer = client.post(url(desk), follow=True)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "This customer is blocked. Unblock them to write to them again." in page
    assert 'id="reply-text"' not in page
    assert "Dana blocked this customer." in page
