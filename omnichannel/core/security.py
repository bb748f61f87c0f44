"""Security middleware: host names and the Content-Security-Policy header."""

import logging
from collections.abc import Callable
from typing import Final
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


class DisallowedHostFilter(logging.Filter):
    """Reduce Django's error with traceback about a request for another host to one warning for each host.

    Scanners send such requests to every public server. The line is for those who have set PUBLIC_URL wrongly.
    """

    MAX_HOSTS: Final = 20  # for each process; a scanner may send a new one with each request
    MAX_LENGTH: Final = 100

    def __init__(self) -> None:
        super().__init__()
        self._hosts: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        host = request.META.get("HTTP_HOST", "")[: self.MAX_LENGTH] if request else ""
        if host in self._hosts or len(self._hosts) >= self.MAX_HOSTS:
            return False
        self._hosts.add(host)
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        record.msg = "Refused a request for the host %r: PUBLIC_URL names %s. Logged once for each host."
        record.args = (host, ", ".join(settings.ALLOWED_HOSTS))
        if len(self._hosts) == self.MAX_HOSTS:
            record.msg += " No more hosts are logged until the next start."
        return True


def content_security_policy_middleware(get_response: GetResponse) -> GetResponse:
    """Allow only this server's own files; a response that sets its own policy keeps it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return middleware
