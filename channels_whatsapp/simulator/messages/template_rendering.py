"""What a template becomes on the customer's phone."""

import json
import re
from typing import Any

from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.models import Content

PLACEHOLDER_PATTERN = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")


def parse_variables(text: str) -> dict[str, str]:
    """The values for a template's placeholders. Raises TwilioError 21656 on anything but a JSON object of texts."""
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise TwilioApiError(21656) from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise TwilioApiError(21656)
    return values


def render_body(content: Content, values: dict[str, str]) -> str:
    """The template's text with its placeholders filled: from `values`, else from the template's own samples."""
    texts = [str(shape[name]) for shape in content.types.values() for name in ("body", "title") if name in shape]
    text = "{{1}} is your verification code." if "whatsapp/authentication" in content.types else ""
    return _fill_placeholders(next(iter(texts), text), content, values)


def _fill_placeholders(text: str, content: Content, values: dict[str, str]) -> str:
    known = {**content.variables, **values}
    return PLACEHOLDER_PATTERN.sub(lambda found: str(known.get(found[1], found[0])), text)


def render_extra_parts(content: Content, values: dict[str, str]) -> dict[str, Any]:
    """What the phone shows around the text: a header, files, a footer, buttons that lead elsewhere, a place."""
    found: dict[str, Any] = {}
    for shape in content.types.values():
        files = [_fill_placeholders(str(url), content, values) for url in shape.get("media", [])]
        links = [_build_link(action, content, values) for action in shape.get("actions", []) if "id" not in action]
        parts = {
            "header": _fill_placeholders(shape.get("header_text", ""), content, values),
            "files": files,
            "footer": _fill_placeholders(shape.get("footer") or shape.get("subtitle") or "", content, values),
            "opens": shape.get("button", ""),
            "links": links,
            "place": {name: shape[name] for name in ("label", "address", "latitude", "longitude") if name in shape},
        }
        found.update({name: part for name, part in parts.items() if part})
    return found


def _build_link(action: dict[str, Any], content: Content, values: dict[str, str]) -> dict[str, str]:
    target = next((str(action[name]) for name in ("url", "phone", "code") if name in action), "")
    title = str(action.get("title") or action.get("copy_code_text") or "")
    return {"text": title, "target": _fill_placeholders(target, content, values)}


def get_buttons(content: Content) -> list[dict[str, str]]:
    """What the customer may press: quick replies and list entries, each with the payload it sends back."""
    reply_kind = "button" if content.approval == "approved" else "interactive"
    buttons = []
    for name, shape in content.types.items():
        if name == "twilio/list-picker":
            buttons += [_build_button("list", item, "item") for item in shape.get("items", [])]
        elif name in {"twilio/quick-reply", "whatsapp/card", "twilio/card"}:
            buttons += [
                _build_button(reply_kind, action, "title") for action in shape.get("actions", []) if "id" in action
            ]
    return buttons


def _build_button(kind: str, source: dict[str, Any], title: str) -> dict[str, str]:
    return {"kind": kind, "text": str(source.get(title, "")), "payload": str(source.get("id", ""))}
