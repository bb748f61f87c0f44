"""Cursors for paging: the next page begins after the last row shown, even if rows were added."""

from datetime import datetime
from typing import NamedTuple, Self

from django.db.models import Q


def parse_int_or_zero(text: str) -> int:
    """Return the non-negative integer in the text; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


class Cursor(NamedTuple):
    """The last row shown: the timestamp it is sorted by, and its id."""

    timestamp: datetime
    pk: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor in the text; None for anything else."""
        timestamp_text, _, pk = text.partition("~")
        try:
            timestamp = datetime.fromisoformat(timestamp_text)
        except ValueError:
            return None
        return cls(timestamp, parse_int_or_zero(pk)) if timestamp.tzinfo else None

    def __str__(self) -> str:
        return f"{self.timestamp.isoformat()}~{self.pk}".replace("+00:00", "Z")

    def filter_before(self, field: str) -> Q:
        """Return the condition for the rows earlier than this one."""
        return Q(**{f"{field}__lt": self.timestamp}) | Q(**{field: self.timestamp, "pk__lt": self.pk})

    def filter_after(self, field: str) -> Q:
        """Return the condition for the rows later than this one."""
        return Q(**{f"{field}__gt": self.timestamp}) | Q(**{field: self.timestamp, "pk__gt": self.pk})
