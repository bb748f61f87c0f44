"""WhatsApp's own formatting, as customers see it: *bold*, _italics_, ~strike~, `mono`, lists and quotes.

Whatever a stranger wrote is escaped in the smallest pieces; the only markup is what is put around them here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from django.utils.html import Urlizer, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

LONGEST = 10_000  # of a text in which formatting is looked for: WhatsApp's own are shorter
DEEPEST = 4  # formatting in formatting

MARKS = {"*": "strong", "_": "em", "~": "s"}
BLOCK = re.compile(r"```(?=\S|\s*\S)(.+?)```", re.DOTALL)
# A mark stands at the edge of words, never inside one, and what is in it neither begins nor ends with a blank.
INLINE = re.compile(
    r"(?<![\w*_~`])(?:`(?P<mono>[^`\n]+)`|(?P<mark>[*_~])(?P<inside>(?=\S)(?:(?!(?P=mark))[^\n])+(?<=\S))(?P=mark))(?![\w`])"
)
ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# Django's linker makes links of nothing else, and takes ten times as long to find that out.
MAY_BE_LINK = re.compile(r"://|www\.|@|\.(?:com|edu|gov|int|mil|net|org)", re.IGNORECASE)
QUOTED = re.compile(r"^> (?P<text>\S.*)$")
BULLET = re.compile(r"^[-*] (?P<text>\S.*)$")
TAG = re.compile(r"(<[^>]*>)")
STAND_IN = re.compile("\ue000(\\d+)\ue001")
NUMBERED = re.compile(r"^(?P<number>\d{1,3})\. (?P<text>\S.*)$")


class _Linker(Urlizer):
    """Links a stranger wrote: they open elsewhere, and learn nothing of this page."""

    url_template = '<a href="{href}" target="_blank" rel="nofollow noopener noreferrer">{url}</a>'


_linker = _Linker()


def linked(text: str) -> SafeString:
    """The text, escaped, its links clickable."""
    may_have_links = len(text) > 3 and MAY_BE_LINK.search(text)
    shown = _linker(text, nofollow=False, autoescape=True) if may_have_links else escape(text)
    return mark_safe(shown)  # noqa: S308 (the linker escapes, too)


def formatted(text: str) -> SafeString:
    """The text as WhatsApp shows it, escaped, its links clickable."""
    if len(text) > LONGEST:
        return linked(text)
    return _joined(_blocks(text.replace("\r\n", "\n")))


def is_formatted(text: str) -> bool:
    """Whether the customer would see anything but the text as it was typed."""
    return formatted(text) != linked(text)


def formatted_around(pieces: Sequence[str]) -> SafeString:
    """Pieces of text formatted as the one they are; those that are markup of ours are put in as they are. No links."""
    stand_ins = (
        f"\ue000{place}\ue001" if isinstance(piece, SafeString) else re.sub("[\ue000\ue001]", "", piece)
        for place, piece in enumerate(pieces)
    )
    cut = TAG.split(formatted("".join(stand_ins)))
    shown = (
        ("" if part.startswith(("<a ", "</a")) else part)
        if place % 2
        else STAND_IN.sub(lambda found: pieces[int(found[1])], part)
        for place, part in enumerate(cut)
    )
    return mark_safe("".join(shown))  # noqa: S308 (escaped when it was formatted)


def _joined(pieces: Iterator[SafeString]) -> SafeString:
    return mark_safe("".join(pieces))  # noqa: S308 (each is escaped)


def _blocks(text: str) -> Iterator[SafeString]:
    for place, piece in enumerate(BLOCK.split(text)):
        if place % 2:
            yield format_html("<code>{}</code>", piece)
        else:
            yield _joined(_lines(piece))


@dataclass(frozen=True)
class _Line:
    kind: str
    text: str
    number: str = field(default="", compare=False)


def _read(line: str) -> _Line:
    if found := QUOTED.match(line):
        return _Line("quote", found["text"])
    if found := BULLET.match(line):
        return _Line("bullet", found["text"])
    if found := NUMBERED.match(line):
        return _Line("number", found["text"], found["number"])
    return _Line("text", line)


def _lines(text: str) -> Iterator[SafeString]:
    """Lists and quotes as blocks of their own; the break beside a block is the block's."""
    for kind, lines in groupby(map(_read, text.split("\n")), key=lambda one: one.kind):
        yield SHAPES[kind](list(lines))


def _words(lines: list[_Line]) -> SafeString:
    return _inline("\n".join(one.text for one in lines))


def _quote(lines: list[_Line]) -> SafeString:
    return format_html("<blockquote>{}</blockquote>", _words(lines))


def _bullets(lines: list[_Line]) -> SafeString:
    return format_html("<ul>{}</ul>", _items(lines))


def _numbers(lines: list[_Line]) -> SafeString:
    return format_html('<ol start="{}">{}</ol>', lines[0].number, _items(lines))


def _items(lines: list[_Line]) -> SafeString:
    return format_html_join("", "<li>{}</li>", ((_inline(one.text),) for one in lines))


SHAPES: dict[str, Callable[[list[_Line]], SafeString]] = {
    "text": _words,
    "quote": _quote,
    "bullet": _bullets,
    "number": _numbers,
}


def _inline(text: str, depth: int = 0) -> SafeString:
    return _joined(_pieces(text, depth))


def _pieces(text: str, depth: int) -> Iterator[SafeString]:
    at = 0
    for found in _marks(text) if depth < DEEPEST else ():
        yield linked(text[at : found.start()])
        if found["mono"] is not None:
            yield format_html("<code>{}</code>", found["mono"])
        else:
            tag = mark_safe(MARKS[found["mark"]])  # noqa: S308 (a tag of ours)
            yield format_html("<{tag}>{}</{tag}>", _inline(found["inside"], depth + 1), tag=tag)
        at = found.end()
    yield linked(text[at:])


def _marks(text: str) -> Iterator[re.Match[str]]:
    """The marks that are no part of an address."""
    at, addresses = 0, ADDRESS.finditer(text) if ":" in text or "www." in text else iter(())
    address = next(addresses, None)
    while found := INLINE.search(text, at):
        while address and address.end() <= found.start():
            address = next(addresses, None)
        if address and address.start() < found.start():
            at = address.end()
        else:
            at = found.end()
            yield found
