"""The languages that can be chosen for a customer, and translations of the built-in presences."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from omnichannel.core.languages import language_name

LANGUAGE_CODES = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja",
    "ko", "ms", "nb", "nl", "pl", "pt", "pt-br", "ro", "ru", "sk", "sr", "sv", "sw", "th", "tr", "uk", "ur", "vi",
    "zh-hans", "zh-hant",
)  # fmt: skip


def language_choices() -> Sequence[tuple[str, str]]:
    """Return code and name of each language that can be chosen, sorted by name."""
    choices = sorted(((code, language_name(code)) for code in LANGUAGE_CODES), key=lambda choice: choice[1])
    return [("", _("Unknown")), *choices]


# Marked for translation because every installation starts with these; names from administrators are not translated.
PRESENCE_TRANSLATIONS = (
    gettext_noop("Available"),
    gettext_noop("Ready for work"),
    gettext_noop("Busy"),
    gettext_noop("Working on conversations"),
    gettext_noop("Do not disturb"),
    gettext_noop("Fully busy; no new work"),
    gettext_noop("Appear away"),
    gettext_noop("Not at the desk"),
    gettext_noop("Inactive"),
    gettext_noop("Set by the system after a missed notification"),
    gettext_noop("Offline"),
    gettext_noop("Not signed in"),
)
