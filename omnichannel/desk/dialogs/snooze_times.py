"""The suggested times until which a conversation can be snoozed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MORNING_HOUR, EVENING_HOUR = 9, 20  # o'clock, in the agent's time zone


@dataclass(frozen=True)
class SnoozeOption:
    """A suggested time; with `until` None the snooze lasts until the customer writes."""

    name: str
    label: str | Promise
    until: datetime | None


def get_snooze_options(now: datetime) -> list[SnoozeOption]:
    """Return the options, in the current time zone.

    They are: in an hour, later today, tomorrow morning, next Monday, and when the customer writes. Later today is
    missing towards the evening, and next Monday on Sundays, when it is tomorrow.
    """
    local = timezone.localtime(now)
    in_three_hours = local + timedelta(hours=3)
    is_today = in_three_hours.date() == local.date() and in_three_hours.hour < EVENING_HOUR
    days_to_monday = 7 - local.weekday()
    later = [SnoozeOption("later", _("Later today"), in_three_hours)] if is_today else []
    return [
        SnoozeOption("hour", _("In an hour"), local + timedelta(hours=1)),
        *later,
        SnoozeOption("tomorrow", _("Tomorrow morning"), _morning_in_days(local, days=1)),
        *(
            [SnoozeOption("monday", _("Next Monday"), _morning_in_days(local, days=days_to_monday))]
            if days_to_monday > 1
            else []
        ),
        SnoozeOption("message", _("When the customer replies"), None),
    ]


def _morning_in_days(local: datetime, *, days: int) -> datetime:
    """Return the morning in local time, also across a daylight saving change."""
    morning = local.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=days)
    return timezone.make_aware(morning)
