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

MAX_FORMATTED_LENGTH = 10_000  # of a text in which formatting is looked for: WhatsApp's own are shorter
MAX_NESTING = 4  # formatting in formatting

MARK_TAGS = {"*": "strong", "_": "em", "~": "s"}
CODE_BLOCK = re.compile(r"```(?=\S|\s*\S)(.+?)```", re.DOTALL)
# A mark stands at the edge of words, never inside one, and what is in it neither begins nor ends with a blank.
INLINE_MARKUP = re.compile(
    r"(?<![\w*_~`])(?:`(?P<mono>[^`\n]+)`|(?P<mark>[*_~])(?P<inside>(?=\S)(?:(?!(?P=mark))[^\n])+(?<=\S))(?P=mark))(?![\w`])"
)
URL_PATTERN = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# Django's linker makes links of nothing else, and takes ten times as long to find that out.
POSSIBLE_LINK = re.compile(r"://|www\.|@|\.(?:com|edu|gov|int|mil|net|org)", re.IGNORECASE)
QUOTE_LINE = re.compile(r"^> (?P<text>\S.*)$")
BULLET_LINE = re.compile(r"^[-*] (?P<text>\S.*)$")
HTML_TAG = re.compile(r"(<[^>]*>)")
PLACEHOLDER = re.compile("\ue000(\\d+)\ue001")
NUMBERED_LINE = re.compile(r"^(?P<number>\d{1,3})\. (?P<text>\S.*)$")


class _SafeUrlizer(Urlizer):
    """Links a stranger wrote: they open elsewhere, and learn nothing of this page."""

    url_template = '<a href="{href}" target="_blank" rel="nofollow noopener noreferrer">{url}</a>'


_urlizer = _SafeUrlizer()


def linkify(text: str) -> SafeString:
    """The text, escaped, its links clickable."""
    may_have_links = len(text) > 3 and POSSIBLE_LINK.search(text)
    shown = _urlizer(text, nofollow=False, autoescape=True) if may_have_links else escape(text)
    return mark_safe(shown)  # noqa: S308 (the linker escapes, too)


def render_markup(text: str) -> SafeString:
    """The text as WhatsApp shows it, escaped, its links clickable."""
    if len(text) > MAX_FORMATTED_LENGTH:
        return linkify(text)
    return _join_safe(_render_blocks(text.replace("\r\n", "\n")))


def has_markup(text: str) -> bool:
    """Whether the customer would see anything but the text as it was typed."""
    return render_markup(text) != linkify(text)


def render_markup_around_html(pieces: Sequence[str]) -> SafeString:
    """Pieces of text formatted as the one they are; those that are markup of ours are put in as they are. No links."""
    stand_ins = (
        f"\ue000{place}\ue001" if isinstance(piece, SafeString) else re.sub("[\ue000\ue001]", "", piece)
        for place, piece in enumerate(pieces)
    )
    cut = HTML_TAG.split(render_markup("".join(stand_ins)))
    shown = (
        ("" if part.startswith(("<a ", "</a")) else part)
        if place % 2
        else PLACEHOLDER.sub(lambda found: pieces[int(found[1])], part)
        for place, part in enumerate(cut)
    )
    return mark_safe("".join(shown))  # noqa: S308 (escaped when it was formatted)


def _join_safe(pieces: Iterator[SafeString]) -> SafeString:
    return mark_safe("".join(pieces))  # noqa: S308 (each is escaped)


def _render_blocks(text: str) -> Iterator[SafeString]:
    for place, piece in enumerate(CODE_BLOCK.split(text)):
        if place % 2:
            yield format_html("<code>{}</code>", piece)
        else:
            yield _join_safe(_render_lines(piece))


@dataclass(frozen=True)
class _MarkupLine:
    kind: str
    text: str
    number: str = field(default="", compare=False)


def _parse_line(line: str) -> _MarkupLine:
    if found := QUOTE_LINE.match(line):
        return _MarkupLine("quote", found["text"])
    if found := BULLET_LINE.match(line):
        return _MarkupLine("bullet", found["text"])
    if found := NUMBERED_LINE.match(line):
        return _MarkupLine("number", found["text"], found["number"])
    return _MarkupLine("text", line)


def _render_lines(text: str) -> Iterator[SafeString]:
    """Lists and quotes as blocks of their own; the break beside a block is the block's."""
    for kind, lines in groupby(map(_parse_line, text.split("\n")), key=lambda one: one.kind):
        yield LINE_RENDERERS[kind](list(lines))


def _render_text_lines(lines: list[_MarkupLine]) -> SafeString:
    return _render_inline("\n".join(one.text for one in lines))


def _render_quote(lines: list[_MarkupLine]) -> SafeString:
    return format_html("<blockquote>{}</blockquote>", _render_text_lines(lines))


def _render_bullet_list(lines: list[_MarkupLine]) -> SafeString:
    return format_html("<ul>{}</ul>", _render_list_items(lines))


def _render_numbered_list(lines: list[_MarkupLine]) -> SafeString:
    return format_html('<ol start="{}">{}</ol>', lines[0].number, _render_list_items(lines))


def _render_list_items(lines: list[_MarkupLine]) -> SafeString:
    return format_html_join("", "<li>{}</li>", ((_render_inline(one.text),) for one in lines))


LINE_RENDERERS: dict[str, Callable[[list[_MarkupLine]], SafeString]] = {
    "text": _render_text_lines,
    "quote": _render_quote,
    "bullet": _render_bullet_list,
    "number": _render_numbered_list,
}


def _render_inline(text: str, depth: int = 0) -> SafeString:
    return _join_safe(_render_inline_pieces(text, depth))


def _render_inline_pieces(text: str, depth: int) -> Iterator[SafeString]:
    at = 0
    for found in _find_marks_outside_urls(text) if depth < MAX_NESTING else ():
        yield linkify(text[at : found.start()])
        if found["mono"] is not None:
            yield format_html("<code>{}</code>", found["mono"])
        else:
            tag = mark_safe(MARK_TAGS[found["mark"]])  # noqa: S308 (a tag of ours)
            yield format_html("<{tag}>{}</{tag}>", _render_inline(found["inside"], depth + 1), tag=tag)
        at = found.end()
    yield linkify(text[at:])


def _find_marks_outside_urls(text: str) -> Iterator[re.Match[str]]:
    """The marks that are no part of an address."""
    at, addresses = 0, URL_PATTERN.finditer(text) if ":" in text or "www." in text else iter(())
    address = next(addresses, None)
    while found := INLINE_MARKUP.search(text, at):
        while address and address.end() <= found.start():
            address = next(addresses, None)
        if address and address.start() < found.start():
            at = address.end()
        else:
            at = found.end()
            yield found
