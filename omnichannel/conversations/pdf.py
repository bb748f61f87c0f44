"""A conversation as a PDF, in whatever script it was written.

The fonts come with a package and know Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Georgian and Devanagari, and many
symbols. Chinese, Japanese and Korean need a font of the machine; what no font knows is shown as a box, and an emoji by
its name.
"""

import logging
import tempfile
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pymupdf_fonts
from django.utils.translation import gettext_lazy
from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos

from omnichannel.conversations.export import Entry

# So many entries take about ten seconds; text has no such limit.
MOST: Final = 2000
BODY, BOLD = "figo", "figbo"
OWN = ("symbol2", "symbol1")
# Where the usual packages of Linux put a font for Chinese, Japanese and Korean.
OF_THE_MACHINE = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
)
INK, MUTED, NOTE, OURS = (21, 25, 30), (86, 97, 112), (255, 244, 214), (224, 242, 236)
FOOT = gettext_lazy(
    "Boxes and names in brackets stand for characters no font here knows; the export as text has them all."
)
NOT_KNOWN = "\u25a1"
JOINS = {"\u200d", "\ufe0e", "\ufe0f"}

# What it tells of its work is which letters people used.
logging.getLogger("fontTools").setLevel(logging.WARNING)
_making = threading.Lock()


class Busy(Exception):
    """Another PDF is being made."""


def pdf(title: str, facts: Iterable[tuple[str, str]], entries: Iterable[Entry], zone: tzinfo) -> bytes:
    """The pages; raises Busy while another PDF is being made, because each needs a processor for itself."""
    if not _making.acquire(blocking=False):
        raise Busy
    try:
        sheet = _Sheet(_fonts())
        sheet.begin(title, facts)
        day = ""
        for entry in entries:
            today = f"{entry.at.astimezone(zone):%Y-%m-%d}"
            if today != day:
                sheet.day(today)
                day = today
            sheet.entry(entry, zone)
        return sheet.end()
    finally:
        _making.release()


class _Fonts:
    """Where the fonts lie, and which characters each knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: dict[str, Path] = {}
        for name in (BODY, BOLD, *OWN):
            self.paths[name] = folder / f"{name}.ttf"
            self.paths[name].write_bytes(pymupdf_fonts.myfont(name))
        machine = next((Path(path) for path in OF_THE_MACHINE if Path(path).is_file()), None)
        if machine is not None:
            self.paths["machine"] = machine
        self.fallbacks = [name for name in self.paths if name not in {BODY, BOLD}]
        self.known = frozenset().union(*(_characters(path) for path in self.paths.values()))


def _characters(path: Path) -> frozenset[int]:
    with path.open("rb") as file:
        font = TTCollection(file).fonts[0] if path.suffix == ".ttc" else TTFont(file)
        return frozenset(font.getBestCmap())


@lru_cache(maxsize=1)
def _fonts() -> _Fonts:
    return _Fonts(Path(tempfile.mkdtemp(prefix="omnichannel-fonts-")))


def legible(text: str, known: frozenset[int]) -> str:
    """The text with a box for each character no font knows, and an emoji by its name."""
    shown = []
    for char in text:
        if char in "\n\t" or ord(char) in known:
            shown.append(char)
        elif char not in JOINS and unicodedata.category(char) not in {"Cf", "Mn", "Cc"}:
            name = unicodedata.name(char, "").lower()
            shown.append(f"[{name}]" if name and unicodedata.category(char) in {"So", "Sk"} else NOT_KNOWN)
    return "".join(shown)


class _Sheet:
    """The pages while they are written."""

    def __init__(self, fonts: _Fonts) -> None:
        self.known = fonts.known
        self.has_gaps = False
        self.pages = FPDF(format="A4")
        self.pages.set_margins(18, 16, 18)
        self.pages.set_auto_page_break(True, 18)
        self.pages.add_font("body", "", fonts.paths[BODY])
        self.pages.add_font("body", "B", fonts.paths[BOLD])
        for name in fonts.fallbacks:
            self.pages.add_font(name, "", fonts.paths[name])
        self.pages.set_fallback_fonts(fonts.fallbacks, exact_match=False)
        self.pages.set_text_shaping(True)
        self.pages.add_page()

    def begin(self, title: str, facts: Iterable[tuple[str, str]]) -> None:
        self.pages.set_title(title)
        self._write(title, size=16, style="B", height=9)
        self.pages.ln(1)
        for name, value in facts:
            self._write(f"{name}: {value}", size=9, ink=MUTED, height=4.6)

    def day(self, day: str) -> None:
        self.pages.ln(4)
        self._write(day, size=9, style="B", ink=MUTED, align="C")
        self.pages.ln(1)

    def entry(self, entry: Entry, zone: tzinfo) -> None:
        at = f"{entry.at.astimezone(zone):%H:%M}"
        if entry.is_event:
            self._write(f"{at}  {entry.text}", size=8.5, ink=MUTED, align="C", height=4.6)
            self.pages.ln(1)
            return
        self._write(f"{entry.who}, {at}", size=8.5, style="B", ink=MUTED, height=4.8)
        fill: Mapping[str, Any] = {"fill": NOTE if entry.is_note else OURS} if entry.is_ours else {}
        self._write(entry.text, size=10.5, **fill)
        self.pages.ln(2.4)

    def end(self) -> bytes:
        if self.has_gaps:
            self.pages.ln(4)
            self._write(str(FOOT), size=8.5, ink=MUTED)
        return bytes(self.pages.output())

    def _write(
        self,
        text: str,
        *,
        size: float,
        style: str = "",
        ink: tuple[int, int, int] = INK,
        align: str = "L",
        height: float = 5.6,
        fill: tuple[int, int, int] | None = None,
    ) -> None:
        shown = legible(text, self.known)
        self.has_gaps |= shown != text
        self.pages.set_font("body", style, size)
        self.pages.set_text_color(*ink)
        if fill:
            self.pages.set_fill_color(*fill)
        self.pages.multi_cell(
            0,
            height,
            shown,
            align=align,
            fill=fill is not None,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            wrapmode=WrapMode.WORD,
        )
