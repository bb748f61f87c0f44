"""Language codes and the names of languages."""

import re

from django.utils import translation
from django.utils.translation import gettext_lazy

# The names that Django misspells or does not know, among those that WhatsApp templates can have.
OWN_NAMES = {
    "nb": gettext_lazy("Norwegian Bokmål"),
    "es-ar": gettext_lazy("Argentine Spanish"),
    "sr-latn": gettext_lazy("Serbian (Latin)"),
    "am": gettext_lazy("Amharic"),
    "fil": gettext_lazy("Filipino"),
    "gu": gettext_lazy("Gujarati"),
    "ha": gettext_lazy("Hausa"),
    "lo": gettext_lazy("Lao"),
    "prs": gettext_lazy("Dari"),
    "ps": gettext_lazy("Pashto"),
    "rw": gettext_lazy("Kinyarwanda"),
    "si": gettext_lazy("Sinhala"),
    "zu": gettext_lazy("Zulu"),
}

CODE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def is_language_code(code: str) -> bool:
    """Return whether the text has the form of a language code, such as "de" or "pt-BR"."""
    return CODE.fullmatch(code) is not None


def language_name(code: str) -> str:
    """Return the language's name in the reader's language, or the code itself when it is unknown.

    Codes are accepted with hyphens ("pt-br") and, as Twilio writes them, with underscores ("pt_BR").
    """
    if not code:
        return ""
    normalized = code.lower().replace("_", "-")
    own_name = OWN_NAMES.get(normalized) or OWN_NAMES.get(normalized.partition("-")[0])
    try:
        return str(own_name or translation.get_language_info(normalized)["name_translated"])
    except KeyError:
        return code
