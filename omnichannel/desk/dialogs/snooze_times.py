"""The times a conversation is snoozed until with one press."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MORNING, EVENING = 9, 20  # o'clock, in the agent's zone


@dataclass(frozen=True)
class SnoozeTime:
    """A time that is one press away; without a moment it lasts until the customer writes."""

    name: str
    label: str | Promise
    at: datetime | None


def snooze_times(now: datetime) -> list[SnoozeTime]:
    """In an hour, later today, tomorrow morning, next Monday, in the zone that is in force; or the next message."""
    local = timezone.localtime(now)
    in_three_hours = local + timedelta(hours=3)
    is_today = in_three_hours.date() == local.date() and in_three_hours.hour < EVENING
    days_to_monday = 7 - local.weekday()
    later = [SnoozeTime("later", _("Later today"), in_three_hours)] if is_today else []
    return [
        SnoozeTime("hour", _("In an hour"), local + timedelta(hours=1)),
        *later,
        SnoozeTime("tomorrow", _("Tomorrow morning"), _morning(local, days=1)),
        *([SnoozeTime("monday", _("Next Monday"), _morning(local, days=days_to_monday))] if days_to_monday > 1 else []),
        SnoozeTime("message", _("When the customer writes"), None),
    ]


def _morning(local: datetime, *, days: int) -> datetime:
    """That day's morning by the clock on the wall, also over a change of the clocks."""
    there = local.replace(hour=MORNING, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=days)
    return timezone.make_aware(there)
