"""A conversation to take away: as lines of text, whatever its length, in the order in which it went.

Whoever may see the conversation may take it away; the program in `pdf.py` sets the same lines as pages.
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

logger = logging.getLogger(__name__)

CHUNK_SIZE: Final = 500
TIMESTAMP_FORMAT: Final = "%Y-%m-%d %H:%M"
# What would let a customer's text look like another line, or turn the reading direction of what follows.
UNSAFE_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

MIB: Final = 1024 * 1024
PDF_MODULE: Final = "omnichannel.conversations.export.pdf"
MAX_PDF_ENTRIES, MAX_PDF_CHARACTERS = 2000, 300_000
# Measured on two busy cores, processor time: 0.7 s to start; 2,000 entries of 150 characters 18 s in English, 32 s in
# Arabic with Latin words and figures; 80 to 120 MB of address space, and 320 MB with the font Noto CJK and 20,000
# different characters, which make a PDF of 6 MB. Hostile text within the lengths above is ended: a message of 4,096
# emoji or line breaks takes 4 s, of combining marks 10 s. The clock allows for a machine that has other work to do.
PDF_LIMITS = Limits(cpu=60, wall=120, memory=512 * MIB, output=32 * MIB)
_pdf_lock = threading.Lock()


class PDFExportError(Exception):
    """There is no PDF of this conversation now; the text says why and what to do."""


@dataclass(frozen=True)
class ExportOptions:
    """What the export holds beside the messages, and in whose time zone and language."""

    time_zone: tzinfo
    language: str
    include_notes: bool = False
    include_timeline: bool = False


@dataclass(frozen=True, order=True)
class TranscriptEntry:
    """A message, a note or a line of the timeline; in order by time."""

    at: datetime
    sort_rank: int
    pk: int
    author: str
    text: str
    is_outbound: bool = False

    is_event = property(lambda self: self.sort_rank == 0)
    is_note = property(lambda self: self.sort_rank == 2)


def get_file_name(conversation: Conversation, ending: str) -> str:
    """A name that every file system takes."""
    who = slugify(conversation.contact.display_name)[:60] or "customer"
    return f"conversation-{who}-{conversation.created_at:%Y-%m-%d}-{conversation.pk}.{ending}"


def get_header_fields(
    conversation: Conversation, wanted: ExportOptions, *, by: User, now: datetime
) -> list[tuple[str, str]]:
    """What stands above the messages: who, where, when, and who took it away."""

    def moment(at: datetime) -> str:
        return date_format(at.astimezone(wanted.time_zone), _("j M Y, H:i"))

    contact, number = conversation.contact, conversation.number
    exported = {"at": moment(now), "by": by.display_name, "time_zone": wanted.time_zone}
    told = [
        (_("Customer"), remove_unsafe_characters(contact.display_name)),
        (_("Number"), contact.display_number),
        (_("Wrote to"), f"{number.name} ({number.number})"),
        (_("State"), conversation.get_state_display()),
        (_("Agent"), str(conversation.agent) if conversation.agent else _("Nobody")),
        (_("Queue"), str(conversation.queue)),
        (_("Started"), moment(conversation.created_at)),
        (_("Closed"), moment(conversation.closed_at) if conversation.closed_at else ""),
        (_("Exported"), _("%(at)s by %(by)s; times are of %(zone)s") % exported),
    ]
    return [(name, value) for name, value in told if value]


def iter_entries(conversation: Conversation, wanted: ExportOptions) -> Iterator[TranscriptEntry]:
    """Messages, and the notes and timeline that are wanted, in their order; a few at a time from the database."""
    streams = [_iter_message_entries(conversation)]
    if wanted.include_notes:
        streams.append(_iter_note_entries(conversation.notes.select_related("author")))
    if wanted.include_timeline:
        streams.append(_iter_event_entries(conversation.events.all()))
    return heapq.merge(*streams)


def count_entries(conversation: Conversation, wanted: ExportOptions) -> int:
    """How many entries there will be."""
    notes = conversation.notes.count() if wanted.include_notes else 0
    return conversation.messages.count() + notes + (conversation.events.count() if wanted.include_timeline else 0)


def export_text(conversation: Conversation, wanted: ExportOptions, *, by: User, now: datetime) -> Iterator[str]:
    """The whole export as text, piece by piece; they are taken when the page that asked for it is long done."""
    pieces = _iter_text(conversation, wanted, by=by, now=now)
    while True:
        with translation.override(wanted.language), timezone.override(wanted.time_zone):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def export_pdf(conversation: Conversation, wanted: ExportOptions, *, by: User, now: datetime) -> bytes:
    """Return the export as a PDF, made in a child process with limits: fonts and customers' text meet in C code.

    One at a time, because each takes a processor for itself.

    Raises:
        PdfRefused: the conversation is too long, its text took too much time or memory, or another PDF is being made.
    """
    if count_entries(conversation, wanted) > MAX_PDF_ENTRIES:
        raise _too_long_error()
    if not _pdf_lock.acquire(blocking=False):
        raise PDFExportError(_("Another PDF is being made. Try again in a moment."))
    try:
        return limited_process.run_module(
            PDF_MODULE, _build_pdf_document(conversation, wanted, by=by, now=now), PDF_LIMITS
        )
    except LimitedProcessError as failure:
        logger.warning("No PDF of conversation %s: %s", conversation.pk, failure)
        raise PDFExportError(
            _("This conversation could not be made into a PDF. Export it as text instead.")
        ) from failure
    finally:
        _pdf_lock.release()


def get_title(conversation: Conversation) -> str:
    """What stands over it all."""
    return _("Conversation with %(customer)s") % {
        "customer": remove_unsafe_characters(conversation.contact.display_name)
    }


def _iter_text(conversation: Conversation, wanted: ExportOptions, *, by: User, now: datetime) -> Iterator[str]:
    yield f"{get_title(conversation)}\n\n"
    told = get_header_fields(conversation, wanted, by=by, now=now)
    width = max(len(name) for name, _value in told) + 1
    for name, value in told:
        yield f"{name + ':':<{width}} {value}\n"
    yield "\n"
    for entry in iter_entries(conversation, wanted):
        yield format_entry(entry, wanted.time_zone)


def format_entry(entry: TranscriptEntry, zone: tzinfo) -> str:
    """An entry as text; what follows its first line is set in, so that no text passes for another entry."""
    said = entry.text.replace("\n", "\n    ")
    author = f"* {said}" if entry.is_event else f"{entry.author}: {said}"
    return f"[{entry.at.astimezone(zone):{TIMESTAMP_FORMAT}}] {author}\n"


def remove_unsafe_characters(said: str) -> str:
    """Text without what nobody sees and what could deceive."""
    return UNSAFE_CHARACTERS.sub("", said.replace("\r\n", "\n"))


def _build_pdf_document(conversation: Conversation, wanted: ExportOptions, *, by: User, now: datetime) -> bytes:
    """Return what the PDF holds, as JSON for the program that makes it."""
    lines, characters = [], 0
    for entry in iter_entries(conversation, wanted):
        characters += len(entry.text)
        if characters > MAX_PDF_CHARACTERS:
            raise _too_long_error()
        lines.append(_build_pdf_line(entry, wanted.time_zone))
    document = {
        "title": get_title(conversation),
        "facts": get_header_fields(conversation, wanted, by=by, now=now),
        "lines": lines,
        "footnote": _(
            "Boxes and names in brackets stand for characters no font here knows; the export as text has them all."
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
    found = conversation.messages.select_related("author").prefetch_related("attachments").order_by("created_at", "pk")
    for message in found.iterator(chunk_size=CHUNK_SIZE):
        who = _get_author_name(message, conversation.contact)
        yield TranscriptEntry(
            message.created_at,
            1,
            message.pk,
            who,
            remove_unsafe_characters(_format_message(message)),
            not message.is_inbound,
        )


def _iter_note_entries(found: QuerySet[Note]) -> Iterator[TranscriptEntry]:
    for note in found.order_by("created_at", "pk").iterator(chunk_size=CHUNK_SIZE):
        who = _("Note by %(author)s") % {"author": note.author.display_name}
        yield TranscriptEntry(note.created_at, 2, note.pk, who, remove_unsafe_characters(note.text), True)


def _iter_event_entries(found: QuerySet[ConversationEvent]) -> Iterator[TranscriptEntry]:
    for event in found.order_by("created_at", "pk").iterator(chunk_size=CHUNK_SIZE):
        yield TranscriptEntry(event.created_at, 0, event.pk, "", remove_unsafe_characters(str(event.text)))


def _get_author_name(message: Message, contact: Contact) -> str:
    if message.is_inbound:
        return remove_unsafe_characters(contact.display_name)
    return message.author.display_name if message.author else _("Automatic message")


def _format_message(message: Message) -> str:
    """What the message says, its files by name, and whether it never arrived."""
    parts = [_format_content(message), *(f"[{_('File')}: {_get_file_label(one)}]" for one in message.attachments.all())]
    failed = f"[{_('Not delivered')}]" if message.has_failed else ""
    return "\n".join(filter(None, [*parts, failed])) or f"[{_('Empty message')}]"


def _get_file_label(attachment: Attachment) -> str:
    return attachment.name or attachment.content_type or attachment.declared_type or _("without a name")


def _format_content(message: Message) -> str:
    content = message.content
    match message.kind:
        case MessageKind.LOCATION:
            place = content.get("location", {})
            known = (place.get(name) for name in ("label", "address", "latitude", "longitude"))
            return f"[{_('Location')}: {', '.join(str(one) for one in known if one not in (None, ''))}]"
        case MessageKind.CONTACTS:
            names = ", ".join(str(person.get("name", "")) for person in content.get("contacts", []))
            return f"[{_('Contact card')}: {names}]"
        case MessageKind.UNSUPPORTED:
            return "\n".join(filter(None, [message.body, f"[{_('Unsupported message')}]"]))
        case MessageKind.BUTTON | MessageKind.LIST:
            chosen = content.get("button", {}).get("text") or content.get("list", {}).get("title")
            return str(chosen or message.body)
    return message.body
