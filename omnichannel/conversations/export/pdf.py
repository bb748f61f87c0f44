"""Render a conversation as a PDF, in any script.

A separate program, `python -m omnichannel.conversations.export.pdf`, that needs neither Django nor the database:
`transcript.export_pdf` runs it as a child process with limits. It reads a JSON document from standard input and writes
the PDF to standard output.

The bundled fonts cover Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Georgian, Devanagari and many symbols. Other
scripts need the Noto fonts of the system, in Debian the packages fonts-noto-core and fonts-noto-cjk; they are loaded
when a text needs them. A character that no font has is shown as a box, and an emoji by its name.
"""

import json
import logging
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pymupdf_fonts
from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont

BODY_FONT, BOLD_FONT = "figo", "figbo"
SYMBOL_FONTS = ("symbol2", "symbol1")
SYSTEM_FONT_FOLDER: Final = Path("/usr/share/fonts")
# Fonts of living scripts come first: some of the others have a part of their characters, too.
NOTO_FONTS: Final = (
    *(
        f"NotoSans{script}"
        for script in (
            *("Bengali", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Oriya", "Sinhala", "Tamil", "Telugu"),
            *("Armenian", "Ethiopic", "Khmer", "Lao", "Myanmar", "Thaana", "Symbols", "Symbols2"),
        )
    ),
    "NotoSerifTibetan",
    "NotoSans*",
)
# Where common Linux packages install fonts, in the order of preference. One font has all of Chinese, Japanese and
# Korean.
SYSTEM_FONT_PATTERNS: Final = (
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "noto-cjk/NotoSansCJK-Regular.ttc",
    "truetype/droid/DroidSansFallbackFull.ttf",
    "truetype/wqy/wqy-zenhei.ttc",
    *(f"{folder}/{name}-Regular.ttf" for folder in ("truetype/noto", "noto") for name in NOTO_FONTS),
)
MAX_FONTS: Final = 32  # each takes memory
TEXT_COLOR, MUTED_COLOR, NOTE_COLOR, OUTBOUND_COLOR = (21, 25, 30), (86, 97, 112), (255, 244, 214), (224, 242, 236)
MISSING_GLYPH = "\u25a1"
SKIN_TONES: Final = "".join(map(chr, range(0x1F3FB, 0x1F400)))
FLAG_LETTERS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # two of them are a country's flag
INVISIBLE_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}
# fpdf2 takes quadratic time for a paragraph, and recurses once per character of a run without letters.
MAX_CHUNK_LENGTH: Final = 1000
RECURSION_LIMIT: Final = 20_000
# Longer rows are cut: nobody reads them, and each character takes as long as a letter.
MAX_MARKS, MAX_EQUAL_NAMES, MAX_LINE_BREAKS = 8, 3, 3
MAX_PRINTED_CHARACTERS: Final = 500_000  # more than fits into the time limit
# Some 2 MB of widths; longer texts are hardly ever measured twice.
WIDTH_CACHE_SIZE, MAX_CACHED_TEXT_LENGTH = 10_000, 100


@dataclass(frozen=True)
class PDFLine:
    """An entry of the export, with day and time in the reader's time zone."""

    day: str
    time: str
    author: str
    text: str
    is_event: bool
    is_note: bool
    is_outbound: bool


def main() -> None:
    """Read the document from standard input and write the PDF to standard output."""
    # The libraries' log messages and warnings quote customers' text.
    logging.disable()
    document = json.load(sys.stdin.buffer)
    sys.setrecursionlimit(RECURSION_LIMIT)
    cache_text_widths()
    lines = [PDFLine(**line) for line in document["lines"]]
    sys.stdout.buffer.write(render_pdf(document["title"], document["facts"], lines, document["footnote"]))


