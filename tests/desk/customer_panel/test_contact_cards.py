"""Contact cards in the thread, and saving a contact from one."""

from typing import Any

import pytest
from django.urls import reverse

from omnichannel.conversations.models import Attachment, AttachmentState, Contact, Message, MessageKind
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db
CARD_PEOPLE = [{"name": "Mum <b>", "phones": ["+49 151 9999999", "030 1"], "emails": ["mum@example.org"]}]


def create_card_message(desk: DeskScenario) -> Message:
    return builders.create_inbound_message(
        desk.conversation, "", kind=MessageKind.CONTACTS, content={"contacts": CARD_PEOPLE}
    )


def save_card_url(desk: DeskScenario, message: Message, person: int = 0, phone: int = 0) -> str:
    return reverse("desk:save_contact_card", args=[desk.conversation.pk, message.pk, person, phone])


def post_save_card(desk: DeskScenario, user_key: str = "dana", **place: Any) -> Any:
    return client_for(getattr(desk, user_key)).post(
        save_card_url(desk, create_card_message(desk), **place), **HTMX_HEADERS
    )


def test_a_card_shows_its_numbers_and_addresses_and_offers_to_save_each_number(desk: DeskScenario) -> None:
    message = create_card_message(desk)
    Attachment.objects.create(message=message, content_type="text/vcard", name="m.vcf", state=AttachmentState.STORED)
    shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert all(text in shown for text in ("Mum &lt;b&gt;", "mum@example.org", "Download vCard"))
    assert save_card_url(desk, message, phone=1) in shown


def test_somebody_is_saved_once_and_then_known(desk: DeskScenario) -> None:
    assert "was saved as a contact" in post_save_card(desk).content.decode()
    assert Contact.objects.get(identity="whatsapp:+491519999999").name == "Mum <b>"
    assert "This number is already saved as a contact" in post_save_card(desk).content.decode()


def test_a_number_without_a_country_is_refused_with_the_reason(desk: DeskScenario) -> None:
    answer = post_save_card(desk, phone=1)
    assert answer.status_code == 422
    assert "no country code" in answer.content.decode()


def test_saving_without_javascript_returns_to_the_message(desk: DeskScenario) -> None:
    message = create_card_message(desk)
    answer = client_for(desk.dana).post(save_card_url(desk, message))
    conversation_path = reverse("desk:conversation", args=[desk.conversation.pk])
    assert (answer.status_code, answer["Location"]) == (302, f"{conversation_path}?message={message.pk}")
    assert client_for(desk.dana).post(save_card_url(desk, message, phone=1)).status_code == 422


@pytest.mark.parametrize("place", [{"person": 1}, {"phone": 2}])
def test_only_people_on_the_card_can_be_saved(desk: DeskScenario, place: dict[str, Any]) -> None:
    assert post_save_card(desk, **place).status_code == 404


def test_a_card_is_saved_only_from_its_own_conversation(desk: DeskScenario) -> None:
    url = reverse(
        "desk:save_contact_card",
        args=[builders.create_conversation(agent=desk.dana).pk, create_card_message(desk).pk, 0, 0],
    )
    assert client_for(desk.dana).post(url).status_code == 404


@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 200), ("omar", 200), ("supervisor", 200), ("administrator", 200), ("eve", 404), ("stranger", 403)],
)
def test_those_who_see_the_conversation_save_from_its_cards(desk: DeskScenario, person: str, status: int) -> None:
    assert post_save_card(desk, person).status_code == status
    assert Contact.objects.filter(name="Mum <b>").exists() is (status == 200)
