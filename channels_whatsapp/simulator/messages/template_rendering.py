"""Render templates as the customer's phone shows them."""

import json
import re
from typing import Any

from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.models import Content
from channels_whatsapp.simulator.statuses import ApprovalStatus, ButtonKind

PLACEHOLDER_PATTERN = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
LOCATION_FIELDS = ("label", "address", "latitude", "longitude")


def parse_variables(text: str) -> dict[str, str]:
    """Return the values of a template's placeholders.

    Raises TwilioApiError 21656 for anything but a JSON object of texts.
    """
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
    """Return the template's text with its placeholders filled: with `values`, else with its samples."""
    texts = [str(fields[name]) for fields in content.types.values() for name in ("body", "title") if name in fields]
    text = "{{1}} is your verification code." if "whatsapp/authentication" in content.types else ""
    return _fill_placeholders(next(iter(texts), text), content, values)


def _fill_placeholders(text: str, content: Content, values: dict[str, str]) -> str:
    all_values = {**content.variables, **values}
    return PLACEHOLDER_PATTERN.sub(lambda match: str(all_values.get(match[1], match[0])), text)


def render_extra_parts(content: Content, values: dict[str, str]) -> dict[str, Any]:
    """Return the template's parts other than text: header, files, footer, link buttons, location."""
    extra_parts: dict[str, Any] = {}
    for fields in content.types.values():
        files = [_fill_placeholders(str(url), content, values) for url in fields.get("media", [])]
        links = [_build_link(action, content, values) for action in fields.get("actions", []) if "id" not in action]
        parts = {
            "header": _fill_placeholders(fields.get("header_text", ""), content, values),
            "files": files,
            "footer": _fill_placeholders(fields.get("footer") or fields.get("subtitle") or "", content, values),
            "list_button": fields.get("button", ""),
            "links": links,
            "location": {name: fields[name] for name in LOCATION_FIELDS if name in fields},
        }
        extra_parts.update({name: part for name, part in parts.items() if part})
    return extra_parts


def _build_link(action: dict[str, Any], content: Content, values: dict[str, str]) -> dict[str, str]:
    target = next((str(action[name]) for name in ("url", "phone", "code") if name in action), "")
    title = str(action.get("title") or action.get("copy_code_text") or "")
    return {"text": title, "target": _fill_placeholders(target, content, values)}


def get_buttons(content: Content) -> list[dict[str, str]]:
    """Return the buttons that send something: quick replies and list items, each with its payload."""
    reply_kind = ButtonKind.TEMPLATE if content.approval == ApprovalStatus.APPROVED else ButtonKind.SESSION
    buttons = []
    for name, fields in content.types.items():
        if name == "twilio/list-picker":
            buttons += [_build_button(ButtonKind.LIST_ITEM, item, "item") for item in fields.get("items", [])]
        elif name in {"twilio/quick-reply", "whatsapp/card", "twilio/card"}:
            buttons += [
                _build_button(reply_kind, action, "title") for action in fields.get("actions", []) if "id" in action
            ]
    return buttons


def _build_button(kind: ButtonKind, source: dict[str, Any], title: str) -> dict[str, str]:
    return {"kind": kind.value, "text": str(source.get(title, "")), "payload": str(source.get("id", ""))}
