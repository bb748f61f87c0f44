"""Messages without content of their own are named, and answers of forms are read."""

import json

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from channels_whatsapp.form_answers import MAX_LINES, format_answers
from channels_whatsapp.message_types import TYPE_NAMES, describe_unsupported_message, get_heading
from channels_whatsapp.text_cleaning import has_visible_text


@pytest.mark.parametrize(
    ("message_type", "description"),
    [
        ("reaction", "Unsupported message (reaction)"),
        ("POLL_CREATION", "Unsupported message (poll)"),
        ("system", "Unsupported message (system message)"),
        ("call_log", "Unsupported message (call)"),
        ("brand_new", "Unsupported message (brand new)"),
        ("x" * 500, f"Unsupported message ({'x' * 40})"),
        ("", "Unsupported message"),
        ("text", "Empty message"),
    ],
)
def test_message_without_content_is_named(message_type: str, description: str) -> None:
    assert describe_unsupported_message(message_type) == description


@pytest.mark.parametrize(
    ("message_type", "heading"),
    [("reaction", "Reaction"), ("edit", "Edited message"), ("order", "Order"), ("brand_new", "Brand new")]
    + [(shown, "") for shown in ("text", "TEXT", "image", "interactive", "button", "location", "")],
)
def test_text_that_is_more_than_text_has_a_heading(message_type: str, heading: str) -> None:
    assert get_heading(message_type) == heading


def test_names_of_types_are_translated() -> None:
    english = {str(name) for name in TYPE_NAMES.values()}
    with translation.override("de"):
        same = {str(name) for name in TYPE_NAMES.values()} & english
        assert describe_unsupported_message("reaction") == "Nicht unterstützte Nachricht (Reaktion)"
        assert get_heading("poll") == "Umfrage"
    assert same == {"GIF"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{"rating": "5", "comment": "fast"}', "rating: 5\ncomment: fast"),
        ('{"flow_token": "x", "agree": true, "number": 7, "nothing": null}', "agree: true\nnumber: 7\nnothing: "),
        ('{"colours": ["red", "blue"], "address": {"city": "Berlin"}}', "colours: red, blue\naddress city: Berlin"),
        ('{"comment": "two\\nlines: here"}', "comment: two lines: here"),
        ('{"type": "nfm_reply", "nfm_reply": {"name": "flow", "response_json": "{\\"rating\\": 5}"}}', "rating: 5"),
        ('{"response_json": "not JSON"}', "response_json: not JSON"),
        ("five stars", "five stars"),
        ("[1, 2]", "1, 2"),
        ("{}", ""),
        ("", ""),
    ],
)
def test_answers_of_a_form_become_lines(text: str, lines: str) -> None:
    assert format_answers(text) == lines


def test_long_and_deep_answers_are_cut() -> None:
    many = format_answers(json.dumps({f"question {n}": "x" * 5000 for n in range(300)}))
    assert len(many.splitlines()) == MAX_LINES
    assert max(map(len, many.splitlines())) < 1100
    assert format_answers('{"a":' * 100_000) != ""
    assert format_answers('{"a":' * 50 + "1" + "}" * 50) != ""


@given(st.text(max_size=100) | st.recursive(st.text(), lambda x: st.dictionaries(st.text(), x)).map(json.dumps))
def test_any_answers_are_read_without_error(text: str) -> None:
    assert isinstance(format_answers(text), str)


@pytest.mark.parametrize("text", ["a", "👍", "❤️", ".", "\u200d1"])
def test_text_is_visible(text: str) -> None:
    assert has_visible_text(text)


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200e", "\u3164\u3164", "\u2800", "\xa0", "\ufeff"])
def test_blank_text_is_not_visible(text: str) -> None:
    assert not has_visible_text(text)
