"""Export a conversation as text of any length, or as a PDF, in chronological order.

Everyone who may see a conversation may export it. The program in `pdf.py` renders the PDF from the same entries.
"""

import heapq
import json
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.translation import gettext as _

from channels_whatsapp.message_types import describe_unsupported_message, get_heading
from omnichannel.accounts.models import User
from omnichannel.conversations.models import (
    Attachment,
    Contact,
    Conversation,
    ConversationEvent,
    Message,
    MessageKind,
    Note,
)
from omnichannel.core import limited_process
from omnichannel.core.limited_process import LimitedProcessError, Limits
from omnichannel.core.text.single_line import single_line

logger = logging.getLogger(__name__)

CHUNK_SIZE: Final = 500
TIMESTAMP_FORMAT: Final = "%Y-%m-%d %H:%M"
# Control characters that could make a customer's text look like another line or reverse the reading direction.
UNSAFE_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

MIB: Final = 1024 * 1024
PDF_MODULE: Final = "omnichannel.conversations.export.pdf"
MAX_PDF_ENTRIES, MAX_PDF_CHARACTERS = 2000, 300_000
# Measured on two busy cores, processor time: 0.7 s to start; 2,000 entries of 150 characters 18 s in English, 32 s in
# Arabic with Latin words and figures; 80 to 120 MB of address space, and 320 MB with the font Noto CJK and 20,000
# different characters, which make a PDF of 6 MB. A message of 64,000 combining marks or line breaks takes 1 s, of
# 100,000 letters without a space 4 s, of 100,000 emoji 13 s. The limits end other hostile text within the lengths
# above. The wall clock limit allows for a busy machine.
PDF_LIMITS = Limits(cpu=60, wall=120, memory=512 * MIB, output=32 * MIB)
_pdf_lock = threading.Lock()


class PDFExportError(Exception):
    """The PDF could not be made; the text is for the user."""


@dataclass(frozen=True)
class ExportOptions:
    """Optional content of an export, and the reader's time zone and language."""

    time_zone: tzinfo
    language: str
    include_notes: bool = False
    include_timeline: bool = False


@dataclass(frozen=True, order=True)
class TranscriptEntry:
    """A message, a note or a timeline event; sorted by time."""

    at: datetime
    sort_rank: int
    pk: int
    author: str
    text: str
    is_outbound: bool = False

    is_event = property(lambda self: self.sort_rank == 0)
    is_note = property(lambda self: self.sort_rank == 2)


def get_file_name(conversation: Conversation, ending: str) -> str:
    """Return a file name that is valid on every file system."""
    customer = slugify(conversation.contact.display_name)[:60] or "customer"
    return f"conversation-{customer}-{conversation.created_at:%Y-%m-%d}-{conversation.pk}.{ending}"


def get_header_fields(
    conversation: Conversation, options: ExportOptions, *, by: User, now: datetime
) -> list[tuple[str, str]]:
    """Return names and values of the header: customer, number, state, dates and exporting user."""

    def format_moment(moment: datetime) -> str:
        return date_format(moment.astimezone(options.time_zone), _("j M Y, H:i"))

    contact, number = conversation.contact, conversation.number
    exported = {"at": format_moment(now), "by": by.display_name, "zone": options.time_zone}
    fields = [
        (_("Customer"), contact.display_name),
        (_("Number"), contact.display_number),
        (_("Username"), contact.username),
        (_("Received on"), f"{number.name} ({number.number})"),
        (_("State"), conversation.get_state_display()),
        (_("Agent"), str(conversation.agent) if conversation.agent else _("Unassigned")),
        (_("Queue"), str(conversation.queue)),
        (_("Started"), format_moment(conversation.created_at)),
        (_("Closed"), format_moment(conversation.closed_at) if conversation.closed_at else ""),
        (_("Exported"), _("%(at)s by %(by)s, times in %(zone)s") % exported),
    ]
    return [(name, single_line(str(value))) for name, value in fields if value]


