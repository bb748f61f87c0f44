"""Customers' files: fetched in the background, tried again while Twilio does not have them ready."""

import logging
import mimetypes
from datetime import datetime, timedelta

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from channels_whatsapp.media import FetchedMedia, MediaNotReady, MediaRefused, fetch
from omnichannel.conversations.contacts.vcard_parser import Person, people_in
from omnichannel.conversations.inbound.receive import NOT_ACCEPTED
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import Attachment, FileState, Kind, Message
from omnichannel.jobs.lanes import Lease, enqueue

logger = logging.getLogger(__name__)

FAILED_TO_PROCESS = gettext_noop("This file could not be processed.")
RETRY_AFTER = [timedelta(seconds=s) for s in (1, 3, 10, 30, 120, 600, 3600)]


class NothingToFetch(Exception):
    """This file can't be fetched again; the text says so to a person."""


def fetch_attachment(lease: Lease) -> datetime | None:
    """Fetch the file; says when to try again, None when it is stored or given up."""
    waiting = Attachment.objects.filter(pk=lease.key, state=FileState.PENDING)
    attachment = waiting.select_related("message__conversation__number__account").first()
    if attachment is None:
        return None
    account = attachment.message.conversation.number.account
    try:
        found = fetch(account, attachment.source_url, attachment.declared_type)
    except MediaRefused as refused:
        _give_up(attachment, str(refused))
        return None
    except MediaNotReady as error:
        return _try_later(attachment, str(error))
    with found.file:
        _store(attachment, found)
    return None


def _try_later(attachment: Attachment, why: str) -> datetime | None:
    if attachment.attempts >= len(RETRY_AFTER):
        _give_up(attachment, why)
        return None
    later = timezone.now() + RETRY_AFTER[attachment.attempts]
    _pending(attachment).update(attempts=attachment.attempts + 1, error=why[:300])
    return later


def _give_up(attachment: Attachment, why: str) -> None:
    with transaction.atomic():
        if _pending(attachment).update(state=FileState.FAILED, error=why[:300]):
            _show(attachment)


def give_up_attachment(pk: int) -> None:
    """Show the file as failed: each attempt to fetch it raised an error, hung or killed the worker."""
    attachment = Attachment.objects.filter(pk=pk).select_related("message__conversation").first()
    if attachment is not None:
        _give_up(attachment, FAILED_TO_PROCESS)


def _pending(attachment: Attachment) -> QuerySet[Attachment]:
    return Attachment.objects.filter(pk=attachment.pk, state=FileState.PENDING)


def _store(attachment: Attachment, found: FetchedMedia) -> None:
    attachment.file.save("", File(found.file), save=False)
    attachment.content_type, attachment.size = found.content_type, found.size
    attachment.name = attachment.name or _name(attachment, found.content_type)
    people = _people(found)
    with transaction.atomic():
        stored = _pending(attachment).update(
            file=attachment.file.name,
            content_type=attachment.content_type,
            size=attachment.size,
            name=attachment.name,
            state=FileState.STORED,
            error="",
        )
        if stored:
            _show_people(attachment.message_id, people)
            _show(attachment)


def _name(attachment: Attachment, content_type: str) -> str:
    return f"file-{attachment.message_id}-{attachment.position + 1}{mimetypes.guess_extension(content_type) or ''}"


def _people(found: FetchedMedia) -> list[Person]:
    if found.content_type != "text/vcard":
        return []
    found.file.seek(0)
    return people_in(found.file.read())


def _show_people(message_id: int, people: list[Person]) -> None:
    """Add them to the message; locked, because its other cards may be fetched at the same time."""
    if people:
        message = Message.objects.select_for_update(of=("self",)).get(pk=message_id)
        message.content["contacts"] = [*message.content.get("contacts", []), *people]
        message.kind = Kind.CONTACTS
        message.save(update_fields=["kind", "content"])


def _show(attachment: Attachment) -> None:
    Message.objects.filter(pk=attachment.message_id).update(updated_at=timezone.now())
    publish_event(EventKind.MESSAGE, attachment.message.conversation, part_id=attachment.message_id)


def can_retry(attachment: Attachment) -> bool:
    """Whether the file failed to come and there is an address to try again."""
    failed = attachment.state == FileState.FAILED
    return failed and bool(attachment.source_url) and attachment.error != NOT_ACCEPTED


def retry(attachment: Attachment) -> None:
    """Try again to fetch a file that never came. Raises NothingToFetch where there is nothing to fetch."""
    if not can_retry(attachment):
        raise NothingToFetch(gettext("This file can't be fetched again."))
    with transaction.atomic():
        failed = Attachment.objects.filter(pk=attachment.pk, state=FileState.FAILED)
        if failed.update(state=FileState.PENDING, attempts=0, error=""):
            enqueue(LaneKind.MEDIA, attachment.pk)
            _show(attachment)
