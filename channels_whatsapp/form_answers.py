"""Read the answers of a WhatsApp form ("flow"), which arrive as JSON, into lines of text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from omnichannel.core.text.single_line import single_line

MAX_LINES: Final = 100
MAX_VALUE_LENGTH: Final = 1000
MAX_DEPTH: Final = 5
# WhatsApp's own field: a token of the sender.
HIDDEN_NAMES: Final = frozenset({"flow_token"})
# Fields of WhatsApp's and Twilio's envelopes that hold the answers, as an object or as JSON in JSON.
ENVELOPES: Final = ("flowResponse", "response_json", "nfm_reply", "interactive")


def format_answers(text: str) -> str:
    """Return the answers as `name: value` lines, in their order; a value alone as a line; other text as it is."""
    try:
        return _format_answers(json.loads(text))
    except (ValueError, RecursionError):
        return text.strip()[: MAX_LINES * MAX_VALUE_LENGTH]


def _format_answers(answers: Any) -> str:
    if not isinstance(answers, dict):
        return _format_value(answers)
    lines = [f"{name}: {value}" if name else value for name, value in _iter_answers(_find_nested(answers))]
    return "\n".join(list(filter(None, lines))[:MAX_LINES])


def _find_nested(answers: dict[str, Any]) -> Mapping[str, Any]:
    """Return the answers inside WhatsApp's envelope, if they are in one."""
    nested = answers
    for _ in range(MAX_DEPTH):
        inner = _load_if_text(next((nested[name] for name in ENVELOPES if nested.get(name)), None))
        if not isinstance(inner, dict):
            break
        nested = inner
    return nested


def _load_if_text(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _iter_answers(answers: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    for name, value in answers.items():
        if name in HIDDEN_NAMES:
            continue
        if isinstance(value, dict) and depth < MAX_DEPTH:
            yield from ((_to_line(f"{name} {inner}"), text) for inner, text in _iter_answers(value, depth + 1))
        else:
            yield _to_line(name), _format_value(value)


def _format_value(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(map(_format_value, value[:MAX_LINES]))
    elif isinstance(value, str):
        text = value
    else:
        text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return _to_line(text)[:MAX_VALUE_LENGTH]


def _to_line(text: str) -> str:
    """Return the text without line breaks, and without NUL and surrogates, which JSON can have but no database."""
    return single_line(text)
