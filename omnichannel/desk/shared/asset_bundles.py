"""Bundle the desk's style sheets and scripts: many files under static/, one response of each kind.

A new file of the desk is listed here, and nowhere else. A script bundle begins with the translations of the page's
language, so `gettext`, `ngettext` and `interpolate` are available to all scripts.
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
    "base": ("css/tokens.css", "desk/shared/base.css", "desk/shared/top_bar.css"),
    "desk": (
        "css/tokens.css",
        "desk/shared/base.css",
        "desk/shared/top_bar.css",
        "desk/shared/layout.css",
        "desk/inbox/conversation_list.css",
        "desk/thread/thread.css",
        "desk/composer/composer.css",
        "desk/dialogs/dialogs.css",
        "desk/composer/templates.css",
        "css/placeholders.css",
        "desk/customer_panel/customer_panel.css",
        "desk/agent_status/offers.css",
        "desk/preferences/preferences.css",
        "desk/shared/shortcuts.css",
    ),
}
# Libraries are included unchanged; each of our own scripts gets its own scope, so an error in one spares the others.
VENDOR_SCRIPTS: Final = {
    "base": (),
    "desk": ("django_htmx/htmx-2.min.js",),
    "admin": ("django_htmx/htmx-2.min.js",),
}
SCRIPTS: Final = {
    "base": ("js/timezone.js",),
    "desk": (
        "js/timezone.js",
        "js/dom.js",
        "desk/shared/requests.js",
        "desk/shared/fragments.js",
        "desk/shared/menus.js",
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
        "desk/composer/mentions.js",
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
    # The top bar of the administration: menus, presence, offers.
    "admin": (
        "js/timezone.js",
        "js/dom.js",
        "desk/shared/requests.js",
        "desk/shared/fragments.js",
        "desk/shared/menus.js",
        "desk/shared/announcer.js",
        "desk/agent_status/offers.js",
        "desk/agent_status/sounds.js",
        "desk/shared/live_events.js",
    ),
}


@dataclass(frozen=True)
class Bundle:
    """The content of a response, plain and compressed, and a version that changes with it."""

    content: bytes
    gzipped: bytes
    version: str

    @classmethod
    def from_text(cls, text: str) -> "Bundle":
        """Return a bundle of this text."""
        plain = text.encode()
        return cls(plain, gzip.compress(plain, mtime=0), sha256(plain).hexdigest()[:16])


def get_stylesheet_bundle(kind: str) -> Bundle:
    """Return the style sheets of this kind of page, `base` or `desk`."""
    return _build_stylesheet_bundle(kind, _modification_times(STYLESHEETS[kind]))


def get_script_bundle(kind: str, language: str) -> Bundle:
    """Return the scripts of this kind of page, with their translations for this language."""
    return _build_script_bundle(kind, language, _modification_times((*VENDOR_SCRIPTS[kind], *SCRIPTS[kind])))


@lru_cache(maxsize=32)
def _build_stylesheet_bundle(kind: str, modification_times: tuple[int, ...]) -> Bundle:
    return Bundle.from_text("\n".join(_find_static_file(name).read_text() for name in STYLESHEETS[kind]))


@lru_cache(maxsize=32)
def _build_script_bundle(kind: str, language: str, modification_times: tuple[int, ...]) -> Bundle:
    libraries = (_find_static_file(name).read_text() for name in VENDOR_SCRIPTS[kind])
    scripts = (_wrap_in_scope(_find_static_file(name).read_text()) for name in SCRIPTS[kind])
    return Bundle.from_text("\n".join([_javascript_catalog(language), *libraries, *scripts]))


def _wrap_in_scope(script: str) -> str:
    return f"try {{ (() => {{\n{script}\n}})(); }} catch (error) {{ reportError(error); }}"


def _javascript_catalog(language: str) -> str:
    with translation.override(language):
        view = JavaScriptCatalog()
        # Restricted to our own catalogs; by default the translations of Django's admin are included.
        view.translation = DjangoTranslation(
            language, domain="djangojs", localedirs=[str(path) for path in settings.LOCALE_PATHS]
        )
        return view.render_to_response(view.get_context_data()).content.decode()


def _modification_times(names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the times of the last changes, so that a reload shows them; empty in production."""
    return tuple(_find_static_file(name).stat().st_mtime_ns for name in names) if settings.DEBUG else ()


def _find_static_file(name: str) -> Path:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(f"There is no static file {name}.")
    return Path(path)