def cache_text_widths() -> None:
    """Cache text widths: fpdf2 measures the whole line again for each character added.

    This saves a third of the time of an export without changing the pages.
    """
    measure = TTFFont.get_text_width
    widths: dict[tuple[int, str, float, str], tuple[int, float]] = {}

    def get_text_width(font: Any, text: str, size: float, shaping: Any) -> tuple[int, float]:
        if len(text) > MAX_CACHED_TEXT_LENGTH:
            return measure(font, text, size, shaping)
        key = (id(font), text, size, repr(shaping))
        if key not in widths:
            if len(widths) >= WIDTH_CACHE_SIZE:
                widths.clear()
            widths[key] = measure(font, text, size, shaping)
        return widths[key]

    TTFFont.get_text_width = get_text_width  # type: ignore[assignment, method-assign]


def render_pdf(title: str, facts: Sequence[tuple[str, str]], lines: Iterable[PDFLine], footnote: str) -> bytes:
    """Return the PDF; the footnote is added when a character is missing from the fonts."""
    with tempfile.TemporaryDirectory() as folder:
        lines = list(lines)
        characters = {ord(char) for line in lines for char in line.author + line.text}
        writer = _PDFWriter(_FontSet(Path(folder), characters | set(map(ord, title + str(facts)))))
        writer.write_header(title, facts)
        day = ""
        for line in lines:
            if line.day != day:
                writer.write_day(line.day)
                day = line.day
            writer.write_line(line)
        return writer.finish(footnote)


class _FontSet:
    """Paths of the fonts, and the characters that they cover."""

    def __init__(self, folder: Path, characters: set[int]) -> None:
        self.paths: dict[str, Path] = {}
        for name in (BODY_FONT, BOLD_FONT, *SYMBOL_FONTS):
            self.paths[name] = folder / f"{name}.ttf"
            self.paths[name].write_bytes(pymupdf_fonts.myfont(name))
        self.supported_characters = frozenset().union(
            *(_get_supported_characters(path) for path in self.paths.values())
        )
        self._add_system_fonts(characters)
        self.fallback_names = [name for name in self.paths if name not in {BODY_FONT, BOLD_FONT}]

    def _add_system_fonts(self, characters: set[int]) -> None:
        """Add the fonts of the system that have characters which are missing so far."""
        for path in _iter_system_fonts():
            missing = {char for char in characters - self.supported_characters if chr(char).isprintable()}
            if not missing or len(self.paths) >= MAX_FONTS:
                return
            supported = _get_supported_characters(path)
            if missing & supported:
                self.paths[path.stem.lower()] = path
                self.supported_characters |= supported


def _iter_system_fonts() -> Iterator[Path]:
    for pattern in SYSTEM_FONT_PATTERNS:
        yield from sorted(SYSTEM_FONT_FOLDER.glob(pattern))


def _get_supported_characters(path: Path) -> frozenset[int]:
    with path.open("rb") as file:
        font = TTCollection(file).fonts[0] if path.suffix == ".ttc" else TTFont(file)
        return frozenset(font.getBestCmap())


def replace_missing_glyphs(text: str, supported: frozenset[int]) -> str:
    """Replace characters that no font has: an emoji by its name in brackets, others by a box."""
    parts = (char if char in "\n\t" or ord(char) in supported else _describe_character(char) for char in text)
    rows = ((part, len(list(row))) for part, row in groupby(filter(None, parts)))
    return "".join(
        f"{part} ×{count}" if len(part) > 1 and count > MAX_EQUAL_NAMES else part * count for part, count in rows
    )


def _describe_character(char: str) -> str:
    """Return what is shown for a character that no font has; empty for one that is invisible."""
    category = unicodedata.category(char)
    if char in INVISIBLE_JOINERS or category in {"Cf", "Mn", "Cc"} or char in SKIN_TONES:
        return ""
    if char in FLAG_LETTERS:
        return chr(ord("A") + FLAG_LETTERS.index(char))
    name = unicodedata.name(char, "").lower()
    return f"[{name}]" if name and category in {"So", "Sk"} else MISSING_GLYPH


