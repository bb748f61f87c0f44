"""The languages a customer may be said to speak."""

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
    """Code and name of each language that is offered, by name."""
    named = sorted(((code, language_name(code)) for code in LANGUAGE_CODES), key=lambda one: one[1])
    return [("", _("Not known")), *named]


# What every desk begins with, said in the reader's language; what an administrator names is shown as it is.
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
    # What work streams allow is named by these.
    gettext_noop("Busy - DND"),
    gettext_noop("Away"),
)
