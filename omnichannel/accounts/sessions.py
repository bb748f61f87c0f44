"""Sessions of users: their list, their last activity, and the reason why one ended."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import Error
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from omnichannel.accounts.models import User, UserSession
from omnichannel.accounts.session_store import EndReason, SessionStore, get_idle_limit
from omnichannel.core.network.client_address import get_client_address

GetResponse = Callable[[HttpRequest], HttpResponse]
logger = logging.getLogger(__name__)

ACTIVITY_INTERVAL = timedelta(minutes=1)  # activity is written no more often
# Sent by pages that refresh themselves while nobody uses them.
BACKGROUND_HEADER = "X-Background"
REASON_COOKIE = "signed_out"
REASON_COOKIE_SECONDS = 600


def get_sessions(user: User) -> QuerySet[UserSession]:
    """Return the valid sessions of a user, the latest active first."""
    now = timezone.now()
    sessions = UserSession.objects.filter(user=user, expire_date__gt=now, last_seen_at__gt=now - get_idle_limit())
    return sessions.order_by("-last_seen_at", "-pk")


def session_middleware(get_response: GetResponse) -> GetResponse:
    """Record activity, and remember for the sign-in page why a session has ended."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if isinstance(request.session, SessionStore):
            _record_activity(request, request.session)
            if request.session.end_reason and not request.session.get("_auth_user_id"):
                _set_reason(response, request.session.end_reason)
        return response

    return middleware


def _record_activity(request: HttpRequest, session: SessionStore) -> None:
    row, now = session.row, timezone.now()
    if row is None or row.last_seen_at > now - ACTIVITY_INTERVAL or BACKGROUND_HEADER in request.headers:
        return
    try:
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=now, **_describe_client(request))
    except Error as error:  # the page is complete: it is not worth losing
        logger.warning("Could not record the activity of a session: %s", error)


def _describe_client(request: HttpRequest) -> dict[str, Any]:
    user_agent = request.headers.get("User-Agent", "").replace("\0", "")
    return {"address": get_client_address(request), "user_agent": user_agent[:300]}


@receiver(user_logged_in)
def _store_client(request: Any, **kwargs: Any) -> None:
    if request is not None and isinstance(request.session, SessionStore):
        request.session.client = _describe_client(request) | {"signed_in_at": timezone.now()}


# -- Reason ---------------------------------------------------------------------------------------------------------


def get_end_reason(request: HttpRequest) -> EndReason | None:
    """Return why this browser is not signed in any more, for the sign-in page."""
    if isinstance(request.session, SessionStore) and request.session.end_reason:
        return request.session.end_reason
    value = request.COOKIES.get(REASON_COOKIE)
    return EndReason(value) if value in set(EndReason) else None


def _set_reason(response: HttpResponse, reason: EndReason) -> None:
    response.set_cookie(
        REASON_COOKIE,
        reason,
        max_age=REASON_COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget_end_reason(response: HttpResponse) -> None:
    """Delete the reason once it was shown."""
    response.delete_cookie(REASON_COOKIE, samesite="Lax")
