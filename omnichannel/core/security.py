"""Security middleware: host names and the Content-Security-Policy header."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

# Called by machines: a proxy or probe may send any Host header, and no response is built from it.
HOST_EXEMPT_PATHS = ("/webhooks/", "/health/")


def fixed_host_middleware(get_response: GetResponse) -> GetResponse:
    """Replace the Host header of webhooks and health checks with that of PUBLIC_URL."""
    host = urlsplit(settings.PUBLIC_URL).netloc

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(HOST_EXEMPT_PATHS):
            request.META["HTTP_HOST"] = host
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return get_response(request)

    return middleware


def content_security_policy_middleware(get_response: GetResponse) -> GetResponse:
    """Allow only this server's own files; a response that sets its own policy keeps it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return middleware
