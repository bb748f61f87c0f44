"""The lock files match the requirements and install from the public package index only."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PIN = re.compile(r"(?m)^([\w.-]+)(?:\[\w+\])?==([^\s;]+)")


def _pins(name: str) -> set[tuple[str, str]]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return {(re.sub(r"[-_.]+", "-", package).lower(), version) for package, version in PIN.findall(text)}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_has_every_requirement_in_its_version(name: str) -> None:
    assert _pins(f"{name}.txt") - _pins(f"{name}.lock") == set(), "run `make lock`"


def test_tests_run_with_the_versions_of_production() -> None:
    assert _pins("requirements.lock") - _pins("requirements-dev.lock") == set(), "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_names_no_package_index(name: str) -> None:
    assert re.findall(r"--(?:extra-)?index-url|--find-links|https?:|file:", (ROOT / name).read_text()) == []
