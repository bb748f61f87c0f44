"""Pluggable Twilio backends; `WHATSAPP_BACKEND` chooses one, as EMAIL_BACKEND does in Django."""

from django.conf import settings

from channels_whatsapp.backends import memory, twilio
from channels_whatsapp.backends.base import WhatsAppBackend


def get_backend() -> WhatsAppBackend:
    """Return the backend that `WHATSAPP_BACKEND` names.

    The simulator uses the real client too: only its address differs. Raises ValueError for an unknown name.
    """
    match settings.WHATSAPP_BACKEND:
        case "twilio" | "simulator":
            return twilio.TwilioBackend()
        case "memory":
            return memory.backend
        case unknown:
            raise ValueError(f"WHATSAPP_BACKEND is {unknown!r}, which is not a known backend.")
