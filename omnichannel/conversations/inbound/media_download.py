"""Download customers' files in the background, with retries while Twilio does not have them ready."""

import logging
from datetime import datetime, timedelta

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from channels_whatsapp.file_names import add_ending, is_same_name
from channels_whatsapp.media import FetchedMedia, MediaRejectedError, MediaUnavailableError, fetch_media
from omnichannel.conversations.contacts.vcard_parser import Person, parse_people
from omnichannel.conversations.inbound.receive import ATTACHMENTS_DISABLED
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Attachment, AttachmentState, Message, MessageKind
from omnichannel.jobs.lanes import Lease, enqueue

logger = logging.getLogger(__name__)

PROCESSING_FAILED = gettext_noop("This file could not be processed.")
DOCUMENT_DISPLAY_TYPES = {"pdf", "file"}
RETRY_DELAYS = [timedelta(seconds=s) for s in (1, 3, 10, 30, 120, 600, 3600)]


class MediaRetryError(Exception):
    """The file can't be fetched again; the text is for the user."""


def fetch_attachment(lease: Lease) -> datetime | None:
    """Fetch a file; return when to try again, or None when it is stored or has failed for good."""
    pending = Attachment.objects.filter(pk=lease.key, state=AttachmentState.PENDING)
    attachment = pending.select_related("message__conversation__number__account").first()
    if attachment is None:
        return None
    account = attachment.message.conversation.number.account
    try:
        media = fetch_media(account, attachment.source_url, attachment.declared_type)
    except MediaRejectedError as error:
        _mark_failed(attachment, str(error))
        return None
    except MediaUnavailableError as error:
        return _schedule_retry(attachment, str(error))
    with media.file:
        _store_file(attachment, media)
    return None


def _schedule_retry(attachment: Attachment, reason: str) -> datetime | None:
    if attachment.attempts >= len(RETRY_DELAYS):
        _mark_failed(attachment, reason)
        return None
    retry_at = timezone.now() + RETRY_DELAYS[attachment.attempts]
    _get_if_pending(attachment).update(attempts=attachment.attempts + 1, error=reason[:300])
    return retry_at


def _mark_failed(attachment: Attachment, reason: str) -> None:
    with transaction.atomic():
        if _get_if_pending(attachment).update(state=AttachmentState.FAILED, error=reason[:300]):
            _publish_update(attachment)


def mark_attachment_failed(pk: int) -> None:
    """Mark a file as failed after each attempt to fetch it raised an error, hung or killed the worker."""
    attachment = Attachment.objects.filter(pk=pk).select_related("message__conversation").first()
    if attachment is not None:
        _mark_failed(attachment, PROCESSING_FAILED)


def _get_if_pending(attachment: Attachment) -> QuerySet[Attachment]:
    return Attachment.objects.filter(pk=attachment.pk, state=AttachmentState.PENDING)


def _store_file(attachment: Attachment, media: FetchedMedia) -> None:
    attachment.file.save("", File(media.file), save=False)
    attachment.content_type, attachment.size = media.content_type, media.size
    name_in_body, attachment.name = attachment.name, _choose_name(attachment, media)
    people = _parse_contact_card(media)
    with transaction.atomic():
        updated = _get_if_pending(attachment).update(
            file=attachment.file.name,
            content_type=attachment.content_type,
            size=attachment.size,
            name=attachment.name,
            state=AttachmentState.STORED,
            error="",
        )
        if updated:
            _correct_body(attachment, name_in_body, media.name)
            _add_contacts_to_message(attachment.message_id, people)
            _publish_update(attachment)


def _choose_name(attachment: Attachment, media: FetchedMedia) -> str:
    """Return the name that came with the file, else the one in the message, else a generated one; with an ending."""
    generated = f"file-{attachment.message_id}-{attachment.position + 1}"
    return add_ending(media.name or attachment.name or generated, media.content_type, attachment.declared_type)


def _correct_body(attachment: Attachment, name_in_body: str, name: str) -> None:
    """Decide again, with the file's real name, whether the message's text is a caption or just that name."""
    if not name:
        return
    message = Message.objects.filter(pk=attachment.message_id)
    if name_in_body and not is_same_name(name_in_body, name):
        message.filter(body="").update(body=name_in_body)
    elif attachment.display_type() in DOCUMENT_DISPLAY_TYPES:
        body = message.values_list("body", flat=True).first()
        if body and is_same_name(body, name):
            message.filter(body=body).update(body="")


def _parse_contact_card(media: FetchedMedia) -> list[Person]:
    if media.content_type != "text/vcard":
        return []
    media.file.seek(0)
    return parse_people(media.file.read())


def _add_contacts_to_message(message_id: int, people: list[Person]) -> None:
    """Add people to a message, locked because its other cards may be fetched at the same time."""
    if people:
        message = Message.objects.select_for_update(of=("self",)).get(pk=message_id)
        message.content["contacts"] = [*message.content.get("contacts", []), *people]
        message.kind = MessageKind.CONTACTS
        message.save(update_fields=["kind", "content"])


def _publish_update(attachment: Attachment) -> None:
    Message.objects.filter(pk=attachment.message_id).update(updated_at=timezone.now())
    publish_event(LiveEventKind.MESSAGE, attachment.message.conversation, part_id=attachment.message_id)


def can_retry(attachment: Attachment) -> bool:
    """Return whether the download failed and can be tried again."""
    has_failed = attachment.state == AttachmentState.FAILED
    return has_failed and bool(attachment.source_url) and attachment.error != ATTACHMENTS_DISABLED


def retry_download(attachment: Attachment) -> None:
    """Try again to fetch a file.

    Raises:
        MediaRetryError: the file has not failed, or can't be fetched again.
    """
    if not can_retry(attachment):
        raise MediaRetryError(gettext("This file can't be downloaded again."))
    with transaction.atomic():
        failed = Attachment.objects.filter(pk=attachment.pk, state=AttachmentState.FAILED)
        if failed.update(state=AttachmentState.PENDING, attempts=0, error=""):
            enqueue(LaneKind.MEDIA, attachment.pk)
            _publish_update(attachment)
