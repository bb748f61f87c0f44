"""The contact's language in the customer panel."""

import pytest
from django.test import Client

from omnichannel.conversations.models import Contact
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db


def contact_language() -> str:
    return Contact.objects.get().language


@pytest.mark.parametrize("person", ["dana", "omar", "supervisor", "administrator"])
def test_users_with_access_set_the_contact_language(desk: DeskScenario, person: str) -> None:
    client = client_for(getattr(desk, person))
    page = client.post(conversation_url(desk, "language"), {"language": "de"}, **HTMX_HEADERS).content.decode()
    assert contact_language() == "de"
    assert '<option value="de" selected>German</option>' in page
    client.post(conversation_url(desk, "language"), {"language": ""})
    assert contact_language() == ""


@pytest.mark.parametrize(("person", "status"), [("eve", 404), ("stranger", 403)])
def test_other_users_are_refused(desk: DeskScenario, person: str, status: int) -> None:
    assert (
        client_for(getattr(desk, person)).post(conversation_url(desk, "language"), {"language": "de"}).status_code
        == status
    )
    assert contact_language() == ""


def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario) -> None:
    assert Client().post(conversation_url(desk, "language"), {"language": "de"})["Location"].startswith("/sign-in/")


def test_unknown_language_is_refused(desk: DeskScenario) -> None:
    assert (
        client_for(desk.dana)
        .post(conversation_url(desk, "language"), {"language": "klingon"}, **HTMX_HEADERS)
        .status_code
        == 422
    )
    assert contact_language() == ""


def test_a_language_that_is_not_offered_stays_chosen(desk: DeskScenario) -> None:
    Contact.objects.update(language="de-AT")
    page = client_for(desk.dana).get(conversation_url(desk, "conversation")).content.decode()
    assert '<option value="de-AT" selected>de-AT</option>' in page or '<option value="de-AT" selected>German' in page
