"""What the desk's templates need beyond Django's own."""

import re
from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from channels_whatsapp.identity import format_address
from channels_whatsapp.templatetags.message_templates import render_segments
from omnichannel.accounts.models import User
from omnichannel.conversations.inbound.media_download import can_retry
from omnichannel.conversations.models import Attachment, Message
from omnichannel.desk.shared import formatting, message_preview
from omnichannel.desk.thread.timeline import NoteEntry

register = template.Library()

AVATAR_COLOR_COUNT = 6


@register.filter
def linkify(text: str) -> SafeString:
    """The text, escaped, its links clickable."""
    return formatting.linkify(text)


@register.filter
def whatsapp_markup(text: str) -> SafeString:
    """The text as WhatsApp shows it, escaped, its links clickable."""
    return formatting.render_markup(text)


@register.filter
def template_markup(text: str, values: Mapping[str, str] | str) -> SafeString:
    """A template's text as WhatsApp shows it, each variable marked: its value in it, or its name."""
    return formatting.render_markup_around_html(render_segments(text, values if isinstance(values, Mapping) else {}))


@register.simple_tag
def note_markup(entry: NoteEntry) -> SafeString:
    """A note, escaped, its links clickable and the colleagues it mentions in bold."""
    mention_names = "|".join(re.escape(name) for name in sorted(entry.mention_names, key=len, reverse=True))
    pieces = (
        re.split(rf"(?<!\w)(@(?:{mention_names}))(?!\w)", entry.note.text, flags=re.IGNORECASE)
        if mention_names
        else [entry.note.text]
    )
    shown = [format_html("<strong>{}</strong>", one) if place % 2 else linkify(one) for place, one in enumerate(pieces)]
    return format_html_join("", "{}", ((one,) for one in shown))


@register.filter
def is_http_url(text: str) -> bool:
    """Whether a stranger's address may become a link."""
    return text.startswith(("https://", "http://"))


@register.filter
def initials(name: str) -> str:
    """Up to two letters for an avatar; "" for a name without letters, such as a number."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


@register.filter
def avatar_color(pk: int) -> int:
    """The avatar's colour, the same for one person every time."""
    return pk % AVATAR_COLOR_COUNT


@register.filter
def file_label(attachment: Attachment) -> str:
    """Photo, Voice message, Video or Document."""
    return message_preview.file_label_and_icon(attachment.content_type or attachment.declared_type)[0]


@register.filter
def download_label(attachment: Attachment) -> str:
    """The words of the link that downloads the file."""
    if attachment.name:
        return _("Download %(name)s") % {"name": attachment.name}
    return _("Download the recording") if attachment.display_type() == "audio" else _("Download the file")


@register.filter
def open_label(attachment: Attachment) -> str:
    """The words of the link that opens a PDF."""
    if attachment.name:
        return _("Open %(name)s in a new tab") % {"name": attachment.name}
    return _("Open the PDF in a new tab")


@register.filter
def icon_file(name: str) -> str:
    """The template that draws the icon of that name."""
    return f"_icons/{name}.html"


@register.filter
def map_address(place: Mapping[str, Any]) -> str:
    """The address of a map that shows the place."""
    latitude, longitude = place.get("latitude", ""), place.get("longitude", "")
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}"


@register.filter
def format_phone_number(number: str) -> str:
    """A number with the spaces people read it with."""
    return format_address(number)


@register.filter
def missing_file_reason(attachment: Attachment) -> str:
    """Why the file could not be fetched."""
    return message_preview.missing_file_reason(attachment.error)


@register.filter
def is_phone_number(text: str) -> bool:
    """Whether somebody typed the whole of a phone number."""
    return bool(re.fullmatch(r"[\d\s+().:/-]*", text)) and sum(map(str.isdecimal, text)) >= 7


@register.filter
def can_retry_download(attachment: Attachment) -> bool:
    """Whether Retry makes sense."""
    return can_retry(attachment)


@register.filter
def author_label(message: Message, reader: User) -> str:
    """Who of the desk wrote it: You, or the colleague's first name; "" for the customer."""
    return message_preview.author_label(message, reader)


@register.simple_tag
def is_simulator_enabled() -> bool:
    """Whether customers are played by the simulator here."""
    return bool(settings.WHATSAPP_BACKEND == "simulator")
