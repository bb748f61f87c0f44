"""Where Twilio's hosts are: on the internet, or under this server's /simulator/twilio/."""

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
    return bool(settings.WHATSAPP_BACKEND == "simulator")


def get_simulator_url() -> str:
    """The simulator's base address, on this very server."""
    return f"{settings.PUBLIC_URL}/simulator/twilio"


def resolve_url(url: str) -> str:
    """Where to call for this address of Twilio's: itself, or its place in the simulator.

    With the simulator a host that it does not play raises LookupError, so that nothing leaves this machine.
    """
    if not is_simulator_enabled():
        return url
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc not in SIMULATOR_PATHS:
        raise LookupError(f"The simulator does not play {parts.netloc}.")
    query = f"?{parts.query}" if parts.query else ""
    return f"{get_simulator_url()}/{SIMULATOR_PATHS[parts.netloc]}{parts.path}{query}"
