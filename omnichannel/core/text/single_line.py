"""Put names and other texts of one line on one line, so that they cannot imitate another line."""

import logging
import re
from typing import Final

# Characters that break a line in a text file, a browser or a terminal, and other control characters.
_LINE_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Controls of the writing direction can make the rest of a line read as something else.
_DIRECTION_CONTROLS: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def single_line(text: str) -> str:
    """Return the text on one line, without control characters and repeated spaces."""
    return " ".join(_LINE_BREAKS.sub(" ", _DIRECTION_CONTROLS.sub("", text)).split())


class SingleLineFormatter(logging.Formatter):
    """Format a record on one line; the lines of a traceback are indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name of logging.Formatter)
        return _LINE_BREAKS.sub(" ", super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        # str.splitlines also splits at the rarer line breaks.
        return "\n    ".join(super().format(record).splitlines())
