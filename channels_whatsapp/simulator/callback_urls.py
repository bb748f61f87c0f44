"""URLs that Twilio calls: webhooks, status callbacks and media."""

from urllib.parse import urlsplit

MAX_LENGTH = 500


def is_callback_url(text: str) -> bool:
    """Return whether Twilio accepts the URL: its host name must not contain an underscore."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        parts.port  # noqa: B018 (raises ValueError for a port that is no number)
    except ValueError:
        return False
    return len(text) <= MAX_LENGTH and parts.scheme in {"http", "https"} and bool(host) and "_" not in host