def iter_entries(conversation: Conversation, options: ExportOptions) -> Iterator[TranscriptEntry]:
    """Yield messages and, by the options, notes and timeline events, in order; fetched in chunks."""
    streams = [_iter_message_entries(conversation)]
    if options.include_notes:
        streams.append(_iter_note_entries(conversation.notes.select_related("author")))
    if options.include_timeline:
        streams.append(_iter_event_entries(conversation.events.all()))
    return heapq.merge(*streams)


def count_entries(conversation: Conversation, options: ExportOptions) -> int:
    """Return the number of entries of an export."""
    notes = conversation.notes.count() if options.include_notes else 0
    return conversation.messages.count() + notes + (conversation.events.count() if options.include_timeline else 0)


def export_text(conversation: Conversation, options: ExportOptions, *, by: User, now: datetime) -> Iterator[str]:
    """Yield the export as text, piece by piece.

    The pieces are consumed after the request has ended, so each is made in the reader's language and time zone.
    """
    pieces = _iter_text(conversation, options, by=by, now=now)
    while True:
        with translation.override(options.language), timezone.override(options.time_zone):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def export_pdf(conversation: Conversation, options: ExportOptions, *, by: User, now: datetime) -> bytes:
    """Return the export as a PDF.

    It is made in a child process with limits, because C code parses fonts and customers' text; one at a time, because
    each keeps a processor busy.

    Raises:
        PDFExportError: the conversation is too long, its text took too much time or memory, or another PDF is being
            made.
    """
    if count_entries(conversation, options) > MAX_PDF_ENTRIES:
        raise _too_long_error()
    if not _pdf_lock.acquire(blocking=False):
        raise PDFExportError(_("Another PDF is being created. Try again in a moment."))
    try:
        return limited_process.run_module(
            PDF_MODULE, _build_pdf_document(conversation, options, by=by, now=now), PDF_LIMITS
        )
    except LimitedProcessError as error:
        logger.warning("Could not make a PDF of conversation %s: %s", conversation.pk, error)
        raise PDFExportError(
            _("A PDF of this conversation could not be created. Export it as text instead.")
        ) from error
    finally:
        _pdf_lock.release()


def get_title(conversation: Conversation) -> str:
    """Return the title of an export."""
    return _("Conversation with %(customer)s") % {"customer": conversation.contact.display_name}


def _iter_text(conversation: Conversation, options: ExportOptions, *, by: User, now: datetime) -> Iterator[str]:
    yield f"{get_title(conversation)}\n\n"
    fields = get_header_fields(conversation, options, by=by, now=now)
    width = max(len(name) for name, _value in fields) + 1
    for name, value in fields:
        yield f"{name + ':':<{width}} {value}\n"
    yield "\n"
    for entry in iter_entries(conversation, options):
        yield format_entry(entry, options.time_zone)


def format_entry(entry: TranscriptEntry, zone: tzinfo) -> str:
    """Return an entry as text; later lines are indented, so that no text looks like another entry."""
    text = entry.text.replace("\n", "\n    ")
    line = f"* {text}" if entry.is_event else f"{entry.author}: {text}"
    return f"[{entry.at.astimezone(zone):{TIMESTAMP_FORMAT}}] {line}\n"


def remove_unsafe_characters(text: str) -> str:
    """Remove control characters that are invisible or misleading."""
    return UNSAFE_CHARACTERS.sub("", text.replace("\r\n", "\n"))


def _build_pdf_document(conversation: Conversation, options: ExportOptions, *, by: User, now: datetime) -> bytes:
    """Return the content of the PDF as JSON for the program in `pdf.py`."""
    lines, characters = [], 0
    for entry in iter_entries(conversation, options):
        characters += len(entry.text)
        if characters > MAX_PDF_CHARACTERS:
            raise _too_long_error()
        lines.append(_build_pdf_line(entry, options.time_zone))
    document = {
        "title": get_title(conversation),
        "facts": get_header_fields(conversation, options, by=by, now=now),
        "lines": lines,
        "footnote": _(
            "Boxes and names in brackets replace characters missing from the fonts. The text export has all of them."
        ),
    }
    return json.dumps(document).encode()


