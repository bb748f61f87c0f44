"""The desk's style sheets and scripts: many files under static/, one of each kind on the wire.

A new file of the desk is named here, and nowhere else. The scripts begin with the words of the page's language, so
`gettext`, `ngettext` and `interpolate` are there for all of them.
"""

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils import translation
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JavaScriptCatalog

STYLES: Final = {
    "base": ("css/tokens.css", "css/base.css"),
    "desk": (
        "css/tokens.css",
        "css/base.css",
        "css/desk.css",
        "css/list.css",
        "css/thread.css",
        "css/composer.css",
        "css/together.css",
        "css/templates.css",
        "css/customer.css",
        "css/offers.css",
        "css/preferences.css",
        "css/shortcuts.css",
    ),
}
# Libraries come as they are; each of our own scripts has a scope of its own, and a fault in one spares the others.
LIBRARIES: Final = {"base": (), "desk": ("django_htmx/htmx-2.min.js",)}
SCRIPTS: Final = {
    "base": ("js/timezone.js",),
    "desk": (
        "js/timezone.js",
        "js/desk.js",
        "js/say.js",
        "js/thread.js",
        "js/list.js",
        "js/drafts.js",
        "js/composer.js",
        "js/files.js",
        "js/quoting.js",
        "js/undo.js",
        "js/meanwhile.js",
        "js/slash.js",
        "js/format.js",
        "js/templates.js",
        "js/offers.js",
        "js/together.js",
        "js/customer.js",
        "js/typing.js",
        "js/viewer.js",
        "js/sounds.js",
        "js/live.js",
        "js/preferences.js",
        "js/shortcuts.js",
    ),
}


@dataclass(frozen=True)
class Bundle:
    """What is sent, plain and compressed, under an address that changes with its content."""

    plain: bytes
    compressed: bytes
    version: str

    @classmethod
    def of(cls, text: str) -> "Bundle":
        """A bundle of this text."""
        plain = text.encode()
        return cls(plain, gzip.compress(plain, mtime=0), sha256(plain).hexdigest()[:16])


def styles(kind: str) -> Bundle:
    """The style sheets of this kind of page."""
    return _styles(kind, _changed(STYLES[kind]))


def scripts(kind: str, language: str) -> Bundle:
    """The scripts of this kind of page, with their words in this language."""
    return _scripts(kind, language, _changed((*LIBRARIES[kind], *SCRIPTS[kind])))


@lru_cache(maxsize=32)
def _styles(kind: str, changed: tuple[int, ...]) -> Bundle:
    return Bundle.of("\n".join(_path(name).read_text() for name in STYLES[kind]))


@lru_cache(maxsize=32)
def _scripts(kind: str, language: str, changed: tuple[int, ...]) -> Bundle:
    libraries = (_path(name).read_text() for name in LIBRARIES[kind])
    own = (_in_its_scope(_path(name).read_text()) for name in SCRIPTS[kind])
    return Bundle.of("\n".join([_words(language), *libraries, *own]))


def _in_its_scope(script: str) -> str:
    return f"try {{ (() => {{\n{script}\n}})(); }} catch (error) {{ reportError(error); }}"


def _words(language: str) -> str:
    with translation.override(language):
        view = JavaScriptCatalog()
        # Our own words alone: the administration's would come along otherwise.
        view.translation = DjangoTranslation(
            language, domain="djangojs", localedirs=[str(path) for path in settings.LOCALE_PATHS]
        )
        return view.render_to_response(view.get_context_data()).content.decode()


def _changed(names: tuple[str, ...]) -> tuple[int, ...]:
    """While somebody works on the files: when each was changed, so that a reload shows it."""
    return tuple(_path(name).stat().st_mtime_ns for name in names) if settings.DEBUG else ()


def _path(name: str) -> Path:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"There is no static file {name}.")
    return Path(found)
