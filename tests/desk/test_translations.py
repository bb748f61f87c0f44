"""Every word of the desk can be read in every language it is offered in."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests import translations
from tests.translations import LANGUAGES

GETTEXT_DOMAINS = ["django", "djangojs"]
LANGUAGES_AND_DOMAINS = [(language, domain) for language in LANGUAGES for domain in GETTEXT_DOMAINS]
PLACEHOLDER_PATTERN = re.compile(r"%\(\w+\)s|%s|\{\w+\}|</?\w+>")
TEXT_ATTRIBUTES = {"aria-label", "title", "placeholder", "alt"}
UNTRANSLATED_NAMES = {"Omnichannel", "PDF", "WhatsApp"}  # the same in every language
TRANSLATED_BLOCK_PATTERN = re.compile(
    r"{%\s*block body_class.*?endblock\s*%}"
    r"|{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}|{#.*?#}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)


@pytest.mark.parametrize(("language", "domain"), LANGUAGES_AND_DOMAINS)
def test_every_word_is_translated(language: str, domain: str) -> None:
    known = {(message.context, message.id) for message in translations.read_catalog(language, domain)}
    needed = {(message.context, message.id) for message in translations.extract_messages(domain)}
    assert needed - known == set(), "python -m tests.translations brings the catalogues up to date"
    assert translations.untranslated_messages(translations.read_catalog(language, domain)) == []


@pytest.mark.parametrize(("language", "domain"), LANGUAGES_AND_DOMAINS)
def test_compiled_catalogs_match_their_sources(language: str, domain: str) -> None:
    written = translations.catalog_path(language, domain, "mo").read_bytes()
    assert written == translations.compile_catalog(translations.read_catalog(language, domain))


@pytest.mark.parametrize(("language", "domain"), LANGUAGES_AND_DOMAINS)
def test_translations_have_the_same_placeholders(language: str, domain: str) -> None:
    wrong = [
        message.id for message in translations.read_catalog(language, domain) if not _has_same_placeholders(message)
    ]
    assert wrong == []


def _has_same_placeholders(message: Message) -> bool:
    if not message.id:
        return True
    texts = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    return all(
        sorted(PLACEHOLDER_PATTERN.findall(one)) == sorted(PLACEHOLDER_PATTERN.findall(texts[-1]))
        for one in strings
        if one
    )


class _TextExtractor(HTMLParser):
    """What people read or hear of a page, outside of what is translated."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in TEXT_ATTRIBUTES and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def _untranslated_texts(template: str) -> list[str]:
    reader = _TextExtractor()
    reader.feed(TRANSLATED_BLOCK_PATTERN.sub("", template))
    words = [" ".join(text.split()).strip("· ") for text in reader.found]
    return [word for word in words if re.search(r"[^\W\d_]{2}", word) and word not in UNTRANSLATED_NAMES]


@pytest.mark.parametrize("path", translations.translated_templates(), ids=lambda path: path.name)
def test_a_template_of_the_desk_says_nothing_that_is_not_translated(path: Path) -> None:
    assert _untranslated_texts(path.read_text()) == []


def test_untranslated_text_is_detected() -> None:
    assert _untranslated_texts('{% if a %}<p title="Now">Hello</p>{% endif %}{% translate "Good" %}') == [
        "Now",
        "Hello",
    ]
