"""Placeholders in prepared texts, shown to their authors as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.functional import Promise, lazy
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Placeholder:
    """A placeholder as it is typed, what takes its place, and an example of that."""

    name: str
    meaning: str | Promise
    example: str


def render_placeholder_table(placeholders: Sequence[Placeholder]) -> SafeString:
    """Return the placeholders as an HTML table in the reader's language."""
    return render_to_string("_placeholders.html", {"placeholders": placeholders})


# For help texts, which are set before templates and languages are loaded.
placeholder_table_lazy = lazy(render_placeholder_table, SafeString)
