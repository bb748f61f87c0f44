"""Name the types of WhatsApp messages that have no content of their own here, such as reactions and polls.

Twilio gives the type in `MessageType`. It does not document all values: these are its own and those of WhatsApp's API.
"""

from typing import Final

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The types whose content the desk shows; a message of these types needs no name.
SHOWN_TYPES: Final = frozenset(
    {"text", "image", "audio", "voice", "video", "document", "sticker", "gif"}
    | {"location", "contacts", "interactive", "button", "list", "flow", "nfm_reply"}
)
TYPE_NAMES: Final[dict[str, str | Promise]] = {
    "audio": gettext_lazy("voice message"),
    "button": gettext_lazy("button reply"),
    "call": gettext_lazy("call"),
    "call_log": gettext_lazy("call"),
    "contacts": gettext_lazy("contact card"),
    "deleted": gettext_lazy("deleted message"),
    "document": gettext_lazy("document"),
    "edit": gettext_lazy("edited message"),
    "edited": gettext_lazy("edited message"),
    "ephemeral": gettext_lazy("disappearing message"),
    "event": gettext_lazy("event"),
    "flow": gettext_lazy("form"),
    "gif": gettext_lazy("GIF"),
    "group_invite": gettext_lazy("group invitation"),
    "image": gettext_lazy("photo"),
    "interactive": gettext_lazy("interactive message"),
    "list": gettext_lazy("list reply"),
    "live_location": gettext_lazy("live location"),
    "location": gettext_lazy("location"),
    "missed_call": gettext_lazy("missed call"),
    "nfm_reply": gettext_lazy("form"),
    "order": gettext_lazy("order"),
    "payment": gettext_lazy("payment"),
    "poll": gettext_lazy("poll"),
    "poll_creation": gettext_lazy("poll"),
    "poll_update": gettext_lazy("poll vote"),
    "poll_vote": gettext_lazy("poll vote"),
    "product": gettext_lazy("product"),
    "product_inquiry": gettext_lazy("question about a product"),
    "reaction": gettext_lazy("reaction"),
    "request_welcome": gettext_lazy("chat opened"),
    "revoke": gettext_lazy("deleted message"),
    "revoked": gettext_lazy("deleted message"),
    "sticker": gettext_lazy("sticker"),
    "system": gettext_lazy("system message"),
    "video": gettext_lazy("video"),
    "view_once": gettext_lazy("view-once message"),
    "voice": gettext_lazy("voice message"),
}
MAX_NAME_LENGTH: Final = 40


def get_type_name(message_type: str) -> str:
    """Return the name of a message type in the middle of a sentence; a readable form of an unknown one."""
    key = message_type.strip().lower()
    return str(TYPE_NAMES.get(key) or key.replace("_", " ")[:MAX_NAME_LENGTH])


def get_heading(message_type: str) -> str:
    """Return the heading above a message that has text but is more than text, such as a reaction; "" for others."""
    key = message_type.strip().lower()
    return "" if not key or key in SHOWN_TYPES else str(capfirst(get_type_name(key)))


def describe_unsupported_message(message_type: str) -> str:
    """Return what stands in place of a message that has no content to show."""
    if message_type.strip().lower() == "text":
        return _("Empty message")
    name = get_type_name(message_type)
    return _("Unsupported message (%(type)s)") % {"type": name} if name else _("Unsupported message")
