"""The time zone of a page: the browser's, from a cookie that a script of each page sets."""

import zoneinfo
from collections.abc import Callable
from functools import cache
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

GetResponse = Callable[[HttpRequest], HttpResponse]

TIME_ZONE_COOKIE = "timezone"


def browser_time_zone_middleware(get_response: GetResponse) -> GetResponse:
    """Activate the browser's time zone for each request, so that pages show times and read forms in it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(get_request_time_zone(request)):
            return get_response(request)

    return middleware


def get_request_time_zone(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """Return the time zone from the browser's cookie; None (the server's) when it is missing or unknown."""
    name = unquote(request.COOKIES.get(TIME_ZONE_COOKIE, ""))
    return zoneinfo.ZoneInfo(name) if name in _known_time_zones() else None


@cache
def _known_time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
