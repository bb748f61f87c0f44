"""WhatsApp addresses as Twilio writes them, and phone numbers as people type them."""

import re

WHATSAPP_PREFIX = "whatsapp:"
CUSTOMER_ADDRESS_PATTERN = re.compile(r"\Awhatsapp:(\+[1-9]\d{6,14}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\Z")
NUMBER_PATTERN = re.compile(r"\A\+[1-9]\d{6,14}\Z")
PUNCTUATION_PATTERN = re.compile(r"[\s().\-/\u00a0]")
TRUNK_ZERO_PATTERN = re.compile(r"(?<=\d)[\s.)\-/]*\(\s*0\s*\)")  # as in +49 (0)171


def add_whatsapp_prefix(address: str) -> str:
    """Return the address with `whatsapp:` in front; an empty address stays empty."""
    address = address.strip()
    return address if not address or address.startswith(WHATSAPP_PREFIX) else WHATSAPP_PREFIX + address


def strip_punctuation(text: str) -> str:
    """Return a typed phone number without spaces, brackets, dots, dashes, slashes and (0).

    The product's own function of this name accepts more. This one is separate, because the simulator is Twilio and
    imports nothing of the product.
    """
    return PUNCTUATION_PATTERN.sub("", TRUNK_ZERO_PATTERN.sub("", text))
