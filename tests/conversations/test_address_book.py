"""Saving somebody from a contact card: one contact for one number, however it is written."""

import pytest

from omnichannel.conversations.address_book import NotANumber, keep
from omnichannel.conversations.contact_cards import people_in
from omnichannel.conversations.models import Contact
from tests import builders

pytestmark = pytest.mark.django_db


def test_somebody_from_a_card_becomes_a_contact_who_can_be_written_to() -> None:
    kept = keep("Mum", "+49 (151) 123-456 78")
    assert kept.is_new
    assert (kept.contact.name, kept.contact.address) == ("Mum", "whatsapp:+4915112345678")


@pytest.mark.parametrize("written", ["+55 11 98765-4321", "0055 11 8765 4321", "+55 11 8765 4321"])
def test_a_number_that_is_known_in_any_spelling_stays_as_it_is(written: str) -> None:
    known = builders.contact("Ana", address="whatsapp:+5511987654321")
    kept = keep("Somebody", written)
    assert (kept.is_new, kept.contact) == (False, known)
    assert Contact.objects.get().profile_name == "Ana"


@pytest.mark.parametrize("written", ["0151 1234567", "1234", "+0151 1234567", "+49", "call me", "", "+49151<script>"])
def test_what_is_no_international_number_is_refused_in_words(written: str) -> None:
    with pytest.raises(NotANumber, match=r"country code"):
        keep("Mum", written)
    assert not Contact.objects.exists()


def test_a_card_tells_its_email_addresses() -> None:
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mum\r\nTEL:+49 1\r\nEMAIL:mum@example.org\r\nEMAIL:none\r\nEND:VCARD\r\n"
    assert people_in(card) == [{"name": "Mum", "phones": ["+49 1"], "emails": ["mum@example.org"]}]
