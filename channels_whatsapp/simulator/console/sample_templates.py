"""Sample templates of a small shop: one for every content type and every approval status."""

from typing import Any

from channels_whatsapp.simulator.factories import create_content
from channels_whatsapp.simulator.models import Account
from channels_whatsapp.simulator.statuses import ApprovalStatus

DELIVERY_TEXT_EN = "Hi {{1}}, your order {{2}} is on its way and arrives {{3}}. Is that all right?"
DELIVERY_TEXT_DE = "Hallo {{1}}, deine Bestellung {{2}} ist unterwegs und kommt {{3}}. Passt das?"
DELIVERY_VARIABLES = {"1": "Amara", "2": "2231", "3": "on Friday"}


def _build_quick_replies(*titles: str) -> list[dict[str, str]]:
    return [{"type": "QUICK_REPLY", "title": title, "id": title.lower().replace(" ", "_")} for title in titles]


SAMPLE_TEMPLATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "delivery_update",
        {"twilio/quick-reply": {"body": DELIVERY_TEXT_EN, "actions": _build_quick_replies("Yes", "Another day")}},
        {"variables": DELIVERY_VARIABLES},
    ),
    (
        "delivery_update",
        {"twilio/quick-reply": {"body": DELIVERY_TEXT_DE, "actions": _build_quick_replies("Ja", "Anderer Tag")}},
        {"variables": {**DELIVERY_VARIABLES, "3": "am Freitag"}, "language": "de"},
    ),
    (
        "back_to_you",
        {"twilio/text": {"body": "Hello {{1}}, this is {{2}} of Lumen Lamps. Do you have a moment?"}},
        {"variables": {"1": "Amara", "2": "Dana"}},
    ),
    (
        "invoice_ready",
        {
            "whatsapp/card": {
                "header_text": "Your invoice {{order}}",
                "body": "Dear {{name}}, your invoice over {{amount}} is ready.",
                "footer": "Lumen Lamps, Camden",
                "actions": [
                    {"type": "URL", "title": "Open invoice", "url": "https://lumen.example/invoices/{{order}}"},
                    {"type": "PHONE_NUMBER", "title": "Call us", "phone": "+442079460143"},
                ],
            }
        },
        {"variables": {"order": "2231", "name": "Amara", "amount": "129 €"}},
    ),
    (
        "summer_sale",
        {
            "twilio/card": {
                "title": "20 % off all garden lamps until {{1}}.",
                "subtitle": "Reply STOP to get no more offers",
                "media": ["https://lumen.example/garden/{{2}}.jpg"],
                "actions": [
                    {"type": "COPY_CODE", "title": "Copy code", "code": "SUMMER20"},
                    *_build_quick_replies("Show me", "Not now"),
                ],
            }
        },
        {"variables": {"1": "Sunday", "2": "lantern"}, "category": "MARKETING"},
    ),
    (
        "assembly_guide",
        {
            "twilio/media": {
                "body": "Here is how to put the {{1}} up.",
                "media": ["https://lumen.example/guides/{{2}}.pdf"],
            }
        },
        {"variables": {"1": "Orla floor lamp", "2": "orla"}},
    ),
    (
        "sign_in_code",
        {
            "whatsapp/authentication": {
                "add_security_recommendation": True,
                "code_expiration_minutes": 10,
                "actions": [{"type": "COPY_CODE", "copy_code_text": "Copy code"}],
            }
        },
        {"variables": {"1": "123456"}, "category": "AUTHENTICATION"},
    ),
    (
        "opening_hours",
        {
            "twilio/call-to-action": {
                "body": "We are open from 9 to 18, on Saturdays until 16.",
                "actions": [{"type": "URL", "title": "Find us", "url": "https://lumen.example/camden"}],
            }
        },
        {},
    ),
    (
        "what_is_it_about",
        {
            "twilio/list-picker": {
                "body": "What is it about?",
                "button": "Choose",
                "items": [
                    {"id": "order", "item": "My order", "description": "Where it is, what is in it"},
                    {"id": "broken", "item": "Something is broken", "description": "Lamps, bulbs, parcels"},
                ],
            }
        },
        {"approval": ApprovalStatus.UNSUBMITTED, "category": ""},
    ),
    (
        "where_we_are",
        {
            "twilio/location": {
                "latitude": 51.539,
                "longitude": -0.1426,
                "label": "Lumen Lamps",
                "address": "12 Camden High Street",
            }
        },
        {"approval": ApprovalStatus.UNSUBMITTED, "category": ""},
    ),
    (
        "review_request",
        {"twilio/text": {"body": "Hi {{1}}, how do you like your {{2}}? A short review would help us."}},
        {"variables": {"1": "Amara", "2": "lamp"}, "category": "MARKETING", "approval": ApprovalStatus.PENDING},
    ),
    (
        "win_a_lamp",
        {"twilio/text": {"body": "{{1}}"}},
        {
            "variables": {"1": "Win a lamp!"},
            "category": "MARKETING",
            "approval": ApprovalStatus.REJECTED,
            "rejection_reason": "INVALID_FORMAT: variables can't be at the start or the end of a template.",
        },
    ),
    (
        "cart_reminder",
        {"twilio/text": {"body": "Hi {{1}}, your basket is still here."}},
        {"variables": {"1": "Amara"}, "category": "MARKETING", "approval": ApprovalStatus.PAUSED},
    ),
]


def create_samples(account: Account) -> None:
    """Create the sample templates in the account."""
    for name, types, fields in SAMPLE_TEMPLATES:
        create_content(account, name, types, **fields)
