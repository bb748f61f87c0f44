"""The languages a customer may be said to speak."""

from collections.abc import Sequence

from django.utils import translation

OFFERED = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja",
    "ko", "ms", "nb", "nl", "pl", "pt", "pt-br", "ro", "ru", "sk", "sr", "sv", "sw", "th", "tr", "uk", "ur", "vi",
    "zh-hans", "zh-hant",
)  # fmt: skip


def language_name(code: str) -> str:
    """What the language is called; the code itself where that is not known."""
    try:
        return str(translation.get_language_info(code.lower())["name"]) if code else ""
    except KeyError:
        return code


def languages_to_choose() -> Sequence[tuple[str, str]]:
    """Code and name of each language that is offered, by name."""
    named = sorted(((code, language_name(code)) for code in OFFERED), key=lambda one: one[1])
    return [("", "Not known"), *named]
