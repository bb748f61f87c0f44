"""Put names and other texts of one line on one line, so that they cannot imitate another line."""

import logging
import re
import unicodedata
from typing import Final

# Characters that break a line in a text file, a browser or a terminal, and other control characters.
_LINE_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Controls of the writing direction can make the rest of a line read as something else.
_DIRECTION_CONTROLS: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


# Invisible characters that no script needs, and halves of surrogate pairs, which no database stores. The joiners stay:
# Persian words and emoji are written with them.
_USELESS: Final = re.compile(r"[\u00ad\u200b\u2060\ufeff\ud800-\udfff]")
# Letters, symbols and marks that look like nothing: fillers of Hangul, the empty Braille pattern, variation selectors.
_BLANKS: Final = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def single_line(text: str) -> str:
    """Return the text on one line, without control characters and repeated spaces; "" if nothing of it is visible."""
    line = " ".join(_LINE_BREAKS.sub(" ", _USELESS.sub("", _DIRECTION_CONTROLS.sub("", text))).split())
    return line if any(map(_is_visible, line)) else ""


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in _INVISIBLE_CATEGORIES and not _BLANKS.match(char)


class SingleLineFormatter(logging.Formatter):
    """Format a record on one line; the lines of a traceback are indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name of logging.Formatter)
        return _LINE_BREAKS.sub(" ", super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        # str.splitlines also splits at the rarer line breaks.
        return "\n    ".join(super().format(record).splitlines())
