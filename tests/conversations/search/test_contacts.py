"""Contacts are found by what is known of them now, whatever changed it."""

from typing import Any

import pytest

from omnichannel.conversations.contacts import lookup
from omnichannel.conversations.contacts.merge import merge_contacts, undo_merge
from omnichannel.conversations.models import (
    Contact,
    ContactAddress,
    ContactBusinessId,
    ContactWords,
    Message,
    MessageWords,
)
from omnichannel.conversations.search.contacts import find_contacts
from routing.models import Agent
from tests import builders
from tests.desk.scenario import client_for

pytestmark = pytest.mark.django_db


def create_contact(name: str, digits: str = "4915112345678", **fields: Any) -> Contact:
    return builders.create_contact(name, address=f"whatsapp:+{digits}", **fields)


@pytest.mark.parametrize("text", ["aximilian", "Max", "ximi", "x", "maximilianus", "berger maxi", "ürg", "BÜRGER"])
def test_a_contact_is_found_by_any_part_of_a_name(text: str) -> None:
    contact = create_contact("Maximilianus Bürger-Berger")
    assert find_contacts(text) == [contact.pk]


@pytest.mark.parametrize("text", ["maxus", "nusmax", "maximilianusmax", "Maxi Bo", "%", "shop_", ".shopp"])
def test_a_contact_is_not_found_by_other_texts(text: str) -> None:
    create_contact("Maximilianus", username="maxi.shop")
    assert find_contacts(text) == []


@pytest.mark.parametrize(("name", "text"), [("aaaaab baaaaa", "aaaaaa"), ("abcdef bcdefg", "abcdefg")])
def test_parts_in_different_places_are_no_longer_part(name: str, text: str) -> None:
    create_contact(name)
    assert find_contacts(text) == []


def test_digits_are_found_from_the_fourth_on_and_not_among_names() -> None:
    contact = create_contact("Route 66")
    assert find_contacts("66") == [contact.pk]
    assert find_contacts("151") == []
    assert find_contacts("151", min_digits=3) == find_contacts("1234") == find_contacts("2345678") == [contact.pk]


def test_a_changed_name_is_found_and_the_former_one_is_not() -> None:
    contact = create_contact("Amara")
    lookup.rename_contact(contact, "Nour")
    assert find_contacts("nour") == find_contacts("amara") == [contact.pk]
    Contact.objects.update(profile_name="Ola", username="ola.shop")
    assert find_contacts("amara") == []
    assert find_contacts("ola.sh") == [contact.pk]


def test_contacts_stored_in_bulk_are_found_with_their_ids_and_numbers() -> None:
    account = builders.create_number().account
    (contact,) = Contact.objects.bulk_create([Contact(profile_name="Amara", address="whatsapp:US.77712345")])
    ContactBusinessId.objects.bulk_create(
        [ContactBusinessId(contact=contact, account=account, business_scoped_id="US.77712345")]
    )
    address = "whatsapp:+15550001111"
    ContactAddress.objects.bulk_create([ContactAddress(contact=contact, address=address, identity="+15550001111")])
    for text in ("amara", "us.77712", "77712345", "5550001111"):
        assert find_contacts(text) == [contact.pk]


def test_a_merged_contact_is_found_by_both_numbers_until_the_merge_is_undone(sue: Agent) -> None:
    account = builders.create_number().account
    home = create_contact("Amara", "4915111111111")
    work = create_contact("Work", "4915222222222", account=account, business_scoped_id="US.77712345")
    merge = merge_contacts(home, work, by=sue.user)
    assert find_contacts("1111111") == find_contacts("2222222") == find_contacts("us.77712") == [home.pk]
    restored = undo_merge(merge, by=sue.user)
    assert find_contacts("2222222") == find_contacts("us.77712") == find_contacts("work") == [restored.pk]
    assert find_contacts("1111111") == [home.pk]


def test_deleted_messages_and_contacts_leave_no_words() -> None:
    conversation = builders.create_conversation()
    message = builders.create_inbound_message(conversation, "lamp")
    assert MessageWords.objects.filter(pk=message.pk).exists()
    Message.objects.filter(pk=message.pk).delete()
    assert not MessageWords.objects.exists()
    contact = conversation.contact
    conversation.delete()
    contact.delete()
    assert not ContactWords.objects.exists()


def test_a_status_update_does_not_store_words_again() -> None:
    message = builders.create_inbound_message(builders.create_conversation(), "lamp")
    MessageWords.objects.all().delete()
    Message.objects.update(error_code=1)
    message.save(update_fields=["error_code"])
    assert not MessageWords.objects.exists()


@pytest.mark.parametrize("text", ["marin", "José", "1511234", "whatsapp:+4915112345678"])
def test_the_administration_finds_contacts_and_their_conversations(text: str) -> None:
    builders.create_conversation(contact=create_contact("José Marín"))
    builders.create_conversation(contact=create_contact("Ann", "15550001111"))
    client = client_for(builders.create_user("", "Ada", is_superuser=True, is_staff=True))
    for model in ("contact", "conversation"):
        page = client.get(f"/admin/conversations/{model}/", {"q": text}).content.decode()
        assert "José Marín" in page
        assert "Ann" not in page
