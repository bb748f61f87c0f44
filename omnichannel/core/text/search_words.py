"""Split texts in all scripts into the words that search compares. One implementation for both databases.

Words of scripts with spaces are found by their beginning. Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese are
written with few or no spaces: there every character, and every pair of neighbors, is a word of the index, so that any
part of a text is found. So is every emoji.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final

MAX_QUERY_WORDS: Final = 8
MAX_WORD_LENGTH: Final = 64
MAX_INDEXED_CHARACTERS: Final = 100_000  # of a message; WhatsApp allows 4,096
MAX_INDEXED_BYTES: Final = 200_000  # PostgreSQL allows 1 MiB for the words of a row
GRAM_LENGTH: Final = 5  # of names and numbers: longer ones would be as many as there are numbers
MAX_GRAMS: Final = 200  # of a word

# Letters with the spelling people use without them on their keyboard. The Arabic ones as in Lucene's ArabicNormalizer
# and PersianNormalizer.
LETTER_REPLACEMENTS: Final[dict[str, str]] = {
    **{"æ": "ae", "œ": "oe", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ς": "σ"},
    **{"ى": "ي", "ی": "ي", "ے": "ي", "ة": "ه", "ک": "ك", "ٱ": "ا"},
}
# The digit zero of scripts with digits of their own; the other nine follow it.
ZEROS: Final = "٠۰߀०০੦૦୦௦౦೦൦๐໐༠၀០"
DIGIT_REPLACEMENTS: Final = {chr(ord(zero) + value): str(value) for zero in ZEROS for value in range(10)}
_TRANSLATION: Final = str.maketrans(LETTER_REPLACEMENTS | DIGIT_REPLACEMENTS)

# Accents except that of й and ў, vowel marks of Hebrew and Arabic, and characters that only change the appearance.
# Written with escapes that Python's and PostgreSQL's regular expressions have in common.
IGNORED_MARKS: Final = (
    r"([\u0438\u0443]\u0306)|[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    r"\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u200b-\u200f\u2060\u20e3\ufe00-\ufe0f\ufeff"
    r"\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]"
)
_IGNORED_PATTERN: Final = re.compile(IGNORED_MARKS)

# Thai and Lao; Burmese; Hangul; Khmer; Tai scripts; Japanese and Chinese; and the letters that make up flags.
_UNSPACED_PATTERN: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3040-\u318f"
    r"\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]"
)
_FLAG_LETTER_PATTERN: Final = re.compile(r"[\U0001f1e6-\U0001f1ff]")
_EMOJI_PATTERN: Final = re.compile(
    r"[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001fbff]"
)
MAX_MARKS: Final = 30  # in a row, as in Unicode's Stream-Safe Text Format: Python sorts them in quadratic time


class WordKind(Enum):
    """How a part of a text is divided into words."""

    SPACED = "spaced"
    UNSPACED = "unspaced"
    EMOJI = "emoji"
    SEPARATOR = "separator"


def fold_text(text: str) -> str:
    """Return the text in lower case and without accents: "Marín" becomes "marin"."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", _limit_marks(text)).lower().translate(_TRANSLATION)
    return unicodedata.normalize("NFC", _IGNORED_PATTERN.sub(r"\1", folded))


def _limit_marks(text: str) -> str:
    """Cut rows of combining marks at MAX_MARKS."""
    if len(text) <= MAX_MARKS:
        return text
    rows = groupby(text, key=lambda char: unicodedata.combining(char) != 0)
    return "".join("".join(row)[:MAX_MARKS] if are_marks else "".join(row) for are_marks, row in rows)


@lru_cache(maxsize=4096)
def get_word_kind(char: str) -> WordKind:
    """Return the kind of word that a folded character belongs to."""
    if _FLAG_LETTER_PATTERN.match(char):
        return WordKind.UNSPACED
    if _EMOJI_PATTERN.match(char):
        return WordKind.EMOJI
    if unicodedata.category(char)[0] not in "LMN":
        return WordKind.SEPARATOR
    return WordKind.UNSPACED if _UNSPACED_PATTERN.match(char) else WordKind.SPACED


def iter_words(folded: str) -> Iterator[str]:
    """Yield words, texts without spaces, and emoji one by one, from a folded text."""
    for kind, chars in groupby(folded, key=get_word_kind):
        if kind is WordKind.EMOJI:
            yield from chars
        elif kind is not WordKind.SEPARATOR:
            yield "".join(chars)


def split_words(text: str) -> list[str]:
    """Return the words of a search query, folded, at most MAX_QUERY_WORDS."""
    return list(iter_words(fold_text(text)))[:MAX_QUERY_WORDS]


def get_required_words(word: str) -> tuple[list[str], bool]:
    """Return the indexed words that a text with this word of a query has, and whether they are prefixes of them."""
    if get_word_kind(word[0]) is WordKind.SPACED:
        return [word[:MAX_WORD_LENGTH]], True
    return ["".join(pair) for pair in pairwise(word)] or [word], False


def build_search_words(text: str) -> list[str]:
    """Return the different words of a text, for the index."""
    size, words = 0, dict.fromkeys(_iter_indexed_words(text))
    for number, word in enumerate(words):
        size += len(word.encode()) + 1
        if size > MAX_INDEXED_BYTES:
            return list(words)[:number]
    return list(words)


def _iter_indexed_words(text: str) -> Iterator[str]:
    folded = fold_text(text[:MAX_INDEXED_CHARACTERS])[:MAX_INDEXED_CHARACTERS]  # a ligature may fold to 18 letters
    for word in iter_words(folded):
        if get_word_kind(word[0]) is WordKind.SPACED:
            yield word[:MAX_WORD_LENGTH]
        else:
            yield from word
            yield from map("".join, pairwise(word))


def get_grams(word: str) -> list[str]:
    """Return what begins at each character of a word, at most GRAM_LENGTH long; any part of it is found by them."""
    return [word[start : start + GRAM_LENGTH] for start in range(min(len(word), MAX_GRAMS))]


def get_required_grams(part: str) -> tuple[list[str], bool]:
    """Return the grams that a word with this part has, and whether they are prefixes of them.

    Words that have the grams in other places are found, too.
    """
    if len(part) <= GRAM_LENGTH:
        return [part], True
    return [part[start : start + GRAM_LENGTH] for start in range(len(part) - GRAM_LENGTH + 1)], False
