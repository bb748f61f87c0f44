"""Message templates as values: their parts, their variables, and what WhatsApp accepts in them.

The functions take and return values; nothing here queries the database.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from channels_whatsapp.identity import is_business_scoped
from channels_whatsapp.models import ApprovalStatus, MessageTemplate
from channels_whatsapp.text_cleaning import remove_nul

BODY_LIMIT: Final = 1024
HEADER_LIMIT: Final = 60
CODE_LIMIT: Final = 15

PLACEHOLDER_PATTERN = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
URL_PATTERN = re.compile(r"\Ahttps?://[^\s/]\S*\Z")

# Labels of the content types, by Twilio's names.
KIND_LABELS: dict[str, str | Promise] = {
    "twilio/text": gettext_lazy("Text"),
    "twilio/media": gettext_lazy("Media"),
    "twilio/location": gettext_lazy("Location"),
    "twilio/list-picker": gettext_lazy("List picker"),
    "twilio/call-to-action": gettext_lazy("Call to action"),
    "twilio/quick-reply": gettext_lazy("Quick replies"),
    "twilio/card": gettext_lazy("Card"),
    "twilio/carousel": gettext_lazy("Carousel"),
    "twilio/catalog": gettext_lazy("Catalog"),
    "twilio/flows": gettext_lazy("Flow"),
    "twilio/schedule": gettext_lazy("Schedule"),
    "whatsapp/card": gettext_lazy("Card"),
    "whatsapp/authentication": gettext_lazy("Authentication"),
    "whatsapp/flows": gettext_lazy("Flow"),
}
CATEGORY_LABELS: dict[str, str | Promise] = {
    "UTILITY": gettext_lazy("Utility"),
    "MARKETING": gettext_lazy("Marketing"),
    "AUTHENTICATION": gettext_lazy("Authentication"),
}
AUTHENTICATION_CATEGORY: Final = "AUTHENTICATION"
AUTHENTICATION_TYPE, CATALOG_TYPE = "whatsapp/authentication", "twilio/catalog"
# WhatsApp approves none of these; they can be sent only within the 24-hour window.
WINDOW_ONLY_TYPES = frozenset({"twilio/list-picker", "twilio/location"})


class ButtonKind(StrEnum):
    """The effects of a template's buttons; stored with sent messages."""

    REPLY = "reply"
    URL = "url"
    PHONE = "phone"
    CODE = "code"
    CALL = "call"
    OTHER = "other"


BUTTON_KINDS = {
    "QUICK_REPLY": ButtonKind.REPLY,
    "URL": ButtonKind.URL,
    "PHONE_NUMBER": ButtonKind.PHONE,
    "COPY_CODE": ButtonKind.CODE,
    "VOICE_CALL": ButtonKind.CALL,
    "VOICE_CALL_REQUEST": ButtonKind.CALL,
}
NOT_SENDABLE_REASONS: dict[str, str | Promise] = {
    ApprovalStatus.UNSUBMITTED: gettext_lazy("It has not been submitted to WhatsApp for approval."),
    ApprovalStatus.RECEIVED: gettext_lazy("WhatsApp has not reviewed it yet."),
    ApprovalStatus.PENDING: gettext_lazy("WhatsApp has not reviewed it yet."),
    ApprovalStatus.REJECTED: gettext_lazy("WhatsApp rejected it."),
    ApprovalStatus.PAUSED: gettext_lazy("WhatsApp paused it because too many customers blocked or reported it."),
    ApprovalStatus.DISABLED: gettext_lazy("WhatsApp disabled it."),
}


@dataclass(frozen=True)
class TextSegment:
    """A piece of text, or a variable if `variable` is its name."""

    text: str
    variable: str = ""


@dataclass(frozen=True)
class Button:
    """A button; `target` is its URL, number or payload."""

    kind: ButtonKind
    title: str
    target: str = ""


@dataclass(frozen=True)
class ListItem:
    """An item of a list."""

    title: str
    description: str = ""
    payload: str = ""


@dataclass(frozen=True)
class Location:
    """A location; the coordinates are texts, because they may contain variables."""

    label: str
    address: str
    latitude: str
    longitude: str


@dataclass(frozen=True)
class TemplateParts:
    """The parts of a template from top to bottom, with its variables or with their values."""

    header: str = ""
    media: tuple[str, ...] = ()
    body: str = ""
    location: Location | None = None
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    list_button: str = ""
    list_items: tuple[ListItem, ...] = ()
    cards: "tuple[TemplateParts, ...]" = ()


def kind_name(content_type: str) -> str:
    """Return the label of the content type; for an unknown one, a readable form of Twilio's name."""
    readable = content_type.rpartition("/")[2].replace("-", " ").replace("_", " ")
    return str(KIND_LABELS.get(content_type) or readable.capitalize())


def category_name(category: str) -> str:
    """Return the label of WhatsApp's category; for an unknown one, a readable form of its name."""
    return str(CATEGORY_LABELS.get(category.upper(), category.replace("_", " ").capitalize()))


