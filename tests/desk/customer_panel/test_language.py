"""The customer's language, chosen beside the conversation."""

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.models import Contact
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def url(desk: Desk, name: str = "language") -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def language() -> str:
    return Contact.objects.get().language


@pytest.mark.parametrize("who", ["dana", "omar", "sue", "ada"])
def test_who_sees_the_conversation_says_what_language_the_customer_speaks(desk: Desk, who: str) -> None:
    client = browser(getattr(desk, who))
    page = client.post(url(desk), {"language": "de"}, **HTMX).content.decode()
    assert language() == "de"
    assert '<option value="de" selected>German</option>' in page
    client.post(url(desk), {"language": ""})
    assert language() == ""


@pytest.mark.parametrize(("who", "status"), [("eve", 404), ("stranger", 403)])
def test_nobody_else_does(desk: Desk, who: str, status: int) -> None:
    assert browser(getattr(desk, who)).post(url(desk), {"language": "de"}).status_code == status
    assert language() == ""


def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk) -> None:
    assert Client().post(url(desk), {"language": "de"})["Location"].startswith("/sign-in/")


def test_what_is_no_language_is_refused(desk: Desk) -> None:
    assert browser(desk.dana).post(url(desk), {"language": "klingon"}, **HTMX).status_code == 422
    assert language() == ""


def test_a_language_that_is_not_offered_stays_chosen(desk: Desk) -> None:
    Contact.objects.update(language="de-AT")
    page = browser(desk.dana).get(url(desk, "conversation")).content.decode()
    assert '<option value="de-AT" selected>de-AT</option>' in page or '<option value="de-AT" selected>German' in page
