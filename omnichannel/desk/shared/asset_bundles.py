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

STYLESHEETS: Final = {
    "base": ("css/tokens.css", "desk/shared/base.css"),
    "desk": (
        "css/tokens.css",
        "desk/shared/base.css",
        "desk/shared/layout.css",
        "desk/inbox/conversation_list.css",
        "desk/thread/thread.css",
        "desk/composer/composer.css",
        "desk/dialogs/dialogs.css",
        "desk/composer/templates.css",
        "desk/customer_panel/customer_panel.css",
        "desk/agent_status/offers.css",
        "desk/preferences/preferences.css",
        "desk/shared/shortcuts.css",
    ),
}
# Libraries come as they are; each of our own scripts has a scope of its own, and a fault in one spares the others.
VENDOR_SCRIPTS: Final = {"base": (), "desk": ("django_htmx/htmx-2.min.js",)}
SCRIPTS: Final = {
    "base": ("desk/shared/timezone.js",),
    "desk": (
        "desk/shared/timezone.js",
        "js/dom.js",
        "desk/shared/desk.js",
        "desk/shared/announcer.js",
        "desk/thread/thread.js",
        "desk/inbox/conversation_list.js",
        "desk/composer/drafts.js",
        "desk/composer/composer.js",
        "desk/composer/uploads.js",
        "desk/composer/quote_reply.js",
        "desk/composer/undo_send.js",
        "desk/composer/reply_collision.js",
        "desk/composer/command_palette.js",
        "desk/composer/formatting.js",
        "desk/composer/templates.js",
        "desk/agent_status/offers.js",
        "desk/dialogs/dialogs.js",
        "desk/customer_panel/customer_panel.js",
        "desk/composer/typing_indicator.js",
        "desk/thread/lightbox.js",
        "desk/agent_status/sounds.js",
        "desk/shared/live_events.js",
        "desk/preferences/preferences.js",
        "desk/shared/shortcuts.js",
    ),
}


@dataclass(frozen=True)
class Bundle:
    """What is sent, plain and compressed, under an address that changes with its content."""

    content: bytes
    gzipped: bytes
    version: str

    @classmethod
    def from_text(cls, text: str) -> "Bundle":
        """A bundle of this text."""
        plain = text.encode()
        return cls(plain, gzip.compress(plain, mtime=0), sha256(plain).hexdigest()[:16])


def get_stylesheet_bundle(kind: str) -> Bundle:
    """The style sheets of this kind of page."""
    return _build_stylesheet_bundle(kind, _modification_times(STYLESHEETS[kind]))


def get_script_bundle(kind: str, language: str) -> Bundle:
    """The scripts of this kind of page, with their words in this language."""
    return _build_script_bundle(kind, language, _modification_times((*VENDOR_SCRIPTS[kind], *SCRIPTS[kind])))


@lru_cache(maxsize=32)
def _build_stylesheet_bundle(kind: str, changed: tuple[int, ...]) -> Bundle:
    return Bundle.from_text("\n".join(_find_static_file(name).read_text() for name in STYLESHEETS[kind]))


@lru_cache(maxsize=32)
def _build_script_bundle(kind: str, language: str, changed: tuple[int, ...]) -> Bundle:
    libraries = (_find_static_file(name).read_text() for name in VENDOR_SCRIPTS[kind])
    own = (_wrap_in_scope(_find_static_file(name).read_text()) for name in SCRIPTS[kind])
    return Bundle.from_text("\n".join([_javascript_catalog(language), *libraries, *own]))


def _wrap_in_scope(script: str) -> str:
    return f"try {{ (() => {{\n{script}\n}})(); }} catch (error) {{ reportError(error); }}"


def _javascript_catalog(language: str) -> str:
    with translation.override(language):
        view = JavaScriptCatalog()
        # Our own words alone: the administration's would come along otherwise.
        view.translation = DjangoTranslation(
            language, domain="djangojs", localedirs=[str(path) for path in settings.LOCALE_PATHS]
        )
        return view.render_to_response(view.get_context_data()).content.decode()


def _modification_times(names: tuple[str, ...]) -> tuple[int, ...]:
    """While somebody works on the files: when each was changed, so that a reload shows it."""
    return tuple(_find_static_file(name).stat().st_mtime_ns for name in names) if settings.DEBUG else ()


def _find_static_file(name: str) -> Path:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"There is no static file {name}.")
    return Path(found)
