"""Remove NUL characters: PostgreSQL refuses them in text and in JSON."""

from collections.abc import Mapping
from typing import Any


def remove_nul(text: str) -> str:
    """Return the text without NUL characters."""
    return text.replace("\x00", "")


def remove_nul_from_json(value: Any) -> Any:
    """Return the JSON value without NUL characters in its texts and keys."""
    if isinstance(value, str):
        return remove_nul(value)
    if isinstance(value, Mapping):
        return {remove_nul(str(name)): remove_nul_from_json(item) for name, item in value.items()}
    return [remove_nul_from_json(item) for item in value] if isinstance(value, list | tuple) else value
