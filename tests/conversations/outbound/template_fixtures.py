"""Message templates for tests, as the sync stores them."""

from typing import Any

from channels_whatsapp.models import MessageTemplate, WhatsAppAccount
from tests import builders

DELIVERY_TEXT = "Hi {{1}}, your order {{2}} is on its way."
QUICK_REPLY_BUTTONS = [
    {"type": "QUICK_REPLY", "title": "Thanks", "id": "thanks"},
    {"type": "QUICK_REPLY", "title": "Where?", "id": "where"},
]


def create_template(
    account: WhatsAppAccount, name: str = "delivery_update", body: str = DELIVERY_TEXT, **fields: Any
) -> MessageTemplate:
    """Create an approved template with quick reply buttons."""
    values = {
        "content_sid": builders.new_sid("HX"),
        "language": "en",
        "content_type": "twilio/quick-reply",
        "content": {"body": body, "actions": QUICK_REPLY_BUTTONS},
        "text": body,
        "variables": {"1": "Amara", "2": "2231"},
        "category": "UTILITY",
        "approval": "approved",
        **fields,
    }
    return MessageTemplate.objects.create(account=account, name=name, **values)