# -- Parsing --------------------------------------------------------------------------------------------------------


def parse_parts(content_type: str, content: Mapping[str, Any]) -> TemplateParts:
    """Return the parts of a template of this content type; unknown parts are left out."""
    if content_type == AUTHENTICATION_TYPE:
        return _parse_authentication(content)
    title, body = _get_text(content, "title"), _get_text(content, "body")
    latitude, longitude = _get_text(content, "latitude"), _get_text(content, "longitude")
    location = Location(_get_text(content, "label"), _get_text(content, "address"), latitude, longitude)
    return TemplateParts(
        header=_get_text(content, "header_text") or (title if body else ""),
        media=tuple(filter(None, [*map(_to_text, _get_list(content, "media")), _get_text(content, "media_url")])),
        body=body or title,
        location=location if latitude and longitude else None,
        footer=_get_text(content, "footer") or _get_text(content, "subtitle"),
        buttons=(*map(_parse_button, _get_dicts(content, "actions")), *_parse_open_button(content_type, content)),
        list_button=_get_text(content, "button"),
        list_items=tuple(map(_parse_list_item, _get_dicts(content, "items"))),
        cards=tuple(parse_parts("twilio/card", card) for card in _get_dicts(content, "cards")),
    )


def _parse_authentication(content: Mapping[str, Any]) -> TemplateParts:
    """Return the parts of an authentication template, whose text WhatsApp prescribes."""
    minutes = _get_text(content, "code_expiration_minutes")
    warning = " For your security, do not share this code." if content.get("add_security_recommendation") else ""
    actions = _get_dicts(content, "actions")
    title = next((_get_text(action, "copy_code_text") for action in actions), "") or "Copy code"
    return TemplateParts(
        body=_get_text(content, "body") or f"{{{{1}}}} is your verification code.{warning}",
        footer=f"This code expires in {minutes} minutes." if minutes else "",
        buttons=(Button(ButtonKind.CODE, title, "{{1}}"),),
    )


def _parse_open_button(content_type: str, content: Mapping[str, Any]) -> tuple[Button, ...]:
    """Return the button that opens a flow (the template's title) or a catalog (WhatsApp's title)."""
    title = "View catalog" if content_type == CATALOG_TYPE else _get_text(content, "button_text")
    return (Button(ButtonKind.OTHER, title),) if title else ()


def _parse_button(action: Mapping[str, Any]) -> Button:
    target = next((_get_text(action, name) for name in ("url", "phone", "code", "id") if _get_text(action, name)), "")
    default = ButtonKind.REPLY if "id" in action and "type" not in action else ButtonKind.OTHER
    kind = BUTTON_KINDS.get(_get_text(action, "type"), default)
    return Button(kind, _get_text(action, "title") or _get_text(action, "copy_code_text"), target)


def _parse_list_item(item: Mapping[str, Any]) -> ListItem:
    return ListItem(
        _get_text(item, "item") or _get_text(item, "name"), _get_text(item, "description"), _get_text(item, "id")
    )


def _to_text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _get_text(values: Mapping[str, Any], name: str) -> str:
    return _to_text(values.get(name))


