"""The desk's words in other languages: `python -m tests.translations` brings the catalogues up to date.

It collects the words from templates, Python and scripts, keeps what is translated already, and writes both the
catalogue people edit (.po) and the one the desk may_read (.mo). It needs no gettext on the machine.
"""

import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
ROOT = Path(settings.BASE_DIR)
FIXED_CREATION_DATE = datetime(2026, 1, 1, tzinfo=UTC)
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
# Written in English only: the administration, Twilio's simulator.
UNTRANSLATED_TEMPLATE_FOLDERS = ("admin", "simulator")
UNTRANSLATED_SCRIPTS = {"admin.js", "simulator.js"}
GETTEXT_KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "localized"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "localized_plural"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


def translated_templates() -> list[Path]:
    """The templates whose words are translated."""
    folder = ROOT / "templates"
    found = sorted(folder.rglob("*.html"))
    return [path for path in found if path.relative_to(folder).parts[0] not in UNTRANSLATED_TEMPLATE_FOLDERS]


def translated_scripts() -> list[Path]:
    """The scripts whose words are translated."""
    return [path for path in sorted((ROOT / "static").rglob("*.js")) if path.name not in UNTRANSLATED_SCRIPTS]


def python_sources() -> list[Path]:
    """The Python files in which there may be words of the desk."""
    packages = ("omnichannel", "channels_whatsapp", "routing")
    found = (path for package in packages for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in found if "migrations" not in path.parts]


def extract_messages(domain: str) -> Catalog:
    """Every word of the desk that is to be translated, with the files it is in."""
    catalogue = Catalog(charset="utf-8")
    parts = _extract_from_scripts() if domain == "djangojs" else _extract_from_templates_and_python()
    for path, message, comments, context in parts:
        place = (str(path.relative_to(ROOT)), 0)
        catalogue.add(message, locations=[place], auto_comments=comments, context=context)
    return catalogue


def _extract_from_scripts() -> Iterator[tuple[Path, str, list[str], str | None]]:
    for path in translated_scripts():
        yield from _extract_from_text(path, "javascript", path.read_text())


def _extract_from_templates_and_python() -> Iterator[tuple[Path, str, list[str], str | None]]:
    for path in translated_templates():
        # What is no word is blanked out, but its indentation means nothing in Python.
        text = re.sub(r"(?m)^\s+", "", templatize(path.read_text()))
        yield from _extract_from_text(path, "python", text)
    for path in python_sources():
        yield from _extract_from_text(path, "python", path.read_text())


def _extract_from_text(path: Path, method: str, text: str) -> Iterator[tuple[Path, str, list[str], str | None]]:
    for _socket, message, comments, context in extract(method, io.BytesIO(text.encode()), keywords=GETTEXT_KEYWORDS):
        yield path, message, comments, context


def catalog_path(language: str, domain: str, ending: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"{domain}.{ending}"


def read_catalog(language: str, domain: str) -> Catalog:
    """What is translated already."""
    path = catalog_path(language, domain, "po")
    if not path.exists():
        return Catalog(locale=language, domain=domain)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def _set_fixed_header(of: Catalog) -> None:
    """A head without a moment: an update that brings nothing new changes nothing."""
    of.project, of.version, of.copyright_holder = "Omnichannel", "", "Omnichannel"
    of.header_comment = "# The desk's words; brought up to date by `python -m tests.translations`."
    of.creation_date = of.revision_date = FIXED_CREATION_DATE
    of.last_translator = of.language_team = "Omnichannel"
    of.fuzzy = False


def compile_catalog(of: Catalog) -> bytes:
    """The catalogue as the desk may_read it."""
    written = io.BytesIO()
    write_mo(written, of)
    return written.getvalue()


def untranslated_messages(of: Catalog) -> list[str]:
    """What has no translation yet."""
    return [str(message.id) for message in of if message.id and not _is_translated(message)]


def _is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return all(strings) and not message.fuzzy


def update_catalog(language: str, domain: str) -> Catalog:
    """Bring a catalogue up to date, and write it."""
    found = read_catalog(language, domain)
    found.update(extract_messages(domain), no_fuzzy_matching=True, update_creation_date=False)
    _set_fixed_header(found)
    found.obsolete.clear()
    path = catalog_path(language, domain, "po")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, found, width=120, sort_by_file=True, include_lineno=False, omit_header=False)
    catalog_path(language, domain, "mo").write_bytes(compile_catalog(found))
    return found


def main() -> None:
    for language in LANGUAGES:
        for domain in ("django", "djangojs"):
            for one in untranslated_messages(update_catalog(language, domain)):
                print(f"{language}: not translated yet: {one}")


if __name__ == "__main__":
    main()
