"""What a template becomes on the customer's phone."""

import json
import re
from typing import Any

from channels_whatsapp.simulator.errors import TwilioError
from channels_whatsapp.simulator.models import Content

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def parse_variables(text: str) -> dict[str, str]:
    """The values for a template's placeholders. Raises TwilioError 21656 on anything but a JSON object of texts."""
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise TwilioError(21656) from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise TwilioError(21656)
    return values


def rendered_body(content: Content, values: dict[str, str]) -> str:
    """The template's text with its placeholders filled: from `values`, else from the template's own samples."""
    text = next((str(shape["body"]) for shape in content.types.values() if "body" in shape), "")
    known = {**content.variables, **values}
    return PLACEHOLDER.sub(lambda found: str(known.get(found[1], found[0])), text)


def buttons_of(content: Content) -> list[dict[str, str]]:
    """What the customer may press: quick replies and list entries, each with the payload it sends back."""
    reply_kind = "button" if content.approval == "approved" else "interactive"
    buttons = []
    for name, shape in content.types.items():
        if name == "twilio/list-picker":
            buttons += [_button("list", item, "item") for item in shape.get("items", [])]
        elif name in {"twilio/quick-reply", "whatsapp/card", "twilio/card"}:
            buttons += [_button(reply_kind, action, "title") for action in shape.get("actions", []) if "id" in action]
    return buttons


def _button(kind: str, source: dict[str, Any], title: str) -> dict[str, str]:
    return {"kind": kind, "text": str(source.get(title, "")), "payload": str(source.get("id", ""))}
