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

from channels_whatsapp.service_window import EXCEEDED, is_inside
from omnichannel.accounts.models import User
from omnichannel.conversations.access import agent_of, may_answer
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import (
    Attachment,
    Conversation,
    Direction,
    FileState,
    Kind,
    Message,
    Status,
    Trigger,
)
from omnichannel.conversations.outbound.quick_replies import slugs_left
from omnichannel.conversations.outbound.uploads import FileRefused, checked_type
from omnichannel.jobs.lanes import enqueue

# Twilio refuses longer bodies with 21617.
TEXT_LIMIT = 1600

# Marks, in a message's content, what was said by the desk itself; its value is the trigger.
AUTOMATED = "automated"

OPTED_OUT = gettext_noop(
    "This customer has opted out of our messages. They can be answered again as soon as they write to us."
)
OPTED_OUT_BY_WORD = gettext_noop(
    "This customer has opted out of our messages. They can be answered again when they write a word that opts in again."
)
BLOCKED = gettext_noop("This customer is blocked. Unblock them to write to them again.")
NOT_YOURS = gettext_noop("Take this conversation before you answer in it.")
NOT_HERE = gettext_noop("The message you reply to is not in this conversation.")


class ReplyRefused(Exception):
    """The reply was not queued. `field` is `text` or `file`, the message is for the agent, `code` for programs."""

    def __init__(self, code: str, message: str, *, field: str = "text") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def why_not(conversation: Conversation, *, automated: str = "", as_template: bool = False) -> ReplyRefused | None:
    """Why nothing can be sent to this customer now; None when it can.

    `automated` is the trigger of an automated message: an opt-out is still confirmed. For a template the 24 hours do
    not matter.
    """
    contact = conversation.contact
    if contact.blocked_at:
        return ReplyRefused("blocked", gettext(BLOCKED))
    if contact.opted_out_at and automated != Trigger.OPTED_OUT:
        return ReplyRefused("opted_out", gettext(OPTED_OUT_BY_WORD if contact.opted_out_by_word else OPTED_OUT))
    if not as_template and not is_inside(conversation.window_closes_at, at=timezone.now()):
        return ReplyRefused("window_closed", gettext(EXCEEDED))
    return None


def send_reply(
    conversation: Conversation,
    *,
    author: User,
    text: str = "",
    file: File[bytes] | None = None,
    public_id: uuid.UUID | None = None,
    quoted: Message | None = None,
    hold_for: timedelta | None = None,
) -> Message:
    """Queue a reply to the customer, with text of up to 1,600 characters, a file, or both.

    `public_id` is the form's own id: the same form sent twice queues one message. `quoted` is the message it replies
    to, for colleagues to see; it goes out after `hold_for`, until when it can be taken back. Raises ReplyRefused, with
    the 24-hour rule's exact sentence after the window, and then nothing is stored.
    """
    body = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if quoted is not None and quoted.conversation_id != conversation.pk:
        raise ReplyRefused("not_here", gettext(NOT_HERE))
    stored = _store(file, check_reply(conversation, body, file))
    not_before = timezone.now() + hold_for if hold_for else None
    try:
        return _queue(conversation, author, body, stored, public_id, quoted=quoted, not_before=not_before)
    except BaseException:  # refused or cut off: the file has no row, and nobody would ever find it
        _forget(stored)
        raise


def _queue(
    conversation: Conversation,
    author: User,
    body: str,
    stored: Attachment | None,
    public_id: uuid.UUID | None,
    **more: Any,
) -> Message:
    with transaction.atomic():
        locked = locked_to_send(conversation.pk)
        # Before any refusal: what was queued a moment ago must not be told as refused when its form comes again.
        if (sent_before := sent_by_form(public_id, locked)) is not None:
            _forget(stored)
            return sent_before
        if not may_answer(agent_of(author), locked):
            raise ReplyRefused("not_yours", gettext(NOT_YOURS))
        if (refusal := why_not(locked)) is not None:
            raise refusal
        return queue_message(locked, body=body, author=author, stored=stored, public_id=public_id, **more)


