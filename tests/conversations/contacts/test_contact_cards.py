"""People on a contact card are saved as contacts, one for each number in any spelling."""

import pytest

from omnichannel.conversations.contacts.contact_cards import InvalidPhoneNumberError, save_contact
from omnichannel.conversations.contacts.vcard_parser import parse_people
from omnichannel.conversations.models import Contact
from tests import builders

pytestmark = pytest.mark.django_db


def test_person_on_a_card_becomes_a_contact_that_can_be_messaged() -> None:
    saved = save_contact("Mum", "+49 (151) 123-456 78")
    assert saved.is_new
    assert (saved.contact.name, saved.contact.address) == ("Mum", "whatsapp:+4915112345678")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("+49 (0)171 2345678", "+491712345678"),
        ("0049 (0) 171 / 2345678", "+491712345678"),
        ("+49 0171 2345678", "+491712345678"),
        ("＋４９ １７１ ２３４５６７８", "+491712345678"),
        ("+39 06 1234 5678", "+390612345678"),  # The zero is part of Italian numbers.
        ("+225 07 02 34 56 78", "+2250702345678"),
        ("+999 0 123456", "+9990123456"),
    ],
)
def test_a_number_is_saved_as_it_is_dialled_from_abroad(written: str, address: str) -> None:
    assert save_contact("Mum", written).contact.address == f"whatsapp:{address}"


@pytest.mark.parametrize("number", ["+55 11 98765-4321", "0055 11 8765 4321", "+55 11 8765 4321"])
def test_a_number_that_is_known_in_any_spelling_stays_as_it_is(number: str) -> None:
    known = builders.create_contact("Ana", address="whatsapp:+5511987654321")
    saved = save_contact("Somebody", number)
    assert (saved.is_new, saved.contact) == (False, known)
    assert Contact.objects.get().profile_name == "Ana"


@pytest.mark.parametrize(
    ("lines", "name", "address"),
    [
        ("VERSION:3.0\r\nN:Doe;Jane;;;\r\nTEL;waid=15551234567:+1 555-123-4567", "Jane Doe", "+15551234567"),
        ("VERSION:3.0\r\nFN:Jane\r\nTEL;waid=15551234567:(555) 123-4567", "Jane", "+15551234567"),
        ("VERSION:4.0\r\nFN:Kim Uri\r\nTEL;VALUE=uri;TYPE=cell:tel:+1-555-010-0200", "Kim Uri", "+15550100200"),
        ("VERSION:4.0\r\nFN:Kim\r\nTEL;VALUE=uri:tel:+1-555-010-0200;ext=12", "Kim", "+15550100200"),
        ("VERSION:2.1\r\nN;QUOTED-PRINTABLE:M=C3=BCller;Ute\r\nTEL;CELL:+49151 1", "Ute Müller", "+491511"),
        ("VERSION:3.0\r\nFN:Mum\r\nTEL:\u202a+49\u00a0151 1\u202c", "Mum", "+491511"),
    ],
)
def test_somebody_is_saved_as_the_card_says(lines: str, name: str, address: str) -> None:
    [person] = parse_people(f"BEGIN:VCARD\r\n{lines}\r\nEND:VCARD\r\n".encode())
    saved = save_contact(person["name"], person["phones"][0])
    assert (saved.contact.name, saved.contact.address) == (name, f"whatsapp:{address}")


@pytest.mark.parametrize("number", ["0151 1234567", "1234", "+0151 1234567", "+49", "call me", "", "+49151<script>"])
def test_number_without_country_code_is_refused_with_a_message(number: str) -> None:
    with pytest.raises(InvalidPhoneNumberError, match=r"country code"):
        save_contact("Mum", number)
    assert not Contact.objects.exists()


def test_card_shows_its_email_addresses() -> None:
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mum\r\nTEL:+49 1\r\nEMAIL:mum@example.org\r\nEMAIL:none\r\nEND:VCARD\r\n"
    assert parse_people(card) == [{"name": "Mum", "phones": ["+49 1"], "emails": ["mum@example.org"]}]
