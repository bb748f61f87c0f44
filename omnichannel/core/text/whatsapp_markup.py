"""WhatsApp's formatting marks: *bold*, _italics_, ~strike~, `mono`, lists and quotes; and the text without them.

`omnichannel.desk.shared.formatting` renders them as HTML.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_FORMATTED_LENGTH: Final = 10_000  # characters; WhatsApp's own messages are shorter
MAX_NESTING: Final = 4

CODE_BLOCK: Final = re.compile(r"```(?=\S|\s*\S)(.+?)```", re.DOTALL)
# A mark is at the edge of a word, never inside one, and the marked text neither begins nor ends with a space.
INLINE_MARKUP: Final = re.compile(
    r"(?<![\w*_~`])(?:`(?P<mono>[^`\n]+)`|(?P<mark>[*_~])(?P<inside>(?=\S)(?:(?!(?P=mark))[^\n])+(?<=\S))(?P=mark))(?![\w`])"
)
URL_PATTERN: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
QUOTE_LINE: Final = re.compile(r"^> (?P<text>\S.*)$")
BULLET_LINE: Final = re.compile(r"^[-*] (?P<text>\S.*)$")
NUMBERED_LINE: Final = re.compile(r"^(?P<number>\d{1,3})\. (?P<text>\S.*)$")


@dataclass(frozen=True)
class MarkupLine:
    """A line of a message: a quote, an entry of a list or text."""

    kind: str
    text: str
    number: str = field(default="", compare=False)


def parse_line(line: str) -> MarkupLine:
    """Return the kind of a line, and its text without the mark."""
    if match := QUOTE_LINE.match(line):
        return MarkupLine("quote", match["text"])
    if match := BULLET_LINE.match(line):
        return MarkupLine("bullet", match["text"])
    if match := NUMBERED_LINE.match(line):
        return MarkupLine("number", match["text"], match["number"])
    return MarkupLine("text", line)


def iter_marks_outside_urls(text: str) -> Iterator[re.Match[str]]:
    """Yield the marks that are not part of a URL."""
    position, urls = 0, URL_PATTERN.finditer(text) if ":" in text or "www." in text else iter(())
    url = next(urls, None)
    while match := INLINE_MARKUP.search(text, position):
        while url and url.end() <= match.start():
            url = next(urls, None)
        if url and url.start() < match.start():
            position = url.end()
        else:
            position = match.end()
            yield match


def remove_markup(text: str) -> str:
    """Return the text without marks, for summaries; entries of a list begin with a bullet or their number.

    A text that is too long to be formatted is returned unchanged.
    """
    if len(text) > MAX_FORMATTED_LENGTH:
        return text
    pieces = CODE_BLOCK.split(text.replace("\r\n", "\n"))
    return "".join(piece if index % 2 else _remove_line_marks(piece) for index, piece in enumerate(pieces))


def _remove_line_marks(text: str) -> str:
    return "\n".join(map(_line_to_plain_text, map(parse_line, text.split("\n"))))


def _line_to_plain_text(line: MarkupLine) -> str:
    prefix = {"bullet": "• ", "number": f"{line.number}. "}.get(line.kind, "")
    return prefix + _remove_inline_marks(line.text)


def _remove_inline_marks(text: str, depth: int = 0) -> str:
    pieces, position = [], 0
    for match in iter_marks_outside_urls(text) if depth < MAX_NESTING else ():
        inside = match["mono"] if match["mono"] is not None else _remove_inline_marks(match["inside"], depth + 1)
        pieces += [text[position : match.start()], inside]
        position = match.end()
    return "".join([*pieces, text[position:]])
