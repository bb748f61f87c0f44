"""An agent's reply: refused with a reason, or queued once to be sent."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop

from channels_whatsapp.service_window import WINDOW_EXCEEDED_MESSAGE, is_window_open
from omnichannel.accounts.models import User
from omnichannel.conversations.access import agent_for_user, can_reply
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Conversation,
    Message,
    MessageDirection,
    MessageKind,
    MessageStatus,
    MessageTrigger,
)
from omnichannel.conversations.outbound.quick_replies import find_slugs
from omnichannel.conversations.outbound.uploads import UploadError, validate_upload
from omnichannel.jobs.lanes import enqueue

# Twilio refuses longer bodies with 21617.
TEXT_LIMIT = 1600


OPTED_OUT_ERROR = gettext_noop(
    "This customer has opted out of our messages. They can be answered again as soon as they write to us."
)
OPTED_OUT_BY_WORD_ERROR = gettext_noop(
    "This customer has opted out of our messages. They can be answered again when they write a word that opts in again."
)
BLOCKED_ERROR = gettext_noop("This customer is blocked. Unblock them to write to them again.")
NOT_ASSIGNED_ERROR = gettext_noop("Take this conversation before you answer in it.")
QUOTED_ELSEWHERE_ERROR = gettext_noop("The message you reply to is not in this conversation.")


class ReplyError(Exception):
    """The reply was not queued. `field` is `text` or `file`, the message is for the agent, `code` for processes."""

    def __init__(self, code: str, message: str, *, field: str = "text") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def get_send_error(
    conversation: Conversation, *, automated_trigger: str = "", is_template: bool = False
) -> ReplyError | None:
    """Why nothing can be sent to this customer now; None when it can.

    `automated` is the trigger of an automated message: an opt-out is still confirmed. For a template the 24 hours do
    not matter.
    """
    contact = conversation.contact
    if contact.blocked_at:
        return ReplyError("blocked", gettext(BLOCKED_ERROR))
    if contact.opted_out_at and automated_trigger != MessageTrigger.OPTED_OUT:
        return ReplyError(
            "opted_out", gettext(OPTED_OUT_BY_WORD_ERROR if contact.opted_out_by_word else OPTED_OUT_ERROR)
        )
    if not is_template and not is_window_open(conversation.window_closes_at, at=timezone.now()):
        return ReplyError("window_closed", gettext(WINDOW_EXCEEDED_MESSAGE))
    return None


def send_reply(
    conversation: Conversation,
    *,
    author: User,
    text: str = "",
    file: File[bytes] | None = None,
    public_id: uuid.UUID | None = None,
    quoted: Message | None = None,
    send_delay: timedelta | None = None,
) -> Message:
    """Queue a reply to the customer, with text of up to 1,600 characters, a file, or both.

    `public_id` is the form's own id: the same form sent twice queues one message. `quoted` is the message it replies
    to, for colleagues to see; it goes out after `hold_for`, until when it can be taken back. Raises ReplyRefused, with
    the 24-hour rule's exact sentence after the window, and then nothing is stored.
    """
    body = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if quoted is not None and quoted.conversation_id != conversation.pk:
        raise ReplyError("not_here", gettext(QUOTED_ELSEWHERE_ERROR))
    stored = _store_file(file, validate_reply(conversation, body, file))
    not_before = timezone.now() + send_delay if send_delay else None
    try:
        return _queue_reply(conversation, author, body, stored, public_id, quoted=quoted, not_before=not_before)
    except BaseException:  # refused or cut off: the file has no row, and nobody would ever find it
        _delete_stored_file(stored)
        raise


def _queue_reply(
    conversation: Conversation,
    author: User,
    body: str,
    stored: Attachment | None,
    public_id: uuid.UUID | None,
    **more: Any,
) -> Message:
    with transaction.atomic():
        locked = lock_for_sending(conversation.pk)
        # Before any refusal: what was queued a moment ago must not be told as refused when its form comes again.
        if (sent_before := find_previous_submission(public_id, locked)) is not None:
            _delete_stored_file(stored)
            return sent_before
        if not can_reply(agent_for_user(author), locked):
            raise ReplyError("not_yours", gettext(NOT_ASSIGNED_ERROR))
        if (refusal := get_send_error(locked)) is not None:
            raise refusal
        return queue_message(locked, body=body, author=author, attachment=stored, public_id=public_id, **more)


def lock_for_sending(pk: int) -> Conversation:
    """The conversation, locked together with its lane, for whoever queues a message. The caller holds the transaction.

    The lane first: its lock makes the ids of one conversation's messages follow the order of their commits.
    """
    enqueue(LaneKind.SEND, pk)
    return (
        Conversation.objects.select_for_update(of=("self",), no_key=True).select_related("contact", "number").get(pk=pk)
    )


def queue_message(
    locked: Conversation,
    *,
    body: str,
    author: User | None = None,
    attachment: Attachment | None = None,
    public_id: uuid.UUID | None = None,
    content: dict[str, Any] | None = None,
    kind: MessageKind | None = None,
    quoted: Message | None = None,
    not_before: datetime | None = None,
    automated_trigger: str = "",
    queue_position: int | None = None,
) -> Message:
    """Queue a message that has been checked, in the transaction that has `locked_to_send` its conversation."""
    message = Message.objects.create(
        public_id=public_id or uuid.uuid4(),
        conversation=locked,
        direction=MessageDirection.OUTBOUND,
        kind=kind or (MessageKind.MEDIA if attachment else MessageKind.TEXT),
        body=body,
        content=content or {},
        status=MessageStatus.QUEUED,
        author=author,
        quoted=quoted,
        not_before=not_before,
        automated_trigger=automated_trigger,
        queue_position=queue_position,
    )
    if attachment is not None:
        attachment.message = message
        attachment.save()
    _update_and_publish(locked, message)
    return message


def find_previous_submission(public_id: uuid.UUID | None, conversation: Conversation) -> Message | None:
    """The message this very form has sent already; the lane's lock lets no twin slip in between."""
    found = Message.objects.filter(public_id=public_id).first() if public_id else None
    if found is not None and found.conversation_id != conversation.pk:
        raise ReplyError("stale_form", gettext("This page is out of date. Reload it and send again."))
    return found


