"""The addresses of Twilio's hosts: on the internet, or below this server's /simulator/twilio/."""

from urllib.parse import urlsplit

from django.conf import settings

API_BASE_URL = "https://api.twilio.com"
SIMULATOR_PATHS = {
    "api.twilio.com": "api",
    "messaging.twilio.com": "messaging",
    "content.twilio.com": "content",
    "mms.twiliocdn.com": "cdn",
}


def is_simulator_enabled() -> bool:
    """Return whether calls go to the simulator."""
    return bool(settings.WHATSAPP_BACKEND == "simulator")


def get_simulator_url() -> str:
    """Return the simulator's base URL, which is on this server."""
    return f"{settings.PUBLIC_URL}/simulator/twilio"


def resolve_url(url: str) -> str:
    """Return the URL to call for one of Twilio's: itself, or its counterpart in the simulator.

    Raises LookupError for a host the simulator does not have, so that no request leaves this machine.
    """
    if not is_simulator_enabled():
        return url
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc not in SIMULATOR_PATHS:
        raise LookupError(f"The simulator has no host {parts.netloc}.")
    query = f"?{parts.query}" if parts.query else ""
    return f"{get_simulator_url()}/{SIMULATOR_PATHS[parts.netloc]}{parts.path}{query}"
