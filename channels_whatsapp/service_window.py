"""WhatsApp's 24-hour service window, in which free text and media may be sent.

The rule is WhatsApp's. The window starts with the customer's latest message; a reply does not extend it.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

WINDOW_LENGTH = timedelta(hours=24)
WINDOW_EXCEEDED_MESSAGE = gettext_noop("This conversation has exceeded the 24 hour limit to respond to the customer.")


def get_closing_time(last_inbound_at: datetime) -> datetime:
    """Return the last moment of the window."""
    return last_inbound_at + WINDOW_LENGTH


def is_window_open(window_closes_at: datetime | None, *, at: datetime) -> bool:
    """Return whether the window is open; exactly 24 hours is still inside, and None means no window."""
    return window_closes_at is not None and at <= window_closes_at
