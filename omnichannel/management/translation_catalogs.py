"""Translation catalogs: extract the messages, update the .po files, compile the .mo files.

Uses Babel instead of Django's makemessages and compilemessages, which need GNU gettext on the machine.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
LOCALE_ROOT = Path(settings.LOCALE_PATHS[0])
DOMAINS = ("django", "djangojs")
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
# A fixed date in the header: an update without new messages leaves the files unchanged.
HEADER_DATE = datetime(2026, 1, 1, tzinfo=UTC)
# The administration and the simulator are in English only.
ENGLISH_TEMPLATE_FOLDERS = ("admin", "simulator")
ENGLISH_SCRIPTS = {"admin.js", "simulator.js"}
PACKAGES = ("omnichannel", "channels_whatsapp", "routing")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "localized"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "localized_plural"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}

# file, message, translators' comments, context
Extracted = tuple[Path, str | tuple[str, ...], list[str], str | None]


def templates() -> list[Path]:
    """Return the templates with translatable text."""
    folder = ROOT / "templates"
    paths = sorted(folder.rglob("*.html"))
    return [path for path in paths if path.relative_to(folder).parts[0] not in ENGLISH_TEMPLATE_FOLDERS]


def scripts() -> list[Path]:
    """Return the scripts with translatable text."""
    return [path for path in sorted((ROOT / "static").rglob("*.js")) if path.name not in ENGLISH_SCRIPTS]


def python_modules() -> list[Path]:
    """Return the Python modules that may have translatable text."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in paths if "migrations" not in path.parts]


def extract_messages(domain: str) -> Catalog:
    """Return a catalog of all translatable messages of a domain, with the files they are in."""
    catalog = Catalog(charset="utf-8")
    messages = _script_messages() if domain == "djangojs" else _python_and_template_messages()
    for path, message, comments, context in messages:
        location = (str(path.relative_to(ROOT)), 0)
        catalog.add(message, locations=[location], auto_comments=comments, context=context)
    return catalog


def _script_messages() -> Iterator[Extracted]:
    for path in scripts():
        yield from _extract(path, "javascript", path.read_text(encoding="utf-8"))


def _python_and_template_messages() -> Iterator[Extracted]:
    for path in templates():
        # `templatize` replaces everything else with blanks; without its indentation the result is valid Python.
        text = re.sub(r"(?m)^\s+", "", templatize(path.read_text(encoding="utf-8")))
        yield from _extract(path, "python", text)
    for path in python_modules():
        yield from _extract(path, "python", path.read_text(encoding="utf-8"))


def _extract(path: Path, method: str, text: str) -> Iterator[Extracted]:
    for _line, message, comments, context in extract(method, io.BytesIO(text.encode()), keywords=KEYWORDS):
        yield path, message, comments, context


def locale_name(language: str) -> str:
    """Return the name of a language's folder and of Babel's locale: `pt_BR` for `pt-br` and for `pt_BR`."""
    return to_locale(language.replace("_", "-"))


def catalog_path(language: str, domain: str, suffix: str) -> Path:
    """Return the path of a catalog: `po` is edited by translators, `mo` is read by the desk."""
    return LOCALE_ROOT / locale_name(language) / "LC_MESSAGES" / f"{domain}.{suffix}"


def read_catalog(language: str, domain: str) -> Catalog:
    """Return the present translations; an empty catalog for a new language."""
    path, locale = catalog_path(language, domain, "po"), locale_name(language)
    if not path.exists():
        return Catalog(locale=locale, domain=domain)
    with path.open("rb") as file:
        return read_po(file, locale=locale, domain=domain)


def compile_catalog(catalog: Catalog) -> bytes:
    """Return the content of the .mo file."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    """Return the messages without a translation."""
    return [str(message.id) for message in catalog if message.id and not _is_translated(message)]


def _is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return all(strings) and not message.fuzzy


def update(language: str, domain: str) -> Catalog:
    """Add new messages to a catalog, remove those no longer in use, and write the .po and the .mo file."""
    catalog = read_catalog(language, domain)
    catalog.update(extract_messages(domain), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    _set_header(catalog)
    path = catalog_path(language, domain, "po")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_by_file=True, include_lineno=False, omit_header=False)
    catalog_path(language, domain, "mo").write_bytes(compile_catalog(catalog))
    return catalog


def _set_header(catalog: Catalog) -> None:
    catalog.project, catalog.version, catalog.copyright_holder = "Omnichannel", "", "Omnichannel"
    catalog.header_comment = "# Translations of the desk; `make translations` brings this file up to date."
    catalog.creation_date = catalog.revision_date = HEADER_DATE
    catalog.last_translator = catalog.language_team = "Omnichannel"
    catalog.fuzzy = False
