"""How templates are shown, on the desk and in the administration."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

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
    """The text, escaped, each variable marked: its value in it, or its name where there is none yet."""
    known = values if isinstance(values, Mapping) else {}
    return format_html_join("", "{}", ((one,) for one in render_segments(text, known)))


def render_segments(text: str, values: Mapping[str, str]) -> list[str]:
    """The text in pieces, the variables among them as markup."""
    return [
        _render_variable(piece.variable, values) if piece.variable else piece.text for piece in split_placeholders(text)
    ]


def _render_variable(slot: str, values: Mapping[str, str]) -> SafeString:
    name = f"{{{{{slot}}}}}"
    value = str(values.get(slot) or "")
    mark = '<span class="slot{}" data-slot="{}" data-name="{}">{}</span>'
    return format_html(mark, "" if value else " is-empty", slot, name, value or name)


@register.filter
def button_icon(kind: str) -> str:
    """The icon's file for a button of this kind."""
    return f"_icons/{ICONS.get(kind, 'next')}.html"


@register.filter
def file_icon(address: str) -> str:
    """The icon's file for a file at this address."""
    path = urlsplit(address).path.lower()
    name = "photo" if path.endswith(IMAGE_EXTENSIONS) else "video" if path.endswith(VIDEO_EXTENSIONS) else "document"
    return f"_icons/{name}.html"


@register.filter
def file_name(address: str) -> str:
    """The file's name in an address; the host where there is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc or address