def locked_to_send(pk: int) -> Conversation:
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
    stored: Attachment | None = None,
    public_id: uuid.UUID | None = None,
    content: dict[str, Any] | None = None,
    kind: Kind | None = None,
    quoted: Message | None = None,
    not_before: datetime | None = None,
) -> Message:
    """Queue a message that has been checked, in the transaction that has `locked_to_send` its conversation."""
    message = Message.objects.create(
        public_id=public_id or uuid.uuid4(),
        conversation=locked,
        direction=Direction.OUTBOUND,
        kind=kind or (Kind.MEDIA if stored else Kind.TEXT),
        body=body,
        content=content or {},
        status=Status.QUEUED,
        author=author,
        quoted=quoted,
        not_before=not_before,
    )
    if stored is not None:
        stored.message = message
        stored.save()
    _show(locked, message)
    return message


def sent_by_form(public_id: uuid.UUID | None, conversation: Conversation) -> Message | None:
    """The message this very form has sent already; the lane's lock lets no twin slip in between."""
    found = Message.objects.filter(public_id=public_id).first() if public_id else None
    if found is not None and found.conversation_id != conversation.pk:
        raise ReplyRefused("stale_form", gettext("This page is out of date. Reload it and send again."))
    return found


def check_reply(conversation: Conversation, body: str, file: File[bytes] | None) -> str:
    """The file's type, "" without one; raises ReplyRefused for what no customer could be sent."""
    if not body and file is None:
        raise ReplyRefused("empty", gettext("Write a message or choose a file."))
    if len(body) > TEXT_LIMIT:
        over = len(body) - TEXT_LIMIT
        raise ReplyRefused(
            "too_long",
            gettext("WhatsApp takes up to %(limit)s characters; this is %(over)s too long.")
            % {
                "limit": number_format(TEXT_LIMIT, force_grouping=True),
                "over": number_format(over, force_grouping=True),
            },
        )
    if left := slugs_left(body):
        raise ReplyRefused(
            "slug_left", gettext("Replace %(word)s first: the customer would read it as it is.") % {"word": left[0]}
        )
    if file is None:
        return ""
    if not conversation.number.agents_may_attach:
        raise ReplyRefused(
            "files_off", gettext("Attachments from agents are switched off for this number."), field="file"
        )
    try:
        return checked_type(file)
    except FileRefused as error:
        raise ReplyRefused("file_refused", str(error), field="file") from error


def _store(file: File[bytes] | None, content_type: str) -> Attachment | None:
    """The file on the disk, its row not yet: copying it must not hold up the database."""
    if file is None:
        return None
    attachment = Attachment(
        name=(file.name or "file").replace("\x00", "")[-200:],
        declared_type=content_type,
        content_type=content_type,
        size=file.size or 0,
        state=FileState.STORED,
    )
    attachment.file.save("", file, save=False)
    return attachment


def _forget(stored: Attachment | None) -> None:
    if stored is not None:
        stored.file.delete(save=False)


def _show(conversation: Conversation, message: Message) -> None:
    if message.author is not None:  # the lists show what people wrote last, not what the desk says by itself
        now = timezone.now()
        Conversation.objects.filter(pk=conversation.pk).update(last_message=message, last_activity_at=now)
    publish_event(EventKind.MESSAGE, conversation, part_id=message.pk)


def id_when_sent_again(failed: Message) -> uuid.UUID:
    """The `public_id` of the copy that is queued when this message is sent again: the same each time."""
    return uuid.uuid5(failed.public_id, "sent again")


def send_again(failed: Message, *, author: User) -> Message:
    """Queue a copy of a message that was not delivered; the failed one stays as it is.

    Raises ReplyRefused as `send_reply` does, and for a message that has not failed or was sent again already.
    """
    failed.refresh_from_db(fields=["status"])  # a late callback may have told better
    if failed.is_inbound or not failed.has_failed:
        raise ReplyRefused("not_failed", gettext("Only a message that was not delivered can be sent again."))
    attachment = failed.attachments.first()
    again = id_when_sent_again(failed)
    if Message.objects.filter(public_id=again).exists():
        raise ReplyRefused("sent_again", gettext("This message has been sent again already."))
    file = _copy(attachment) if attachment and attachment.file else None
    return send_reply(
        failed.conversation, author=author, text=failed.body, file=file, public_id=again, quoted=failed.quoted
    )


def _copy(attachment: Attachment) -> File[bytes]:
    try:
        return File(attachment.file.open("rb"), attachment.name)
    except OSError as error:
        raise ReplyRefused(
            "file_gone", gettext("The file is no longer here. Choose it again."), field="file"
        ) from error
