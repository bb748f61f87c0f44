"""All texts of the desk are translated into all its languages."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from django.core.management import CommandError, call_command

from omnichannel.management import translation_catalogs as catalogs
from omnichannel.management.commands import translations
from omnichannel.management.translation_catalogs import DOMAINS, LANGUAGES

LANGUAGES_AND_DOMAINS = [(language, domain) for language in LANGUAGES for domain in DOMAINS]
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
    known = {(message.context, message.id) for message in catalogs.read_catalog(language, domain)}
    needed = {(message.context, message.id) for message in catalogs.extract_messages(domain)}
    assert needed - known == set(), "`make translations` brings the catalogs up to date"
    assert catalogs.untranslated(catalogs.read_catalog(language, domain)) == []


@pytest.mark.parametrize(("language", "domain"), LANGUAGES_AND_DOMAINS)
def test_compiled_catalogs_match_their_sources(language: str, domain: str) -> None:
    compiled = catalogs.catalog_path(language, domain, "mo").read_bytes()
    assert compiled == catalogs.compile_catalog(catalogs.read_catalog(language, domain))


@pytest.mark.parametrize(("language", "domain"), LANGUAGES_AND_DOMAINS)
def test_translations_have_the_same_placeholders(language: str, domain: str) -> None:
    wrong = [message.id for message in catalogs.read_catalog(language, domain) if not _has_same_placeholders(message)]
    assert wrong == []


def _has_same_placeholders(message: Message) -> bool:
    if not message.id:
        return True
    texts = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return all(
        sorted(PLACEHOLDER_PATTERN.findall(translation)) == sorted(PLACEHOLDER_PATTERN.findall(texts[-1]))
        for translation in strings
        if translation
    )


class _TextExtractor(HTMLParser):
    """Collect visible texts and labels of a page, except in elements marked as not translated."""

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
    texts = [" ".join(text.split()).strip("· ") for text in reader.found]
    return [word for word in texts if re.search(r"[^\W\d_]{2}", word) and word not in UNTRANSLATED_NAMES]


@pytest.mark.parametrize("path", catalogs.templates(), ids=lambda path: path.name)
def test_a_template_of_the_desk_says_nothing_that_is_not_translated(path: Path) -> None:
    assert _untranslated_texts(path.read_text()) == []


def test_untranslated_text_is_detected() -> None:
    assert _untranslated_texts('{% if a %}<p title="Now">Hello</p>{% endif %}{% translate "Good" %}') == [
        "Now",
        "Hello",
    ]


@pytest.mark.parametrize("language", ["pt-br", "pt_BR", "pt_br"])
def test_a_language_with_a_region_gets_catalogs_that_django_finds(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogs, "LOCALE_ROOT", tmp_path)
    call_command("translations", language)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    folder = "pt_BR/LC_MESSAGES"
    assert files == [f"{folder}/{name}" for name in ("django.mo", "django.po", "djangojs.mo", "djangojs.po")]
    assert catalogs.read_catalog(language, "django").locale_identifier == "pt_BR"
    assert f"{language}: not translated: Unsupported message" in capsys.readouterr().out


def test_an_update_keeps_the_translations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalogs.catalog_path("de", "djangojs", "po").read_bytes()
    monkeypatch.setattr(catalogs, "LOCALE_ROOT", tmp_path)
    path = catalogs.catalog_path("de", "djangojs", "po")
    path.parent.mkdir(parents=True)
    path.write_bytes(before)
    call_command("translations", "de")
    assert path.read_bytes() == before


def test_without_babel_the_command_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translations, "find_spec", lambda name: None)
    with pytest.raises(CommandError, match=r"requirements-dev\.lock"):
        call_command("translations")
