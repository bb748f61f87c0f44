"""Where a page of rows ends: the next one begins there, whatever has been added meanwhile."""

from datetime import datetime
from typing import NamedTuple, Self

from django.db.models import Q


def parse_int_or_zero(text: str) -> int:
    """The number that was written; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


class Cursor(NamedTuple):
    """The last row shown, by the moment it is sorted by and its id."""

    timestamp: datetime
    pk: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The cursor that was written; None for anything else."""
        moment, _, pk = text.partition("~")
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return cls(at, parse_int_or_zero(pk)) if at.tzinfo else None

    def __str__(self) -> str:
        return f"{self.timestamp.isoformat()}~{self.pk}".replace("+00:00", "Z")

    def filter_before(self, field: str) -> Q:
        """What comes before this row, newest first."""
        return Q(**{f"{field}__lt": self.timestamp}) | Q(**{field: self.timestamp, "pk__lt": self.pk})

    def filter_after(self, field: str) -> Q:
        """What comes after this row, oldest first."""
        return Q(**{f"{field}__gt": self.timestamp}) | Q(**{field: self.timestamp, "pk__gt": self.pk})