def _get_list(values: Mapping[str, Any], name: str) -> list[Any]:
    value = values.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _get_dicts(values: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [item for item in _get_list(values, name) if isinstance(item, dict)]


# -- Variables ------------------------------------------------------------------------------------------------------


def split_placeholders(text: str) -> tuple[TextSegment, ...]:
    """Split the text into pieces, so that a page can highlight its variables."""
    pieces = PLACEHOLDER_PATTERN.split(text)  # every second piece is a variable's name
    return tuple(TextSegment(piece, piece if index % 2 else "") for index, piece in enumerate(pieces) if piece)


def iterate_texts(parts: Any) -> Iterator[str]:
    """Yield every text of the parts, in reading order."""
    if isinstance(parts, str):
        yield parts
    elif isinstance(parts, tuple):
        for part in parts:
            yield from iterate_texts(part)
    elif parts is not None:
        for field in fields(parts):
            yield from iterate_texts(getattr(parts, field.name))


def get_variable_names(content_type: str, content: Mapping[str, Any]) -> list[str]:
    """Return the names of the variables: numbers in ascending order, names in reading order.

    The variables of unknown parts come last.
    """
    texts = [*iterate_texts(parse_parts(content_type, content)), json.dumps(content, ensure_ascii=False)]
    names = list(dict.fromkeys(name for text in texts for name in PLACEHOLDER_PATTERN.findall(text)))
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else names


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its variables replaced by their values; variables without a value stay."""
    return PLACEHOLDER_PATTERN.sub(lambda match: values.get(match[1]) or match[0], text)


def fill_parts(parts: Any, values: Mapping[str, str]) -> Any:
    """Return the parts with their variables replaced by their values."""
    if isinstance(parts, str):
        return fill_text(parts, values)
    if isinstance(parts, tuple):
        return tuple(fill_parts(part, values) for part in parts)
    if parts is None:
        return None
    return replace(parts, **{field.name: fill_parts(getattr(parts, field.name), values) for field in fields(parts)})


def render_template_parts(template: MessageTemplate, values: Mapping[str, str]) -> TemplateParts:
    """Return the template's parts as the customer will see them."""
    parts: TemplateParts = fill_parts(parse_parts(template.content_type, template.content), values)
    return parts


def build_message_content(parts: TemplateParts) -> dict[str, Any]:
    """Return the parts other than the body as they are stored with a message, without empty ones."""
    return {name: value for name, value in asdict(parts).items() if value and name != "body"}


def get_search_text(parts: TemplateParts) -> str:
    """Return the readable text of the parts, by which a template is found."""
    buttons = [button.title for button in parts.buttons]
    items = [f"{item.title} {item.description}" for item in parts.list_items]
    location = [parts.location.label, parts.location.address] if parts.location else []
    lines = [parts.header, parts.body, *location, parts.footer, *buttons, parts.list_button, *items]
    return "\n".join(line for line in [*lines, *map(get_search_text, parts.cards)] if line.strip())


# -- Validation -----------------------------------------------------------------------------------------------------


def clean_variables(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as they are sent: trimmed and without NUL."""
    return {name: remove_nul(value).strip() for name, value in values.items()}


def get_variable_errors(template: MessageTemplate, values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with the values, as sentences by variable; empty if WhatsApp accepts them.

    An error that concerns no single variable has the key "".
    """
    content_type, content = template.content_type, template.content
    names = get_variable_names(content_type, content)
    errors = {name: problem for name in names if (problem := _get_value_error(values.get(name, "")))}
    if errors:
        return errors
    parts = parse_parts(content_type, content)
    return {
        **_get_length_errors(parts, values),
        **_get_url_errors(parts, values),
        **_get_code_errors(content_type, values),
    }


def _get_value_error(value: str) -> str:
    if not value.strip():
        return _("Enter a value.")
    if re.search(r"[\r\n\t\u2028\u2029]", value):
        return _("Variables can't contain line breaks or tabs.")
    if " " * 5 in value:
        return _("Use no more than four spaces in a row.")
    return ""


def _get_length_errors(parts: TemplateParts, values: Mapping[str, str]) -> dict[str, str]:
    errors = {}
    for text, limit in ((parts.body, BODY_LIMIT), (parts.header, HEADER_LIMIT)):
        excess = len(fill_text(text, values)) - limit
        if excess > 0:
            longest_variable = max(
                PLACEHOLDER_PATTERN.findall(text), key=lambda name: len(values.get(name, "")), default=""
            )
            errors[longest_variable] = ngettext(
                "This makes the text %(over)s character too long. The limit is %(limit)s.",
                "This makes the text %(over)s characters too long. The limit is %(limit)s.",
                excess,
            ) % {"over": excess, "limit": number_format(limit, force_grouping=True)}
    return errors


def _get_url_errors(parts: TemplateParts, values: Mapping[str, str]) -> dict[str, str]:
    targets = [button.target for button in parts.buttons if button.kind == ButtonKind.URL]
    return {
        name: _("This makes the address of the file or button invalid: %(address)s") % {"address": url[:200]}
        for address in (*parts.media, *targets)
        if not URL_PATTERN.match(url := fill_text(address, values))
        for name in PLACEHOLDER_PATTERN.findall(address)
    }


def _get_code_errors(content_type: str, values: Mapping[str, str]) -> dict[str, str]:
    code_is_too_long = content_type == AUTHENTICATION_TYPE and len(values.get("1", "")) > CODE_LIMIT
    return {"1": _("Codes can have up to %(limit)s characters.") % {"limit": CODE_LIMIT}} if code_is_too_long else {}


def needs_phone_number(template: MessageTemplate) -> bool:
    """Return whether WhatsApp sends it to phone numbers only, not to business-scoped ids."""
    return template.content_type == AUTHENTICATION_TYPE or template.category.upper() == AUTHENTICATION_CATEGORY


def get_not_sendable_reason(template: MessageTemplate, *, window_is_open: bool, recipient: str = "") -> str:
    """Return why this template can't be sent now, as a sentence; "" if it can.

    Args:
        recipient: the customer's address, if it is known already.
    """
    if template.removed_at is not None:
        return _("It was removed from Twilio.")
    if needs_phone_number(template) and is_business_scoped(recipient):
        return _(
            "Authentication templates can only be sent to a phone number, and this customer's number is hidden. "
            "Choose another template, or ask the customer for their number."
        )
    if template.content_type in WINDOW_ONLY_TYPES and template.approval != ApprovalStatus.APPROVED:
        return "" if window_is_open else _("This type can only be sent within 24 hours of the customer's last message.")
    if template.approval == ApprovalStatus.APPROVED:
        return ""
    reason = NOT_SENDABLE_REASONS.get(template.approval) or _("WhatsApp status: “%(state)s”.") % {
        "state": template.approval
    }
    return f"{reason} {template.rejection_reason}".strip()
