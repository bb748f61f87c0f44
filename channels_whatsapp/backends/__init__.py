"""Twilio, as the desk uses it. `WHATSAPP_BACKEND` chooses which, as EMAIL_BACKEND does in Django."""

from django.conf import settings

from channels_whatsapp.backends import memory, twilio
from channels_whatsapp.backends.base import WhatsAppBackend


def get_backend() -> WhatsAppBackend:
    """The real client for `twilio` and `simulator` (its address differs, nothing else), a stand-in for `memory`."""
    match settings.WHATSAPP_BACKEND:
        case "twilio" | "simulator":
            return twilio.TwilioBackend()
        case "memory":
            return memory.backend
        case other:
            raise ValueError(f"WHATSAPP_BACKEND is {other!r}.")
