"""Template tags and filters of the desk: texts, names, avatars and attachments."""

import re
from collections.abc import Mapping

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from channels_whatsapp.identity import format_address
from channels_whatsapp.templatetags.message_templates import render_segments
from omnichannel.accounts.models import User
from omnichannel.conversations.inbound.media_download import can_retry
from omnichannel.conversations.models import Attachment, Message
from omnichannel.desk.shared import formatting, message_preview
from omnichannel.desk.thread.timeline import NoteEntry

register = template.Library()

AVATAR_TONES = 6


@register.filter
def linked(text: str) -> SafeString:
    """Return the text escaped, with clickable links."""
    return formatting.linkify(text)


@register.filter
def formatted(text: str) -> SafeString:
    """Return the text escaped, formatted as WhatsApp shows it, with clickable links."""
    return formatting.render_markup(text)


@register.filter
def formatted_slots(text: str, values: Mapping[str, str] | str) -> SafeString:
    """Return a template's text as WhatsApp shows it, each variable marked and with its value or its name."""
    return formatting.render_markup_around_html(render_segments(text, values if isinstance(values, Mapping) else {}))


@register.simple_tag
def note_text(entry: NoteEntry) -> SafeString:
    """Return a note escaped, with clickable links and the mentioned colleagues in bold."""
    mention_names = "|".join(re.escape(name) for name in sorted(entry.mention_names, key=len, reverse=True))
    pieces = (
        re.split(rf"(?<!\w)(@(?:{mention_names}))(?!\w)", entry.note.text, flags=re.IGNORECASE)
        if mention_names
        else [entry.note.text]
    )
    html = [
        format_html("<strong>{}</strong>", piece) if index % 2 else linked(piece) for index, piece in enumerate(pieces)
    ]
    return format_html_join("", "{}", ((piece,) for piece in html))


@register.filter
def is_web_address(text: str) -> bool:
    """Return whether an untrusted URL may become a link: only http and https."""
    return text.startswith(("https://", "http://"))


@register.filter
def initials(name: str) -> str:
    """Return up to two letters for an avatar; "" for a name without letters, such as a number."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


@register.filter
def tone(pk: int) -> int:
    """Return the number of the avatar's colour, always the same for one person."""
    return pk % AVATAR_TONES


@register.filter
def file_word(attachment: Attachment) -> str:
    """Return the label of the file: photo, voice message, video or document."""
    return message_preview.file_label_and_icon(attachment.content_type or attachment.declared_type)[0]


@register.filter
def phone_number(number: str) -> str:
    """Return the phone number with spaces, easy to read."""
    return format_address(number)


@register.filter
def why_missing(attachment: Attachment) -> str:
    """Return the reason why the file could not be downloaded."""
    return message_preview.missing_file_reason(attachment.error)


@register.filter
def is_number(text: str) -> bool:
    """Return whether the text is a complete phone number: at least seven digits and only separators."""
    return bool(re.fullmatch(r"[\d\s+().:/-]*", text)) and sum(map(str.isdecimal, text)) >= 7


@register.filter
def can_be_fetched_again(attachment: Attachment) -> bool:
    """Return whether downloading the file again makes sense."""
    return can_retry(attachment)


@register.filter
def author_name(message: Message, reader: User) -> str:
    """Return the message's author for this reader; "" for the customer."""
    return message_preview.author_label(message, reader)


@register.simple_tag
def simulator_is_on() -> bool:
    """Return whether this installation runs with simulated customers."""
    return bool(settings.WHATSAPP_BACKEND == "simulator")
