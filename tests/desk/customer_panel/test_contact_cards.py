"""Contact cards on the page: what is in them, and saving somebody from one."""

from typing import Any

import pytest
from django.urls import reverse

from omnichannel.conversations.models import Attachment, AttachmentState, Contact, Message, MessageKind
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db
PEOPLE = [{"name": "Mum <b>", "phones": ["+49 151 9999999", "030 1"], "emails": ["mum@example.org"]}]


def card(desk: Desk) -> Message:
    return builders.inbound(desk.conversation, "", kind=MessageKind.CONTACTS, content={"contacts": PEOPLE})


def address(desk: Desk, message: Message, person: int = 0, phone: int = 0) -> str:
    return reverse("desk:save_card", args=[desk.conversation.pk, message.pk, person, phone])


def save(desk: Desk, who: str = "dana", **place: Any) -> Any:
    return browser(getattr(desk, who)).post(address(desk, card(desk), **place), **HTMX)


def test_a_card_shows_its_numbers_and_addresses_and_offers_to_save_each_number(desk: Desk) -> None:
    message = card(desk)
    Attachment.objects.create(message=message, content_type="text/vcard", name="m.vcf", state=AttachmentState.STORED)
    shown = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert all(text in shown for text in ("Mum &lt;b&gt;", "mum@example.org", "Download vCard"))
    assert address(desk, message, phone=1) in shown


def test_somebody_is_saved_once_and_then_known(desk: Desk) -> None:
    assert "is among the contacts now" in save(desk).content.decode()
    assert Contact.objects.get(identity="whatsapp:+491519999999").name == "Mum <b>"
    assert "This number is among the contacts already" in save(desk).content.decode()


def test_a_number_without_a_country_is_refused_with_the_reason(desk: Desk) -> None:
    answer = save(desk, phone=1)
    assert answer.status_code == 422
    assert "no country code" in answer.content.decode()


def test_without_the_script_one_comes_back_to_the_message(desk: Desk) -> None:
    message = card(desk)
    answer = browser(desk.dana).post(address(desk, message))
    here = reverse("desk:conversation", args=[desk.conversation.pk])
    assert (answer.status_code, answer["Location"]) == (302, f"{here}?message={message.pk}")
    assert browser(desk.dana).post(address(desk, message, phone=1)).status_code == 422


@pytest.mark.parametrize("place", [{"person": 1}, {"phone": 2}])
def test_nobody_is_saved_who_is_not_in_the_card(desk: Desk, place: dict[str, int]) -> None:
    assert save(desk, **place).status_code == 404


def test_a_card_is_saved_only_from_its_own_conversation(desk: Desk) -> None:
    url = reverse("desk:save_card", args=[builders.conversation(with_agent=desk.dana).pk, card(desk).pk, 0, 0])
    assert browser(desk.dana).post(url).status_code == 404


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("omar", 200), ("sue", 200), ("ada", 200), ("eve", 404), ("stranger", 403)]
)
def test_those_who_see_the_conversation_save_from_its_cards(desk: Desk, who: str, status: int) -> None:
    assert save(desk, who).status_code == status
    assert Contact.objects.filter(name="Mum <b>").exists() is (status == 200)
