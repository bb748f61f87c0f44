"""Twilio's error codes are explained in words an agent can act on."""

import pytest
from django.utils import translation

from channels_whatsapp.error_reasons import (
    ERROR_REASONS,
    NO_REASON,
    can_send_again,
    clean_twilio_message,
    get_error_reason,
)

KNOWN_CODES = [
    *(20003, 20005, 20404, 21211, 21408, 21603, 21604, 21606, 21609, 21610, 21611, 21612, 21614, 21617, 21619, 21620),
    *(21654, 21655, 21656, 21701, 21703, 21704, 21705, 21910, 30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008),
    *(30036, 60228, 63001, 63002, 63003, 63005, 63006, 63007, 63008, 63009, 63010, 63011, 63012, 63013, 63014, 63015),
    *(63016, 63017, 63018, 63019, 63020, 63021, 63022, 63023, 63024, 63025, 63026, 63027, 63028, 63029, 63030, 63031),
    *(63032, 63033, 63034, 63037, 63038, 63040, 63041, 63042, 63049, 63051, 63062, 63119, 92007),
]


@pytest.mark.parametrize("code", KNOWN_CODES)
def test_known_code_has_a_reason_in_both_languages(code: int) -> None:
    english = get_error_reason(code)
    assert english != NO_REASON
    assert english == get_error_reason(code, "Twilio's own words")
    with translation.override("de"):
        assert get_error_reason(code) not in {english, ""}


def test_every_code_of_the_table_is_checked() -> None:
    assert sorted(ERROR_REASONS) == sorted(KNOWN_CODES)


@pytest.mark.parametrize("code", [63016, 63021])
def test_some_codes_mean_something_else_for_a_template(code: int) -> None:
    assert "template" in get_error_reason(code, is_template=True)
    assert get_error_reason(code, is_template=True) != get_error_reason(code)
    assert not can_send_again(code, is_template=True)
    with translation.override("de"):
        assert "Vorlage" in get_error_reason(code, is_template=True)


@pytest.mark.parametrize(
    ("code", "expected"), [(63010, "Twilio has"), (63009, "WhatsApp has"), (63012, "WhatsApp has")]
)
def test_temporary_problem_names_who_has_it(code: int, expected: str) -> None:
    assert get_error_reason(code).startswith(expected)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (21703, "No sender of the Messaging Service can send this message to this recipient."),  # but it has senders
        (63022, "certificate of our display name"),  # Invalid vname certificate
        (63026, "flagged our messages as spam"),  # Channel sender content flagged as spam
        (63119, "too many requests"),  # Meta rate limit exceeded
    ],
)
def test_reason_means_what_twilios_dictionary_says(code: int, expected: str) -> None:
    assert expected in get_error_reason(code)


def test_limit_on_marketing_messages_has_advice() -> None:
    assert "Don't send this one again today" in get_error_reason(63049)


@pytest.mark.parametrize("code", [21211, 21610, 21617, 30004, 60228, 63003, 63014, 63026, 63033, 63034, 63040, 63049])
def test_sending_the_same_again_is_not_offered_where_it_is_pointless(code: int) -> None:
    assert not can_send_again(code)


@pytest.mark.parametrize("code", [None, 1, 20003, 30003, 63009, 63010, 63018, 63019, 63024, 63037])
def test_sending_again_is_offered_after_other_errors(code: int | None) -> None:
    assert can_send_again(code)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Unable to create record: Rate limit exceeded", "Rate limit exceeded"),
        ("HTTP 400 error: Unable to create record: The 'To' number is invalid.", "The 'To' number is invalid."),
        ("Unable to fetch record", ""),
        ("Unable to fetch page", ""),
        ("Unable to create records for you", "Unable to create records for you"),
        (" Twilio's own words ", "Twilio's own words"),
        ("", ""),
    ],
)
def test_words_of_twilios_client_are_removed(text: str, cleaned: str) -> None:
    assert clean_twilio_message(text) == cleaned
    assert get_error_reason(99999, text) == (cleaned or NO_REASON)
