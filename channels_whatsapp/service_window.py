"""WhatsApp's 24-hour window: how long after a customer's message free text and media may be sent.

The rule is WhatsApp's; the clock starts with the customer's latest message, and an answer does not move it.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

WINDOW_LENGTH = timedelta(hours=24)
WINDOW_EXCEEDED_MESSAGE = gettext_noop("This conversation has exceeded the 24 hour limit to respond to the customer.")


def get_closing_time(last_inbound_at: datetime) -> datetime:
    """The last moment at which an answer is still inside."""
    return last_inbound_at + WINDOW_LENGTH


def is_window_open(window_closes_at: datetime | None, *, at: datetime) -> bool:
    """Exactly 24 hours is still inside; without a message from the customer there is no window."""
    return window_closes_at is not None and at <= window_closes_at
