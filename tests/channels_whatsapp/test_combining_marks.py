"""Long runs of combining marks are split, because their normalization takes quadratic time."""

import sys
import time
import unicodedata
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_whatsapp.combining_marks import DECOMPOSES_TO_MARKS, JOINER, MAX_RUN_LENGTH, make_stream_safe
from channels_whatsapp.webhooks.deliveries import clean_payload

COMBINING_MARKS = "\u0301\u0327\u0f73\uff9e\u05b0"


@pytest.mark.parametrize("text", ["", "a" * 100, "Zoë" * 50, "e\u0301" * 50, "ק\u05b0\u05bc" * 30, "a" + "\u0301" * 30])
def test_ordinary_text_in_any_language_is_unchanged(text: str) -> None:
    assert make_stream_safe(text) == text


def test_a_run_is_broken_after_thirty_marks_and_nothing_is_lost() -> None:
    assert make_stream_safe("a" + "\u0301" * 70 + "b") == JOINER.join(
        ["a" + "\u0301" * 30, "\u0301" * 30, "\u0301" * 10 + "b"]
    )


@settings(deadline=None)  # The machine may be busy with other work.
@given(st.text(alphabet=COMBINING_MARKS + "aé ", max_size=300))
def test_no_text_has_a_long_run_afterwards_and_only_joiners_are_put_in(text: str) -> None:
    safe = make_stream_safe(text)
    runs = ("".join(run) for is_run, run in groupby(safe, COMBINING_MARKS.__contains__) if is_run)
    assert max(map(len, runs), default=0) <= MAX_RUN_LENGTH
    assert safe.replace(JOINER, "") == text
    assert make_stream_safe(safe) == safe


def test_every_letter_that_becomes_a_mark_is_known() -> None:
    first = {char: unicodedata.normalize("NFKD", char)[0] for char in map(chr, range(sys.maxunicode + 1))}
    mark_letters = {
        char for char, mark in first.items() if unicodedata.combining(mark) and not unicodedata.combining(char)
    }
    assert mark_letters == DECOMPOSES_TO_MARKS


@pytest.mark.parametrize("marks", ["\u0301" * 32_000 + "\u0327" * 32_000, "\u0300\u0327" * 32_000, "\u0f73" * 32_000])
def test_a_hostile_text_is_normalized_at_once(marks: str) -> None:
    begin = time.process_time()
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        unicodedata.normalize(form, make_stream_safe(f"a{marks}"))
    assert time.process_time() - begin < 1.5


def test_webhooks_are_stored_without_long_runs() -> None:
    form = {"Body\x00": ["a\x00" + "\u0301" * 31, "b"]}
    assert clean_payload(form) == {"Body": ["a" + "\u0301" * 30 + JOINER + "\u0301", "b"]}
