"""Queue an agent's reply exactly once, or refuse it with a reason."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop

from channels_whatsapp.file_names import add_ending, clean_file_name
from channels_whatsapp.service_window import WINDOW_EXCEEDED_MESSAGE, is_window_open
from omnichannel.accounts.models import User
from omnichannel.conversations.access import agent_for_user, can_reply
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Conversation,
    FailedReply,
    Message,
    MessageDirection,
    MessageKind,
    MessageStatus,
    MessageTrigger,
)
from omnichannel.conversations.outbound.quick_replies import find_slugs
from omnichannel.conversations.outbound.uploads import UploadError, validate_upload
from omnichannel.jobs.lanes import enqueue

# Twilio refuses longer bodies with error 21617.
TEXT_LIMIT = 1600


OPTED_OUT_ERROR = gettext_noop("This customer opted out. You can reply again once they message us.")
OPTED_OUT_BY_WORD_ERROR = gettext_noop("This customer opted out. You can reply again once they send an opt-in word.")
BLOCKED_ERROR = gettext_noop("This customer is blocked. Unblock them to reply.")
NO_ADDRESS_ERROR = gettext_noop("This customer hides their number and has to write to this number of ours first.")
NOT_ASSIGNED_ERROR = gettext_noop("Take this conversation to reply.")
QUOTED_ELSEWHERE_ERROR = gettext_noop("The message you reply to is not in this conversation.")


class ReplyErrorCode(StrEnum):
    """Why a reply or a template was not queued."""

    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    WINDOW_CLOSED = "window_closed"
    NO_ADDRESS = "no_address"
    NOT_ASSIGNED = "not_assigned"
    # The form and its text
    INVALID_FORM = "invalid_form"
    OUTDATED_FORM = "outdated_form"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    UNFILLED_SLUG = "unfilled_slug"
    QUOTED_ELSEWHERE = "quoted_elsewhere"
    # Its file
    ATTACHMENTS_DISABLED = "attachments_disabled"
    FILE_REJECTED = "file_rejected"
    FILE_MISSING = "file_missing"
    # Sending a failed message again
    NOT_FAILED = "not_failed"
    ALREADY_RESENT = "already_resent"
    # Templates
    TEMPLATE_NOT_SENDABLE = "template_not_sendable"
    TEMPLATE_OF_OTHER_ACCOUNT = "template_of_other_account"
    TEMPLATE_REMOVED = "template_removed"
    INVALID_VARIABLES = "invalid_variables"
    # Starting a conversation
    NUMBER_NOT_PERMITTED = "number_not_permitted"
    OWN_NUMBER = "own_number"
    CONTACT_MERGED = "contact_merged"
    CONVERSATION_ALREADY_OPEN = "conversation_already_open"


class ReplyError(Exception):
    """The reply was not queued.

    Attributes:
        code: the reason, for callers.
        message: the reason, for the agent.
        field: the form field concerned, such as `text` or `file`.
    """

    def __init__(self, code: ReplyErrorCode, message: str, *, field: str = "text") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def get_send_error(
    conversation: Conversation, *, automated_trigger: str = "", is_template: bool = False
) -> ReplyError | None:
    """Return why nothing can be sent to this customer now; None when it can.

    Args:
        conversation: the conversation to send in.
        automated_trigger: trigger of an automated message; the confirmation of an opt-out may still be sent.
        is_template: templates may be sent outside the 24-hour window.
    """
    contact = conversation.contact
    if contact.blocked_at:
        return ReplyError(ReplyErrorCode.BLOCKED, gettext(BLOCKED_ERROR))
    if contact.opted_out_at and automated_trigger != MessageTrigger.OPTED_OUT:
        return ReplyError(
            ReplyErrorCode.OPTED_OUT, gettext(OPTED_OUT_BY_WORD_ERROR if contact.opted_out_by_word else OPTED_OUT_ERROR)
        )
    if not is_template and not is_window_open(conversation.window_closes_at, at=timezone.now()):
        return ReplyError(ReplyErrorCode.WINDOW_CLOSED, gettext(WINDOW_EXCEEDED_MESSAGE))
    if not contact.get_recipient_address(conversation.number_id):
        return ReplyError(ReplyErrorCode.NO_ADDRESS, gettext(NO_ADDRESS_ERROR), field="to")
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

    Args:
        conversation: the conversation to reply in.
        author: the agent's user.
        text: text of the reply.
        file: file to attach.
        public_id: id of the form; submitting the same form twice queues one message.
        quoted: the message replied to, shown to colleagues only.
        send_delay: time until the reply is sent, during which it can be undone.

    Raises:
        ReplyError: the reply is refused, and nothing is stored; after the 24-hour window with the rule's exact text.
    """
    body = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if quoted is not None and quoted.conversation_id != conversation.pk:
        raise ReplyError(ReplyErrorCode.QUOTED_ELSEWHERE, gettext(QUOTED_ELSEWHERE_ERROR))
    attachment = _store_file(file, validate_reply(conversation, body, file))
    not_before = timezone.now() + send_delay if send_delay else None
    try:
        return _queue_reply(conversation, author, body, attachment, public_id, quoted=quoted, not_before=not_before)
    except BaseException:  # refused or interrupted: without a row, the file would never be deleted
        _delete_stored_file(attachment)
        raise


