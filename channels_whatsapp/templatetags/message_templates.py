"""Template filters that show message templates, on the desk and in the admin."""

from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from channels_whatsapp.message_templates.content import split_placeholders

register = template.Library()

ICONS = {"reply": "reply", "url": "open", "phone": "phone", "call": "phone", "code": "copy", "other": "next"}
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".gif")
VIDEO_EXTENSIONS = (".mp4", ".3gp")


@register.filter
def highlight_variables(text: str, values: Mapping[str, str] | str) -> SafeString:
    """Return the escaped text with each variable marked: its value, or its name if it has none."""
    known_values = values if isinstance(values, Mapping) else {}
    return format_html_join("", "{}", ((segment,) for segment in render_segments(text, known_values)))


def render_segments(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the text in pieces, with the variables as markup."""
    return [
        _render_variable(segment.variable, values) if segment.variable else segment.text
        for segment in split_placeholders(text)
    ]


def _render_variable(name: str, values: Mapping[str, str]) -> SafeString:
    placeholder = f"{{{{{name}}}}}"
    value = str(values.get(name) or "")
    markup = '<span class="template-variable{}" data-variable-name="{}" data-name="{}">{}</span>'
    return format_html(markup, "" if value else " is-empty", name, placeholder, value or placeholder)


@register.filter
def button_icon(kind: str) -> str:
    """Return the icon template for a button of this kind."""
    return f"_icons/{ICONS.get(kind, 'next')}.html"


@register.filter
def file_icon(address: str) -> str:
    """Return the icon template for a file at this URL."""
    parts = _split_url(address)
    path = parts.path.lower() if parts else ""
    name = "photo" if path.endswith(IMAGE_EXTENSIONS) else "video" if path.endswith(VIDEO_EXTENSIONS) else "document"
    return f"_icons/{name}.html"


@register.filter
def file_name(address: str) -> str:
    """Return the file name of the URL; its host if it has none."""
    parts = _split_url(address)
    if parts is None:
        return address
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc or address


def _split_url(address: str) -> SplitResult | None:
    """Return the parts of a URL; None for a malformed one, such as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return None
