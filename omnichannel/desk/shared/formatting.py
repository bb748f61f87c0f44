"""Render WhatsApp's formatting: *bold*, _italics_, ~strike~, `mono`, lists and quotes.

Every piece of a message's text is escaped; the only HTML in the result is the tags added here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from django.utils.html import Urlizer, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from omnichannel.core.text.whatsapp_markup import (
    CODE_BLOCK,
    MAX_FORMATTED_LENGTH,
    MAX_NESTING,
    MarkupLine,
    iter_marks_outside_urls,
    parse_line,
)

MARK_TAGS = {"*": "strong", "_": "em", "~": "s"}
# Django's Urlizer makes links of nothing else, and takes ten times as long to find that out.
POSSIBLE_LINK = re.compile(r"://|www\.|@|\.(?:com|edu|gov|int|mil|net|org)", re.IGNORECASE)
# A URL directly after marks, such as "**https://example.org**": Django's Urlizer takes it for a part of a word.
MARKED_URL = re.compile(r"(?<![*_~`])(?P<marks>[*_~`]+)(?P<url>(?:https?://|www\.)\S+)", re.IGNORECASE)
HTML_TAG = re.compile(r"(<[^>]*>)")
PLACEHOLDER = re.compile("\ue000(\\d+)\ue001")


class _SafeUrlizer(Urlizer):
    """Make links from untrusted text: they open in a new tab and get no referrer."""

    url_template = '<a href="{href}" target="_blank" rel="nofollow noopener noreferrer">{url}</a>'


_urlizer = _SafeUrlizer()


def linkify(text: str) -> SafeString:
    """Return the text escaped, with clickable links."""
    if len(text) <= 3 or not POSSIBLE_LINK.search(text):
        return escape(text)
    html = (_urlizer(piece, nofollow=False, autoescape=True) for piece in _split_marks_from_urls(text))
    return mark_safe("".join(html))  # noqa: S308 (the Urlizer escapes, too)


def _split_marks_from_urls(text: str) -> Iterator[str]:
    """Split the text between marks and a URL, so that the URL is a word of its own."""
    position = 0
    for match in MARKED_URL.finditer(text):
        closing_marks = re.search(re.escape(match["marks"][::-1]) + r"(?!\w)", match["url"])
        end = match.start("url") + closing_marks.start() if closing_marks else match.end()
        yield text[position : match.start("url")]
        yield text[match.start("url") : end]
        position = end
    yield text[position:]


def render_markup(text: str) -> SafeString:
    """Return the text escaped, formatted as WhatsApp shows it, with clickable links."""
    if len(text) > MAX_FORMATTED_LENGTH:
        return linkify(text)
    return _join_safe(_render_blocks(text.replace("\r\n", "\n")))


def has_markup(text: str) -> bool:
    """Return whether the customer sees anything but the text as it was typed."""
    return render_markup(text) != linkify(text)


def render_markup_around_html(pieces: Sequence[str]) -> SafeString:
    """Format pieces of text as one text, without links; a SafeString among them is inserted unchanged."""
    texts = (
        f"\ue000{index}\ue001" if isinstance(piece, SafeString) else re.sub("[\ue000\ue001]", "", piece)
        for index, piece in enumerate(pieces)
    )
    parts = HTML_TAG.split(render_markup("".join(texts)))  # texts at even indexes, tags at odd ones
    html = (
        ("" if part.startswith(("<a ", "</a")) else part)
        if index % 2
        else PLACEHOLDER.sub(lambda match: pieces[int(match[1])], part)
        for index, part in enumerate(parts)
    )
    return mark_safe("".join(html))  # noqa: S308 (render_markup escaped it)


def _join_safe(pieces: Iterator[SafeString]) -> SafeString:
    return mark_safe("".join(pieces))  # noqa: S308 (each piece is escaped)


def _render_blocks(text: str) -> Iterator[SafeString]:
    for index, piece in enumerate(CODE_BLOCK.split(text)):
        if index % 2:
            yield format_html("<code>{}</code>", piece)
        else:
            yield _join_safe(_render_lines(piece))


def _render_lines(text: str) -> Iterator[SafeString]:
    """Yield lists and quotes as blocks; the line breaks around a block are dropped."""
    for kind, lines in groupby(map(parse_line, text.split("\n")), key=lambda line: line.kind):
        yield LINE_RENDERERS[kind](list(lines))


def _render_text_lines(lines: list[MarkupLine]) -> SafeString:
    return _render_inline("\n".join(line.text for line in lines))


def _render_quote(lines: list[MarkupLine]) -> SafeString:
    return format_html("<blockquote>{}</blockquote>", _render_text_lines(lines))


def _render_bullet_list(lines: list[MarkupLine]) -> SafeString:
    return format_html("<ul>{}</ul>", _render_list_items(lines))


def _render_numbered_list(lines: list[MarkupLine]) -> SafeString:
    return format_html('<ol start="{}">{}</ol>', lines[0].number, _render_list_items(lines))


def _render_list_items(lines: list[MarkupLine]) -> SafeString:
    return format_html_join("", "<li>{}</li>", ((_render_inline(line.text),) for line in lines))


LINE_RENDERERS: dict[str, Callable[[list[MarkupLine]], SafeString]] = {
    "text": _render_text_lines,
    "quote": _render_quote,
    "bullet": _render_bullet_list,
    "number": _render_numbered_list,
}


def _render_inline(text: str, depth: int = 0) -> SafeString:
    return _join_safe(_render_inline_pieces(text, depth))


def _render_inline_pieces(text: str, depth: int) -> Iterator[SafeString]:
    position = 0
    for match in iter_marks_outside_urls(text) if depth < MAX_NESTING else ():
        yield linkify(text[position : match.start()])
        if match["mono"] is not None:
            yield format_html("<code>{}</code>", match["mono"])
        else:
            tag = mark_safe(MARK_TAGS[match["mark"]])  # noqa: S308 (a constant of this module)
            yield format_html("<{tag}>{}</{tag}>", _render_inline(match["inside"], depth + 1), tag=tag)
        position = match.end()
    yield linkify(text[position:])