def _queue_reply(
    conversation: Conversation,
    author: User,
    body: str,
    attachment: Attachment | None,
    public_id: uuid.UUID | None,
    **extra_fields: Any,
) -> Message:
    with transaction.atomic():
        locked = lock_for_sending(conversation.pk)
        # Check this first: a reply that was queued must not be reported as refused when its form is submitted again.
        if (previous := find_previous_submission(public_id, locked)) is not None:
            _delete_stored_file(attachment)
            return previous
        if not can_reply(agent_for_user(author), locked):
            raise ReplyError(ReplyErrorCode.NOT_ASSIGNED, gettext(NOT_ASSIGNED_ERROR))
        if (refusal := get_send_error(locked)) is not None:
            raise refusal
        return queue_message(
            locked, body=body, author=author, attachment=attachment, public_id=public_id, **extra_fields
        )


def lock_for_sending(pk: int) -> Conversation:
    """Return the conversation, locked together with its lane, to queue a message.

    The caller holds the transaction. The lane is locked first: the ids of a conversation's messages then
    follow the order of their commits.
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
    """Queue a validated message, in the transaction in which `lock_for_sending` locked its conversation."""
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
    """Return the message that this form has queued before, else None; the caller holds the lane's lock.

    Raises:
        ReplyError: the form belongs to another conversation.
    """
    message = Message.objects.filter(public_id=public_id).first() if public_id else None
    if message is not None and message.conversation_id != conversation.pk:
        raise ReplyError(ReplyErrorCode.OUTDATED_FORM, gettext("This page is out of date. Reload it and try again."))
    return message


def validate_reply(conversation: Conversation, body: str, file: File[bytes] | None) -> str:
    """Validate a reply; return the content type of its file, "" without one.

    Raises:
        ReplyError: the text or the file can't be sent.
    """
    if not body and file is None:
        raise ReplyError(ReplyErrorCode.EMPTY, gettext("Enter a message or choose a file."))
    if len(body) > TEXT_LIMIT:
        excess = len(body) - TEXT_LIMIT
        raise ReplyError(
            ReplyErrorCode.TOO_LONG,
            gettext("Messages can have up to %(limit)s characters. This one is %(over)s too long.")
            % {
                "limit": number_format(TEXT_LIMIT, force_grouping=True),
                "over": number_format(excess, force_grouping=True),
            },
        )
    if slugs := find_slugs(body):
        raise ReplyError(
            ReplyErrorCode.UNFILLED_SLUG,
            gettext("Replace %(word)s before sending. The customer would see it as is.") % {"word": slugs[0]},
        )
    if file is None:
        return ""
    if not conversation.number.agents_may_attach:
        raise ReplyError(
            ReplyErrorCode.ATTACHMENTS_DISABLED,
            gettext("Attachments from agents are disabled for this number."),
            field="file",
        )
    try:
        return validate_upload(file)
    except UploadError as error:
        raise ReplyError(ReplyErrorCode.FILE_REJECTED, str(error), field="file") from error


def _store_file(file: File[bytes] | None, content_type: str) -> Attachment | None:
    """Store the file and return its unsaved row: copying must not happen inside a transaction."""
    if file is None:
        return None
    attachment = Attachment(
        name=add_ending(clean_file_name(file.name or "") or "file", content_type, content_type),
        declared_type=content_type,
        content_type=content_type,
        size=file.size or 0,
        state=AttachmentState.STORED,
    )
    attachment.file.save("", file, save=False)
    return attachment


def _delete_stored_file(attachment: Attachment | None) -> None:
    if attachment is not None:
        attachment.file.delete(save=False)


def _update_and_publish(conversation: Conversation, message: Message) -> None:
    if message.author is not None:  # lists show the last message of a person, not automated ones
        now = timezone.now()
        Conversation.objects.filter(pk=conversation.pk).update(last_message=message, last_activity_at=now)
    publish_event(LiveEventKind.MESSAGE, conversation, part_id=message.pk)


def get_resend_public_id(failed: Message) -> uuid.UUID:
    """Return the id of the copy that is queued when a failed message is sent again; always the same."""
    return uuid.uuid5(failed.public_id, "sent again")


def resend_reply(failed: Message, *, author: User) -> Message:
    """Queue a copy of a message that was not delivered; the failed one stays unchanged.

    Raises:
        ReplyError: as `send_reply`, or the message has not failed or was sent again already.
    """
    failed.refresh_from_db(fields=["status"])  # a late callback may have corrected the status
    if failed.is_inbound or not failed.has_failed:
        raise ReplyError(ReplyErrorCode.NOT_FAILED, gettext("Only undelivered messages can be sent again."))
    attachment = failed.attachments.first()
    public_id = get_resend_public_id(failed)
    if Message.objects.filter(public_id=public_id).exists():
        raise ReplyError(ReplyErrorCode.ALREADY_RESENT, gettext("This message has already been sent again."))
    file = _reopen_file(attachment) if attachment and attachment.file else None
    copy = send_reply(
        failed.conversation, author=author, text=failed.body, file=file, public_id=public_id, quoted=failed.quoted
    )
    FailedReply.objects.filter(message=failed, seen_at=None).update(seen_at=timezone.now())
    return copy


def _reopen_file(attachment: Attachment) -> File[bytes]:
    try:
        return File(attachment.file.open("rb"), attachment.name)
    except OSError as error:
        raise ReplyError(
            ReplyErrorCode.FILE_MISSING, gettext("The file is no longer available. Choose it again."), field="file"
        ) from error
