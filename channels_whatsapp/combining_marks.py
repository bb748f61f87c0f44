"""Limit runs of combining marks: Unicode's "Stream-Safe Text Format" (UAX #15, section 13).

Normalization, in Python as in PostgreSQL, puts the marks after a letter in order in quadratic time. No language has
more than a few in a row; 4,000 in a message held up PostgreSQL for a quarter of a second, 64,000 for a minute.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Final
from unicodedata import combining

MAX_RUN_LENGTH: Final = 30
JOINER: Final = "\u034f"  # COMBINING GRAPHEME JOINER: invisible, and marks are not reordered across it
# Characters that become marks by decomposition: Tibetan vowel signs, and the halfwidth sound marks of Japanese.
DECOMPOSES_TO_MARKS: Final = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")


def make_stream_safe(text: str) -> str:
    """Return the text with a joiner after every 30 combining marks in a row; most text is unchanged."""
    if len(text) <= MAX_RUN_LENGTH or text.isascii():
        return text
    return "".join(_insert_joiners(run) if is_mark else "".join(run) for is_mark, run in groupby(text, _is_mark))


def _is_mark(char: str) -> bool:
    return combining(char) != 0 or char in DECOMPOSES_TO_MARKS


def _insert_joiners(run: Iterable[str]) -> str:
    marks = "".join(run)
    return JOINER.join(marks[begin : begin + MAX_RUN_LENGTH] for begin in range(0, len(marks), MAX_RUN_LENGTH))
