"""The language of a page: the one its reader chose, else the browser's."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

GetResponse = Callable[[HttpRequest], HttpResponse]

# Written in English only; half a translation would be worse. Style sheets and scripts name their language themselves.
ENGLISH_ONLY_PATHS = ("/admin/", "/simulator/", "/webhooks/", "/health/", "/api/", "/assets/")


def user_language_middleware(get_response: GetResponse) -> GetResponse:
    """Answer in the reader's language."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with translation.override(get_request_language(request)):
            return get_response(request)

    return middleware


def get_request_language(request: HttpRequest) -> str:
    """The language this request is answered in."""
    if request.path_info.startswith(ENGLISH_ONLY_PATHS):
        return settings.LANGUAGE_CODE
    chosen = str(getattr(request.user, "language", ""))
    return chosen if chosen in dict(settings.LANGUAGES) else translation.get_language_from_request(request)
