"""Every template compiles, and keeps to the content security policy: nothing inline, nothing from elsewhere."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

FOLDER = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file())
INLINE = {
    "a style attribute": re.compile(r"\sstyle\s*="),
    "an event attribute": re.compile(r"\son[a-z]+\s*="),
    "an inline style sheet": re.compile(r"<style\b"),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")"),
    "something from another host": re.compile(r"(?:src|srcset|action)=\"https?:|<link[^>]+href=\"https?:"),
    "unescaped text": re.compile(r"(?<!help_text)\|safe\b|autoescape off"),  # help texts are ours
}


# Elements whose white space is shown (`white-space: pre-wrap`), or that CSS hides while they are `:empty`.
TIGHT = re.compile(r"<\w+[^>]*\bclass=\"(?:tpl-body )?body\"[^>]*>\s|\bclass=\"(?:field-error|error)\"[^>]*>\s*\{% if")


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_compiles(name: str) -> None:
    assert engines["django"].get_template(name)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".html")])
def test_the_template_keeps_to_the_content_security_policy(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert [what for what, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".html")])
def test_no_white_space_is_added_where_it_would_be_shown(name: str) -> None:
    assert TIGHT.findall((FOLDER / name).read_text()) == []
