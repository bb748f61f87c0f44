"""Language of a page: the one the user chose, else the browser's."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

GetResponse = Callable[[HttpRequest], HttpResponse]

# Not translated. The URLs of style sheets and scripts name their language themselves.
ENGLISH_ONLY_PATHS = ("/admin/", "/simulator/", "/webhooks/", "/health/", "/api/", "/assets/")


def user_language_middleware(get_response: GetResponse) -> GetResponse:
    """Activate the user's language for each request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with translation.override(get_request_language(request)):
            return get_response(request)

    return middleware


def get_request_language(request: HttpRequest) -> str:
    """Return the code of the language in which to answer this request."""
    if request.path_info.startswith(ENGLISH_ONLY_PATHS) or _get_page_path(request).startswith(ENGLISH_ONLY_PATHS):
        return settings.LANGUAGE_CODE
    language = str(getattr(request.user, "language", ""))
    return language if language in dict(settings.LANGUAGES) else translation.get_language_from_request(request)


def _get_page_path(request: HttpRequest) -> str:
    """Return the path of the page that requests a fragment; "" for any other request.

    A fragment has the language of its page.
    """
    try:
        return urlsplit(request.headers.get("HX-Current-URL", "")).path
    except ValueError:
        return ""
