"""Limits on failed sign-ins: by user and address together, by user, and by address.

See docs/adr for the reasons of the limits. django-axes counts the failures; this handler decides what they lock.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest

from omnichannel.accounts.known_browsers import is_known_browser

LOCK_TIME = timedelta(minutes=15)


class Limit(NamedTuple):
    """Failures within LOCK_TIME, counted by these fields, that lock sign-in for LOCK_TIME after the last of them."""

    fields: tuple[str, ...]
    max_failures: int
    spares_known_browsers: bool


LIMITS = (
    # One person who tries passwords of one user.
    Limit(("username", "ip_address"), 5, spares_known_browsers=False),
    # Many machines that try passwords of one user. Anybody can cause this lock, so it must not lock out the user.
    Limit(("username",), 20, spares_known_browsers=True),
    # One machine that tries a few passwords of many users. Larger, because a whole office may share the address.
    Limit(("ip_address",), 30, spares_known_browsers=True),
)


def get_unlock_time(request: HttpRequest, username: str | None) -> datetime | None:
    """Return when this client may try again to sign in as this user; None when they may now."""
    is_known = is_known_browser(request, username)
    times = (
        _get_end_of_lock(request, username, limit) for limit in LIMITS if not (is_known and limit.spares_known_browsers)
    )
    return max((time for time in times if time is not None), default=None)


def _get_end_of_lock(request: Any, username: str | None, limit: Limit) -> datetime | None:
    values = {"username": username, "ip_address": request.axes_ip_address}
    attempts = AccessAttempt.objects.filter(
        **{field: values[field] for field in limit.fields}, attempt_time__gt=request.axes_attempt_time - LOCK_TIME
    )
    failures = 0
    newest_first = attempts.order_by("-attempt_time").values_list("attempt_time", "failures_since_start")
    for attempted_at, count in newest_first[: limit.max_failures]:
        failures += count
        if failures >= limit.max_failures:
            return attempted_at + LOCK_TIME  # type: ignore[no-any-return]
    return None


class SignInLimitHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """Handler of django-axes that applies LIMITS."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the number that django-axes takes for a lock, or 0."""
        username = get_client_username(request, credentials)
        return int(settings.AXES_FAILURE_LIMIT) if get_unlock_time(request, username) else 0

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Forget the failures of this user at this address.

        Others stay: by signing in with an account of their own, nobody may clear the address of its guesses.
        """
        username = get_client_username(request, credentials)
        attempts = AccessAttempt.objects.filter(username=username, ip_address=request.axes_ip_address)
        return int(attempts.delete()[0])
