"""Render a conversation as a PDF, in any script.

A separate program, `python -m omnichannel.conversations.export.pdf`, that needs neither Django nor the database:
`transcript.export_pdf` runs it as a child process with limits. It reads a JSON document from standard input and writes
the PDF to standard output.

The bundled fonts cover Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Georgian, Devanagari and many symbols. Chinese,
Japanese and Korean need a system font. A character that no font has is shown as a box, and an emoji by its name.
"""

import json
import logging
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pymupdf_fonts
from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont

BODY_FONT, BOLD_FONT = "figo", "figbo"
SYMBOL_FONTS = ("symbol2", "symbol1")
# Paths at which common Linux packages install a font for Chinese, Japanese and Korean.
SYSTEM_CJK_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
)
TEXT_COLOR, MUTED_COLOR, NOTE_COLOR, OUTBOUND_COLOR = (21, 25, 30), (86, 97, 112), (255, 244, 214), (224, 242, 236)
MISSING_GLYPH = "\u25a1"
INVISIBLE_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}
# fpdf2 recurses once per character of a run without letters, such as 4,096 boxes or line breaks.
RECURSION_LIMIT: Final = 200_000
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


def render_pdf(title: str, facts: Iterable[tuple[str, str]], lines: Iterable[PDFLine], footnote: str) -> bytes:
    """Return the PDF; the footnote is added when a character is missing from the fonts."""
    with tempfile.TemporaryDirectory() as folder:
        writer = _PDFWriter(_FontSet(Path(folder)))
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: dict[str, Path] = {}
        for name in (BODY_FONT, BOLD_FONT, *SYMBOL_FONTS):
            self.paths[name] = folder / f"{name}.ttf"
            self.paths[name].write_bytes(pymupdf_fonts.myfont(name))
        system_font = next((Path(path) for path in SYSTEM_CJK_FONTS if Path(path).is_file()), None)
        if system_font is not None:
            self.paths["system"] = system_font
        self.fallback_names = [name for name in self.paths if name not in {BODY_FONT, BOLD_FONT}]
        self.supported_characters = frozenset().union(
            *(_get_supported_characters(path) for path in self.paths.values())
        )


def _get_supported_characters(path: Path) -> frozenset[int]:
    with path.open("rb") as file:
        font = TTCollection(file).fonts[0] if path.suffix == ".ttc" else TTFont(file)
        return frozenset(font.getBestCmap())


def replace_missing_glyphs(text: str, supported: frozenset[int]) -> str:
    """Replace characters that no font has: an emoji by its name in brackets, others by a box."""
    parts = []
    for char in text:
        if char in "\n\t" or ord(char) in supported:
            parts.append(char)
        elif char not in INVISIBLE_JOINERS and unicodedata.category(char) not in {"Cf", "Mn", "Cc"}:
            name = unicodedata.name(char, "").lower()
            parts.append(f"[{name}]" if name and unicodedata.category(char) in {"So", "Sk"} else MISSING_GLYPH)
    return "".join(parts)


class _PDFWriter:
    """Writer of the pages."""

    def __init__(self, fonts: _FontSet) -> None:
        self.supported_characters = fonts.supported_characters
        self.has_missing_glyphs = False
        self.document = FPDF(format="A4")
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
        printable = replace_missing_glyphs(text, self.supported_characters)
        self.has_missing_glyphs |= printable != text
        self.document.set_font("body", style, size)
        self.document.set_text_color(*color)
        if fill:
            self.document.set_fill_color(*fill)
        self.document.multi_cell(
            0,
            height,
            printable,
            align=align,
            fill=fill is not None,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            wrapmode=WrapMode.WORD,
        )


if __name__ == "__main__":
    main()
