"""Language codes and the names of languages."""

import re

from django.utils import translation

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
    try:
        return str(translation.get_language_info(code.lower().replace("_", "-"))["name_translated"])
    except KeyError:
        return code
