"""Addresses of the same person have the same identity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_whatsapp.events import InboundMessage, StatusUpdate, is_status_callback, normalize_whatsapp_address
from channels_whatsapp.identity import format_address, get_identity, is_business_scoped

random_forms = st.dictionaries(st.text(max_size=20), st.lists(st.text(max_size=50), max_size=3), max_size=8)
twilio_field_names = st.sampled_from(
    ["From", "To", "Body", "WaId", "MediaUrl0", "Latitude", "Longitude", "MessageSid", "MessageStatus", "ErrorCode"]
)
twilio_like_forms = st.dictionaries(twilio_field_names, st.lists(st.text(max_size=50), max_size=2))


@given(st.text())
def test_identity_of_any_text_is_found_and_stays_the_same(text: str) -> None:
    assert get_identity(get_identity(text)) == get_identity(text)


@given(st.from_regex(r"\Awhatsapp:\+[0-9]{5,20}\Z"))
def test_identity_of_a_number_is_a_number_that_can_be_shown(address: str) -> None:
    assert get_identity(get_identity(address)) == get_identity(address)
    assert get_identity(address).startswith("whatsapp:+")
    assert format_address(address)


@given(st.text())
def test_any_address_can_be_shown(text: str) -> None:
    assert isinstance(format_address(text), str)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("+5511987654321", "+551187654321"),  # Brazilian mobile numbers, with and without the ninth digit
        ("+5215512345678", "+525512345678"),  # Mexican numbers, with and without the 1
        ("+5491123456789", "+541123456789"),  # Argentine numbers, with and without the 9
        ("+2290197123456", "+22997123456"),  # numbers of Benin, with and without the 01 of 2024
        ("+2250102345678", "+22502345678"),  # mobile numbers of Ivory Coast, with and without the prefix of 2021: Moov,
        ("+2250594345678", "+22594345678"),  # MTN,
        ("+2250709345678", "+22509345678"),  # and Orange
        ("+2250798345678", "+22598345678"),
    ],
)
def test_both_spellings_of_one_number_are_one_identity(first: str, other: str) -> None:
    assert get_identity(f"whatsapp:{first}") == get_identity(f"whatsapp:{other}")


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("+551132345678", "+5511932345678"),  # Brazilian landline numbers have no ninth digit.
        ("+15512345678", "+525512345678"),
        ("+2250702345678", "+22502345678"),  # The same eight digits with another operator of Ivory Coast
        ("+2250502345678", "+2250102345678"),
        ("+22599345678", "+2250799345678"),  # was never a mobile number
        ("+2299712345", "+229019712345"),
        ("+4915112345678", "+4915112345679"),
    ],
)
def test_different_people_keep_their_own_identity(first: str, other: str) -> None:
    assert get_identity(f"whatsapp:{first}") != get_identity(f"whatsapp:{other}")


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("whatsapp:US.13491208655302741918", True),
        ("whatsapp:DE.ENT.abc123", True),
        ("whatsapp:+4915112345678", False),
        ("whatsapp:us.1", False),
        ("whatsapp:US.1\n", False),
    ],
)
def test_business_scoped_ids_are_recognized_by_format(address: str, is_one: bool) -> None:
    assert is_business_scoped(address) is is_one


@given(st.one_of(random_forms, twilio_like_forms))
def test_any_form_can_be_read(form: dict[str, list[str]]) -> None:
    message = InboundMessage.from_payload(form)
    update = StatusUpdate.from_payload(form)
    assert len(message.sender) <= 140
    assert len(message.business_scoped_id) <= 140
    assert update.error_code is None or 0 < update.error_code < 2**31
    assert isinstance(is_status_callback(form), bool)


@given(st.text())
def test_an_address_is_a_whatsapp_address_or_none_at_all(text: str) -> None:
    address = normalize_whatsapp_address(text)
    assert address == "" or len(address) > len("whatsapp:")