def validate_reply(conversation: Conversation, body: str, file: File[bytes] | None) -> str:
    """The file's type, "" without one; raises ReplyRefused for what no customer could be sent."""
    if not body and file is None:
        raise ReplyError("empty", gettext("Write a message or choose a file."))
    if len(body) > TEXT_LIMIT:
        over = len(body) - TEXT_LIMIT
        raise ReplyError(
            "too_long",
            gettext("WhatsApp takes up to %(limit)s characters; this is %(over)s too long.")
            % {
                "limit": number_format(TEXT_LIMIT, force_grouping=True),
                "over": number_format(over, force_grouping=True),
            },
        )
    if left := find_slugs(body):
        raise ReplyError(
            "slug_left", gettext("Replace %(word)s first: the customer would read it as it is.") % {"word": left[0]}
        )
    if file is None:
        return ""
    if not conversation.number.agents_may_attach:
        raise ReplyError(
            "files_off", gettext("Attachments from agents are switched off for this number."), field="file"
        )
    try:
        return validate_upload(file)
    except UploadError as error:
        raise ReplyError("file_refused", str(error), field="file") from error


def _store_file(file: File[bytes] | None, content_type: str) -> Attachment | None:
    """The file on the disk, its row not yet: copying it must not hold up the database."""
    if file is None:
        return None
    attachment = Attachment(
        name=(file.name or "file").replace("\x00", "")[-200:],
        declared_type=content_type,
        content_type=content_type,
        size=file.size or 0,
        state=AttachmentState.STORED,
    )
    attachment.file.save("", file, save=False)
    return attachment


def _delete_stored_file(stored: Attachment | None) -> None:
    if stored is not None:
        stored.file.delete(save=False)


def _update_and_publish(conversation: Conversation, message: Message) -> None:
    if message.author is not None:  # the lists show what people wrote last, not what the desk says by itself
        now = timezone.now()
        Conversation.objects.filter(pk=conversation.pk).update(last_message=message, last_activity_at=now)
    publish_event(LiveEventKind.MESSAGE, conversation, part_id=message.pk)


def get_resend_public_id(failed: Message) -> uuid.UUID:
    """The `public_id` of the copy that is queued when this message is sent again: the same each time."""
    return uuid.uuid5(failed.public_id, "sent again")


def resend_reply(failed: Message, *, author: User) -> Message:
    """Queue a copy of a message that was not delivered; the failed one stays as it is.

    Raises ReplyRefused as `send_reply` does, and for a message that has not failed or was sent again already.
    """
    failed.refresh_from_db(fields=["status"])  # a late callback may have told better
    if failed.is_inbound or not failed.has_failed:
        raise ReplyError("not_failed", gettext("Only a message that was not delivered can be sent again."))
    attachment = failed.attachments.first()
    again = get_resend_public_id(failed)
    if Message.objects.filter(public_id=again).exists():
        raise ReplyError("sent_again", gettext("This message has been sent again already."))
    file = _reopen_file(attachment) if attachment and attachment.file else None
    return send_reply(
        failed.conversation, author=author, text=failed.body, file=file, public_id=again, quoted=failed.quoted
    )


def _reopen_file(attachment: Attachment) -> File[bytes]:
    try:
        return File(attachment.file.open("rb"), attachment.name)
    except OSError as error:
        raise ReplyError("file_gone", gettext("The file is no longer here. Choose it again."), field="file") from error