def _build_pdf_line(entry: TranscriptEntry, zone: tzinfo) -> dict[str, Any]:
    at = entry.at.astimezone(zone)
    return {
        "day": f"{at:%Y-%m-%d}",
        "time": f"{at:%H:%M}",
        "author": entry.author,
        "text": entry.text,
        "is_event": entry.is_event,
        "is_note": entry.is_note,
        "is_outbound": entry.is_outbound,
    }


def _too_long_error() -> PDFExportError:
    return PDFExportError(_("This conversation is too long for a PDF. Export it as text."))


def _iter_message_entries(conversation: Conversation) -> Iterator[TranscriptEntry]:
    messages = conversation.messages.select_related("author").prefetch_related("attachments")
    for message in messages.order_by("created_at", "pk").iterator(chunk_size=CHUNK_SIZE):
        author = _get_author_name(message, conversation.contact)
        yield TranscriptEntry(
            message.created_at,
            1,
            message.pk,
            author,
            remove_unsafe_characters(_format_message(message)),
            not message.is_inbound,
        )


def _iter_note_entries(notes: QuerySet[Note]) -> Iterator[TranscriptEntry]:
    for note in notes.order_by("created_at", "pk").iterator(chunk_size=CHUNK_SIZE):
        author = _("Note by %(author)s") % {"author": note.author.display_name}
        yield TranscriptEntry(note.created_at, 2, note.pk, author, remove_unsafe_characters(note.text), True)


def _iter_event_entries(events: QuerySet[ConversationEvent]) -> Iterator[TranscriptEntry]:
    for event in events.order_by("created_at", "pk").iterator(chunk_size=CHUNK_SIZE):
        yield TranscriptEntry(event.created_at, 0, event.pk, "", single_line(event.full_text))


def _get_author_name(message: Message, contact: Contact) -> str:
    if message.is_inbound:
        return contact.display_name
    return message.author.display_name if message.author else _("Automated message")


def _format_message(message: Message) -> str:
    """Return the content of a message, the names of its files, and a note when it was not delivered."""
    files = [f"[{_('File')}: {_get_file_label(attachment)}]" for attachment in message.attachments.all()]
    failure = f"[{_('Not delivered')}]" if message.has_failed else ""
    return "\n".join(filter(None, [_format_content(message), *files, failure])) or f"[{_('Empty message')}]"


def _get_file_label(attachment: Attachment) -> str:
    return single_line(attachment.name or attachment.content_type or attachment.declared_type) or _("unnamed")


def _format_content(message: Message) -> str:
    content = message.content
    match message.kind:
        case MessageKind.LOCATION:
            location = content.get("location", {})
            values = (location.get(name) for name in ("label", "address", "latitude", "longitude"))
            place = ", ".join(single_line(str(value)) for value in values if value not in (None, ""))
            return f"[{_('Location')}: {place}]"
        case MessageKind.CONTACTS:
            names = ", ".join(single_line(str(person.get("name", ""))) for person in content.get("contacts", []))
            return f"[{_('Contact card')}: {names}]"
        case MessageKind.UNSUPPORTED:
            note = f"[{describe_unsupported_message(content.get('type', ''))}]"
            return "\n".join(filter(None, [message.body.strip(), note]))
        case MessageKind.BUTTON | MessageKind.LIST:
            choice = content.get("button", {}).get("text") or content.get("list", {}).get("title")
            return single_line(str(choice)) if choice else message.body
    heading = get_heading(content.get("type", "")) if message.is_inbound else ""
    return f"[{heading}] {message.body}" if heading else message.body
