"""Refusal of requests for which Django cannot even create its request object, outside of its error handling."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.utils.http import parse_header_parameters

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Python has codecs with which Django fails while it reads a query or a form: punycode, hex, zip, utf-16 and others.
ACCEPTED_CHARSETS = {"utf-8", "us-ascii", "iso-8859-1", "latin-1"}
# Django reads these forms in no other encoding.
UTF8_CONTENT_TYPE = "application/x-www-form-urlencoded"


class RequestGuard:
    """WSGI middleware that answers 415 to a Content-Type with a charset that Django cannot decode.

    With any charset in the Content-Type, Django reads the query while it creates the request: a query with too many
    fields is answered 400 here.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not has_accepted_charset(environ.get("CONTENT_TYPE", "")):
            return _answer(start_response, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            return self._app(environ, start_response)
        except SuspiciousOperation:
            return _answer(start_response, HTTPStatus.BAD_REQUEST)


def has_accepted_charset(content_type: str) -> bool:
    """Return whether the Content-Type names no charset, or one in which Django reads this type."""
    try:
        media_type, parameters = parse_header_parameters(content_type)
    except (LookupError, ValueError):  # an extended parameter in an unknown or unsuitable encoding
        return False
    charset = parameters.get("charset", "utf-8").strip().lower()
    return charset == "utf-8" or (charset in ACCEPTED_CHARSETS and media_type != UTF8_CONTENT_TYPE)


def _answer(start_response: Callable[..., Any], status: HTTPStatus) -> list[bytes]:
    start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
    return [b""]
