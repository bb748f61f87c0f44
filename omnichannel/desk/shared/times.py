"""Format timestamps and remaining time for the desk's pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

SECONDS_PER_MINUTE, SECONDS_PER_HOUR = 60, 3600
SOON_SECONDS, URGENT_SECONDS = 2 * SECONDS_PER_HOUR, 30 * SECONDS_PER_MINUTE
SORT_KEY_FORMAT: Final = "%Y%m%d%H%M%S%f"


@dataclass(frozen=True)
class TimeLeft:
    """The time in which the customer can still be answered; a script counts down from `seconds`.

    Attributes:
        seconds: Whole seconds; -1 when the time is over.
    """

    seconds: int

    @classmethod
    def until(cls, closes_at: datetime | None) -> "TimeLeft":
        """Return the time left until `closes_at`; without it the time is over."""
        seconds = (closes_at - timezone.now()).total_seconds() if closes_at else -1
        return cls(max(-1, int(seconds // 1)))

    @property
    def is_over(self) -> bool:
        return self.seconds < 0

    @property
    def urgency(self) -> str:
        """Return `closed`, `urgent` or `soon` for the color; empty while there is plenty of time."""
        if self.is_over:
            return "closed"
        return "urgent" if self.seconds < URGENT_SECONDS else "soon" if self.seconds < SOON_SECONDS else ""

    @property
    def short_label(self) -> str:
        """Return the label for a row of the inbox: whole hours while there is plenty of time."""
        return (
            _("%(hours)s h") % {"hours": self.seconds // SECONDS_PER_HOUR}
            if self.seconds >= SOON_SECONDS
            else self.exact_label
        )

    @property
    def exact_label(self) -> str:
        """Return the hours and minutes."""
        if self.is_over:
            return _("24 h over")
        hours, minutes = self.seconds // SECONDS_PER_HOUR, self.seconds % SECONDS_PER_HOUR // SECONDS_PER_MINUTE
        if not hours:
            return _("%(minutes)s min") % {"minutes": minutes} if minutes else _("under 1 min")
        if not minutes:
            return _("%(hours)s h") % {"hours": hours}
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}


def format_short_timestamp(timestamp: datetime) -> str:
    """Return the time for today, "Yesterday", the weekday within a week, and the date before that."""
    local, today = timezone.localtime(timestamp), timezone.localdate()
    days = (today - local.date()).days
    if days <= 0:
        return date_format(local, "H:i")
    if days == 1:
        return _("Yesterday")
    return date_format(local, "D" if days < 7 else _("j M") if local.year == today.year else _("j M Y"))


def format_day_heading(timestamp: datetime) -> str:
    """Return the text of the divider above a day's messages."""
    local, today = timezone.localtime(timestamp), timezone.localdate()
    days = (today - local.date()).days
    if days in {0, 1}:
        return _("Yesterday") if days else _("Today")
    return date_format(local, _("l, j F") if local.year == today.year else _("l, j F Y"))


def format_iso_time(at: datetime | None) -> str:
    """Return the moment in ISO format, in the current time zone; empty without a moment."""
    return timezone.localtime(at).isoformat() if at else ""