def shorten_rows(text: str) -> str:
    """Shorten rows of combining marks and of line breaks."""
    rows = groupby(text, key=lambda char: unicodedata.category(char) in {"Mn", "Me"})
    shortened = "".join("".join(row)[:MAX_MARKS] if are_marks else "".join(row) for are_marks, row in rows)
    return re.sub(rf"\n{{{MAX_LINE_BREAKS},}}", "\n" * MAX_LINE_BREAKS, shortened)


def split_paragraphs(text: str) -> Iterator[str]:
    """Yield the lines of a text, and long lines in chunks of at most MAX_CHUNK_LENGTH, at spaces where possible."""
    for line in text.split("\n"):
        start = 0
        while len(line) - start > MAX_CHUNK_LENGTH:
            space = line.rfind(" ", start, start + MAX_CHUNK_LENGTH)
            end = space + 1 if space > start else start + MAX_CHUNK_LENGTH
            yield line[start:end]
            start = end
        yield line[start:]


class _PDFWriter:
    """Writer of the pages."""

    def __init__(self, fonts: _FontSet) -> None:
        self.supported_characters = fonts.supported_characters
        self.has_missing_glyphs = False
        self.printed_characters = 0
        self.document = FPDF(format="A4")
        self.document.alias_nb_pages("")  # a customer's "{nb}" is not the number of pages
        self.document.set_margins(18, 16, 18)
        self.document.set_auto_page_break(True, 18)
        self.document.add_font("body", "", fonts.paths[BODY_FONT])
        self.document.add_font("body", "B", fonts.paths[BOLD_FONT])
        for name in fonts.fallback_names:
            self.document.add_font(name, "", fonts.paths[name])
        self.document.set_fallback_fonts(fonts.fallback_names, exact_match=False)
        self.document.set_text_shaping(True)
        self.document.add_page()

    def write_header(self, title: str, facts: Iterable[tuple[str, str]]) -> None:
        self.document.set_title(title)
        self._write(title, size=16, style="B", height=9)
        self.document.ln(1)
        for name, value in facts:
            self._write(f"{name}: {value}", size=9, color=MUTED_COLOR, height=4.6)

    def write_day(self, day: str) -> None:
        self.document.ln(4)
        self._write(day, size=9, style="B", color=MUTED_COLOR, align="C")
        self.document.ln(1)

    def write_line(self, line: PDFLine) -> None:
        if line.is_event:
            self._write(f"{line.time}  {line.text}", size=8.5, color=MUTED_COLOR, align="C", height=4.6)
            self.document.ln(1)
            return
        self._write(f"{line.author}, {line.time}", size=8.5, style="B", color=MUTED_COLOR, height=4.8)
        fill: Mapping[str, Any] = {"fill": NOTE_COLOR if line.is_note else OUTBOUND_COLOR} if line.is_outbound else {}
        self._write(line.text, size=10.5, **fill)
        self.document.ln(2.4)

    def finish(self, footnote: str) -> bytes:
        if self.has_missing_glyphs:
            self.document.ln(4)
            self._write(footnote, size=8.5, color=MUTED_COLOR)
        return bytes(self.document.output())

    def _write(
        self,
        text: str,
        *,
        size: float,
        style: str = "",
        color: tuple[int, int, int] = TEXT_COLOR,
        align: str = "L",
        height: float = 5.6,
        fill: tuple[int, int, int] | None = None,
    ) -> None:
        printable = replace_missing_glyphs(shorten_rows(text), self.supported_characters)
        self.has_missing_glyphs |= printable != text
        self.printed_characters += len(printable)
        if self.printed_characters > MAX_PRINTED_CHARACTERS:
            raise ValueError("The conversation is too long for a PDF.")
        self.document.set_font("body", style, size)
        self.document.set_text_color(*color)
        if fill:
            self.document.set_fill_color(*fill)
        for paragraph in split_paragraphs(printable):
            self.document.multi_cell(
                0,
                height,
                paragraph,
                align=align,
                fill=fill is not None,
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
                wrapmode=WrapMode.WORD,
            )


if __name__ == "__main__":
    main()
