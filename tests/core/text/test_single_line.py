"""Texts of one line stay on one line."""

import logging
import sys
from typing import Any

import pytest
from django.conf import settings

from omnichannel.core.text.single_line import SingleLineFormatter, single_line


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_line_break_in_a_name_becomes_a_space(line_break: str) -> None:
    assert single_line(f"Eve{line_break}[04:00] Agent: hello") == "Eve [04:00] Agent: hello"


def test_controls_of_the_writing_direction_are_removed() -> None:
    assert single_line("\u202eEve\u2069 ") == "Eve"


def format_record(text: str, *args: object, error: BaseException | None = None) -> str:
    formatter = SingleLineFormatter("{levelname} {message}", style="{")
    info = (type(error), error, error.__traceback__) if error else None
    return formatter.format(logging.LogRecord("x", logging.INFO, "x", 1, text, args, info))


def test_a_log_record_is_one_line() -> None:
    assert (
        format_record("Bad: %s", "Eve\n2026-01-01 ERROR forged\r\u2028x") == "INFO Bad: Eve 2026-01-01 ERROR forged x"
    )


def test_the_lines_of_a_traceback_are_indented() -> None:
    try:
        raise ValueError("Eve\nERROR forged")
    except ValueError:
        lines = format_record("It failed.", error=sys.exc_info()[1]).split("\n")
    assert lines[0] == "INFO It failed."
    assert lines[-1].strip() == "ERROR forged"
    assert all(line.startswith("    ") for line in lines[1:])


def test_the_server_logs_records_on_one_line() -> None:
    formatters: Any = settings.LOGGING["formatters"]
    (formatter,) = formatters.values()
    assert formatter["()"].endswith(SingleLineFormatter.__name__)
