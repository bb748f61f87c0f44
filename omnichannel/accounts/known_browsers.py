"""Browsers in which a user has signed in before.

Wrong passwords from elsewhere lock a user only for browsers that are not known: whoever guesses passwords must not be
able to lock the user out.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

GetResponse = Callable[[HttpRequest], HttpResponse]

COOKIE_NAME = "known_browser"
COOKIE_AGE = timedelta(days=180)
SALT = "omnichannel.known-browser"
MAX_USERS = 10  # for each browser, the latest


def is_known_browser(request: HttpRequest, username: str | None) -> bool:
    """Return whether the user has signed in with this browser before."""
    return username is not None and _get_mark(username) in _read_marks(request)


def known_browser_middleware(get_response: GetResponse) -> GetResponse:
    """Remember the user who signs in, in a signed cookie."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        username = getattr(request, "signed_in_username", None)
        if username is not None:
            mark = _get_mark(username)
            marks = [mark, *(other for other in _read_marks(request) if other != mark)][:MAX_USERS]
            response.set_cookie(
                COOKIE_NAME,
                signing.dumps(marks, salt=SALT),
                max_age=COOKIE_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return middleware


@receiver(user_logged_in)
def _note_sign_in(request: Any, user: Any, **kwargs: Any) -> None:
    if request is not None:
        request.signed_in_username = user.get_username()


def _get_mark(username: str) -> str:
    """Return a text that stands for the user without naming them."""
    return salted_hmac(SALT, username).hexdigest()[:20]


def _read_marks(request: HttpRequest) -> list[str]:
    try:
        return list(signing.loads(request.COOKIES.get(COOKIE_NAME, ""), salt=SALT, max_age=COOKIE_AGE))
    except signing.BadSignature:
        return []
