"""Template tags and filters of the desk: texts, names, avatars and attachments."""

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
MAX_UNFOLDED_CHARACTERS, MAX_UNFOLDED_LINES = 2_000, 30


@register.filter
def is_long(text: str) -> bool:
    """Return whether a message is folded, with "Show all" below it."""
    return len(text) > MAX_UNFOLDED_CHARACTERS or text.count("\n") > MAX_UNFOLDED_LINES


@register.filter
def body_class(text: str) -> str:
    """Return the CSS classes of a message's text."""
    return "body is-long" if is_long(text) else "body"


@register.filter
def linkify(text: str) -> SafeString:
    """Return the text escaped, with clickable links."""
    return formatting.linkify(text)


@register.filter
def whatsapp_markup(text: str) -> SafeString:
    """Return the text escaped, formatted as WhatsApp shows it, with clickable links."""
    return formatting.render_markup(text)


@register.filter
def template_markup(text: str, values: Mapping[str, str] | str) -> SafeString:
    """Return a template's text as WhatsApp shows it, each variable marked and with its value or its name."""
    return formatting.render_markup_around_html(render_segments(text, values if isinstance(values, Mapping) else {}))


@register.simple_tag
def note_markup(entry: NoteEntry) -> SafeString:
    """Return a note escaped, with clickable links and the mentioned colleagues in bold."""
    mention_names = "|".join(re.escape(name) for name in sorted(entry.mention_names, key=len, reverse=True))
    pieces = (
        re.split(rf"(?<!\w)(@(?:{mention_names}))(?!\w)", entry.note.text, flags=re.IGNORECASE)
        if mention_names
        else [entry.note.text]
    )
    html = [
        format_html("<strong>{}</strong>", piece) if index % 2 else linkify(piece) for index, piece in enumerate(pieces)
    ]
    return format_html_join("", "{}", ((piece,) for piece in html))


@register.filter
def is_http_url(text: str) -> bool:
    """Return whether an untrusted URL may become a link: only http and https."""
    return text.startswith(("https://", "http://"))


@register.filter
def initials(name: str) -> str:
    """Return up to two letters for an avatar; "" for a name without letters, such as a number."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


@register.filter
def avatar_color(pk: int) -> int:
    """Return the number of the avatar's color, always the same for one person."""
    return pk % AVATAR_COLOR_COUNT


@register.filter
def file_label(attachment: Attachment) -> str:
    """Return the label of the file: photo, voice message, video or document."""
    return message_preview.file_label_and_icon(attachment.content_type or attachment.declared_type)[0]


@register.filter
def download_label(attachment: Attachment) -> str:
    """Return the label of the link that downloads the file."""
    if attachment.name:
        return _("Download %(name)s") % {"name": attachment.name}
    return _("Download recording") if attachment.display_type() == "audio" else _("Download file")


@register.filter
def open_label(attachment: Attachment) -> str:
    """Return the label of the link that opens a PDF."""
    if attachment.name:
        return _("Open %(name)s in a new tab") % {"name": attachment.name}
    return _("Open the PDF in a new tab")


@register.filter
def icon_file(name: str) -> str:
    """Return the template that draws the icon of that name."""
    return f"_icons/{name}.html"


@register.filter
def map_url(location: Mapping[str, Any]) -> str:
    """Return the URL of a map that shows the location."""
    latitude, longitude = location.get("latitude", ""), location.get("longitude", "")
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}"


@register.filter
def format_phone_number(number: str) -> str:
    """Return the phone number with spaces, easy to read."""
    return format_address(number)


@register.filter
def missing_file_reason(attachment: Attachment) -> str:
    """Return the reason why the file could not be downloaded."""
    return message_preview.missing_file_reason(attachment.error)


@register.filter
def is_phone_number(text: str) -> bool:
    """Return whether the text is a complete phone number: at least seven digits and only separators."""
    return bool(re.fullmatch(r"[\d\s+().:/-]*", text)) and sum(map(str.isdecimal, text)) >= 7


@register.filter
def can_retry_download(attachment: Attachment) -> bool:
    """Return whether downloading the file again makes sense."""
    return can_retry(attachment)


@register.filter
def author_label(message: Message, reader: User) -> str:
    """Return the message's author for this reader; "" for the customer."""
    return message_preview.author_label(message, reader)


@register.simple_tag
def is_simulator_enabled() -> bool:
    """Return whether this installation runs with simulated customers."""
    return bool(settings.WHATSAPP_BACKEND == "simulator")
