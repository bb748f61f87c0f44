"""Clean customers' texts: without NUL, which PostgreSQL refuses in text and in JSON; and recognize empty ones."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

INVISIBLE_CATEGORIES: Final = {"Cc", "Cf", "Zl", "Zp", "Zs"}
# Letters and symbols that are drawn as an empty space: the fillers of Hangul, and the Braille pattern without dots.
BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\ufe0f")


def has_visible_text(text: str) -> bool:
    """Return whether anything of the text can be seen."""
    return any(char not in BLANKS and unicodedata.category(char) not in INVISIBLE_CATEGORIES for char in text)


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
