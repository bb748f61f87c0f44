"""Every word of the desk can be read in every language it is offered in."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests import translations
from tests.translations import LANGUAGES

DOMAINS = ["django", "djangojs"]
EACH = [(language, domain) for language in LANGUAGES for domain in DOMAINS]
HOLE = re.compile(r"%\(\w+\)s|%s|\{\w+\}|</?\w+>")
SAID = {"aria-label", "title", "placeholder", "alt"}
NAMES = {"Omnichannel", "PDF", "WhatsApp"}  # the same in every language
TRANSLATED = re.compile(
    r"{%\s*block body_class.*?endblock\s*%}"
    r"|{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}|{#.*?#}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)


@pytest.mark.parametrize(("language", "domain"), EACH)
def test_every_word_is_translated(language: str, domain: str) -> None:
    known = {(message.context, message.id) for message in translations.catalogue(language, domain)}
    needed = {(message.context, message.id) for message in translations.words(domain)}
    assert needed - known == set(), "python -m tests.translations brings the catalogues up to date"
    assert translations.missing(translations.catalogue(language, domain)) == []


@pytest.mark.parametrize(("language", "domain"), EACH)
def test_what_the_desk_reads_is_what_people_edit(language: str, domain: str) -> None:
    written = translations.file_of(language, domain, "mo").read_bytes()
    assert written == translations.as_read(translations.catalogue(language, domain))


@pytest.mark.parametrize(("language", "domain"), EACH)
def test_a_translation_has_the_same_holes_to_fill(language: str, domain: str) -> None:
    wrong = [message.id for message in translations.catalogue(language, domain) if not _same_holes(message)]
    assert wrong == []


def _same_holes(message: Message) -> bool:
    if not message.id:
        return True
    texts = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    return all(sorted(HOLE.findall(one)) == sorted(HOLE.findall(texts[-1])) for one in strings if one)


class _Words(HTMLParser):
    """What people read or hear of a page, outside of what is translated."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SAID and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def _untranslated(template: str) -> list[str]:
    reader = _Words()
    reader.feed(TRANSLATED.sub("", template))
    words = [" ".join(text.split()).strip("· ") for text in reader.found]
    return [word for word in words if re.search(r"[^\W\d_]{2}", word) and word not in NAMES]


@pytest.mark.parametrize("path", translations.templates(), ids=lambda path: path.name)
def test_a_template_of_the_desk_says_nothing_that_is_not_translated(path: Path) -> None:
    assert _untranslated(path.read_text()) == []


def test_a_word_that_was_forgotten_is_found() -> None:
    assert _untranslated('{% if a %}<p title="Now">Hello</p>{% endif %}{% translate "Good" %}') == ["Now", "Hello"]
