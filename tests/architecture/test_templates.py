"""Templates compile and follow the content security policy: no inline code, no external files."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

TEMPLATE_FOLDER = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(str(path.relative_to(TEMPLATE_FOLDER)) for path in TEMPLATE_FOLDER.rglob("*") if path.is_file())
INLINE_PATTERNS = {
    "a style attribute": re.compile(r"\sstyle\s*="),
    "an event attribute": re.compile(r"\son[a-z]+\s*="),
    "an inline style sheet": re.compile(r"<style\b"),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")"),
    "something from another host": re.compile(r"(?:src|srcset|action)=\"https?:|<link[^>]+href=\"https?:"),
    "unescaped text": re.compile(r"(?<!help_text)\|safe\b|autoescape off"),  # Help texts come from our own code.
}

# Elements whose white space is shown (`white-space: pre-wrap`), or that CSS hides while they are `:empty`.
TIGHT_PATTERN = re.compile(
    r"<\w+[^>]*\bclass=\"(?:[^\"]*\bbody\b[^\"]*|\{\{ [\w.]+\|body_class \}\})\"[^>]*>\s"
    r"|\bclass=\"(?:field-error|error)\"[^>]*>\s*\{% if"
)


def test_template_list_is_not_empty() -> None:
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_compiles(name: str) -> None:
    assert engines["django"].get_template(name)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".html")])
def test_the_template_keeps_to_the_content_security_policy(name: str) -> None:
    text = (TEMPLATE_FOLDER / name).read_text()
    assert [pattern_name for pattern_name, pattern in INLINE_PATTERNS.items() if pattern.search(text)] == []


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".html")])
def test_no_white_space_is_added_where_it_would_be_shown(name: str) -> None:
    assert TIGHT_PATTERN.findall((TEMPLATE_FOLDER / name).read_text()) == []
