"""What holds for every request and every answer."""

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

# Asked by machines: what a proxy or a probe writes into Host is no reason to refuse them; nothing is made of it.
HOST_EXEMPT_PATHS = ("/webhooks/", "/health/")


def fixed_host_middleware(get_response: GetResponse) -> GetResponse:
    """Take webhooks and health checks under whatever Host they come with, as if it were that of PUBLIC_URL."""
    host = urlsplit(settings.PUBLIC_URL).netloc

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(HOST_EXEMPT_PATHS):
            request.META["HTTP_HOST"] = host
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return get_response(request)

    return middleware


def content_security_policy_middleware(get_response: GetResponse) -> GetResponse:
    """Allow nothing but this server's own files; an answer that sets a policy of its own keeps it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return middleware
