"""The thread of a conversation: messages, events and notes in order, with a divider above each day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from channels_whatsapp.error_reasons import can_send_again, get_error_reason
from channels_whatsapp.message_types import describe_unsupported_message, get_heading
from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Conversation,
    Message,
    MessageKind,
    MessageStatus,
    Note,
)
from omnichannel.conversations.outbound.compose import get_resend_public_id
from omnichannel.desk.shared.message_preview import STATUS_LABELS, summarize_message
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.shared.times import SORT_KEY_FORMAT, format_day_heading
from omnichannel.desk.thread.timeline import EventEntry, NoteEntry, get_events_and_notes
from routing.models import Agent

PAGE_SIZE: Final = 50
CONTEXT_SIZE: Final = 25  # messages on either side of a target message
MAX_UPDATES: Final = 200
OUTCOME_UNKNOWN_AFTER = timedelta(seconds=15)
# A transaction that was open at the page's last request may commit rows with an earlier timestamp.
UPDATE_OVERLAP = timedelta(seconds=20)


@dataclass(frozen=True)
class DayDivider:
    """The divider above a day's messages."""

    timestamp: datetime

    template = "desk/thread/_day.html"

    @property
    def id(self) -> str:
        return f"day-{timezone.localdate(self.timestamp)}"

    @property
    def sort_key(self) -> str:
        start = timezone.localtime(self.timestamp).replace(hour=0, minute=0, second=0, microsecond=0)
        return f"{start.astimezone(UTC):{SORT_KEY_FORMAT}}-0"

    @property
    def version(self) -> str:
        return format_day_heading(self.timestamp)


@dataclass(frozen=True)
class UnreadDivider:
    """The divider above the first message that the conversation's agent has not seen."""

    first_unread: Message

    template = "desk/thread/_unread_divider.html"

    @property
    def timestamp(self) -> datetime:
        return self.first_unread.created_at

    @property
    def sort_key(self) -> str:
        return f"{self.timestamp.astimezone(UTC):{SORT_KEY_FORMAT}}-1-~"


@dataclass(frozen=True)
class MessageEntry:
    """A message as the thread shows it."""

    message: Message
    was_resent: bool = False

    template = "desk/thread/message/_message.html"

    @property
    def timestamp(self) -> datetime:
        return self.message.created_at

    @property
    def id(self) -> str:
        return f"message-{self.message.pk}"

    @property
    def sort_key(self) -> str:
        return f"{self.timestamp.astimezone(UTC):{SORT_KEY_FORMAT}}-2-{self.message.pk:012d}"

    @property
    def version(self) -> str:
        """Return a value that changes whenever the message is shown differently."""
        marks = f"{'?' if self.is_outcome_unknown else ''}{'+' if self.was_resent else ''}"
        return f"{self.message.updated_at.astimezone(UTC):{SORT_KEY_FORMAT}}{marks}"

    @property
    def is_outcome_unknown(self) -> bool:
        """Return whether the call to Twilio was interrupted, so that it is unknown if the message was sent."""
        message = self.message
        if message.status != MessageStatus.SENDING or message.twilio_sid or message.sending_since is None:
            return False
        return timezone.now() - message.sending_since > OUTCOME_UNKNOWN_AFTER

    @property
    def has_final_status(self) -> bool:
        return self.message.is_inbound or self.message.status not in {MessageStatus.QUEUED, MessageStatus.SENDING}

    @property
    def status_label(self) -> str:
        """Return the status of our message, for screen readers and the tooltip."""
        return str(STATUS_LABELS[MessageStatus(self.message.status)])

    @property
    def status_icon(self) -> str:
        """The name of the icon for what became of our message."""
        if self.message.has_failed:
            return "warn"
        status = MessageStatus(self.message.status)
        return (
            status.value if status in {MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.SENT} else "delivered"
        )

    @property
    def vcard_files(self) -> list[Attachment]:
        """Return the stored contact card files of a message that shares contacts."""
        if not self.message.content.get("contacts"):
            return []
        files = self.message.attachments.all()
        return [file for file in files if file.state == AttachmentState.STORED and file.content_type == "text/vcard"]

    @property
    def heading(self) -> str:
        """Return what a customer's message is called if it is more than its text, such as a reaction."""
        is_unsupported = self.message.kind == MessageKind.UNSUPPORTED
        return "" if is_unsupported else get_heading(self.message.content.get("type", ""))

    @property
    def unsupported_text(self) -> str:
        """Return what stands in place of a message without content to show."""
        return describe_unsupported_message(self.message.content.get("type", ""))

    @property
    def is_template(self) -> bool:
        return "template" in self.message.content

    @property
    def failure_reason(self) -> str:
        """Return the reason why the message was not delivered, with what the agent can do."""
        message = self.message
        return get_error_reason(message.error_code, message.error_message, is_template=self.is_template)

    @property
    def can_be_sent_again(self) -> bool:
        """Return whether sending the same message again makes sense after this failure."""
        return not self.was_resent and can_send_again(self.message.error_code, is_template=self.is_template)

    @property
    def quoted_preview(self) -> tuple[str, str]:
        """Return icon and text of the quoted message; both empty without one."""
        quoted = self.message.quoted
        return summarize_message(quoted, getattr(self.message, "quoted_file_type", "") or "") if quoted else ("", "")


ThreadEntry = DayDivider | UnreadDivider | EventEntry | NoteEntry | MessageEntry


@dataclass(frozen=True)
class Thread:
    """A page of the conversation.

    Attributes:
        earlier_cursor: The first message, to load earlier ones; None at the beginning of the conversation.
        later_cursor: The last message, to load later ones; None at the end.
        is_single_message: Whether only one message that has changed is in it; other changes may be missing.
        target_message_id: The message the page was opened at; 0 without one.
    """

    entries: Sequence[ThreadEntry]
    earlier_cursor: Cursor | None = None
    later_cursor: Cursor | None = None
    has_more: bool = False
    is_single_message: bool = False
    target_message_id: int = 0


def get_thread(
    conversation: Conversation,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    around_message_id: int = 0,
    unread_count: int = 0,
) -> Thread:
    """Return the newest messages, or those at a cursor or a message, with events and notes.

    Args:
        around_message_id: Ignored when the message is not in this conversation.
        unread_count: The number of unread messages, for the divider above the first of them.
    """
    if after is not None:
        return _get_thread_after(conversation, after)
    return (around_message_id and _get_thread_around(conversation, around_message_id)) or _get_thread_before(
        conversation, before, unread_count
    )


def _get_thread_before(conversation: Conversation, before: Cursor | None, unread: int) -> Thread:
    candidates = _messages_of(conversation)
    if before is not None:
        # `created_at__lte` is redundant, but lets the database enter the index at the cursor.
        candidates = candidates.filter(before.filter_before("created_at"), created_at__lte=before.timestamp)
    newest = list(candidates.order_by("-created_at", "-pk")[: PAGE_SIZE + 1])
    messages, is_first_page = newest[:PAGE_SIZE][::-1], len(newest) <= PAGE_SIZE
    events_and_notes = get_events_and_notes(
        conversation,
        since=None if is_first_page else messages[0].created_at,
        before=before.timestamp if before is not None else None,
    )
    earlier = None if is_first_page else _cursor_at(messages[0])
    later = _cursor_at(messages[-1]) if before is not None and messages else None
    return Thread(
        sort_with_day_dividers([*_message_entries(messages), *_unread_dividers(messages, unread), *events_and_notes]),
        earlier,
        later,
    )


def _get_thread_after(conversation: Conversation, after: Cursor) -> Thread:
    candidates = _messages_of(conversation).filter(after.filter_after("created_at"), created_at__gte=after.timestamp)
    oldest = list(candidates.order_by("created_at", "pk")[: PAGE_SIZE + 1])
    messages, is_last_page = oldest[:PAGE_SIZE], len(oldest) <= PAGE_SIZE
    events_and_notes = get_events_and_notes(
        conversation, since=after.timestamp, before=None if is_last_page else messages[-1].created_at
    )
    earlier = _cursor_at(messages[0]) if messages else after
    return Thread(
        sort_with_day_dividers([*_message_entries(messages), *events_and_notes]),
        earlier,
        None if is_last_page else _cursor_at(messages[-1]),
    )


def _get_thread_around(conversation: Conversation, pk: int) -> Thread | None:
    """Return the message with its neighbours on both sides; None when it is not in this conversation."""
    # One query for both sides: a test limits the number of queries per conversation.
    created_at = Subquery(conversation.messages.filter(pk=pk).values("created_at"))
    until = conversation.messages.filter(
        Q(created_at__lt=created_at) | Q(created_at=created_at, pk__lte=pk), created_at__lte=created_at
    )
    after = conversation.messages.filter(
        Q(created_at__gt=created_at) | Q(created_at=created_at, pk__gt=pk), created_at__gte=created_at
    )
    condition = Q(pk__in=until.order_by("-created_at", "-pk").values("pk")[: CONTEXT_SIZE + 1])
    condition |= Q(pk__in=after.order_by("created_at", "pk").values("pk")[: CONTEXT_SIZE + 1])
    neighbours = list(_messages_of(conversation).filter(condition).order_by("created_at", "pk"))
    if not neighbours:
        return None
    middle = next(index for index, message in enumerate(neighbours) if message.pk == pk)
    messages = neighbours[max(0, middle - CONTEXT_SIZE + 1) : middle + CONTEXT_SIZE + 1]
    earlier = _cursor_at(messages[0]) if neighbours[0] is not messages[0] else None
    later = _cursor_at(messages[-1]) if neighbours[-1] is not messages[-1] else None
    events_and_notes = get_events_and_notes(
        conversation, since=earlier and earlier.timestamp, before=later and later.timestamp
    )
    return Thread(
        sort_with_day_dividers([*_message_entries(messages), *events_and_notes]), earlier, later, target_message_id=pk
    )


def _cursor_at(message: Message) -> Cursor:
    return Cursor(message.created_at, message.pk)


def _message_entries(messages: Sequence[Message]) -> list[MessageEntry]:
    public_ids = {message.public_id for message in messages}
    return [
        MessageEntry(message, message.has_failed and get_resend_public_id(message) in public_ids)
        for message in messages
    ]


def _unread_dividers(messages: Sequence[Message], unread: int) -> list[UnreadDivider]:
    inbound = [message for message in messages if message.is_inbound]
    return [UnreadDivider(inbound[-unread])] if 0 < unread <= len(inbound) else []


def get_thread_updates(conversation: Conversation, *, after_message_id: int, changed_since: datetime) -> Thread:
    """Return the messages, events and notes that are new or have changed, for a page that is open.

    At most MAX_UPDATES messages are returned; `has_more` tells whether there may be more.
    """
    since = changed_since - UPDATE_OVERLAP
    # Includes all pending messages: the page removes a pending message that is missing here, as it was taken back.
    is_pending = Q(status__in=[MessageStatus.QUEUED, MessageStatus.SENDING])
    changed = _messages_of(conversation).filter(Q(pk__gt=after_message_id) | Q(updated_at__gte=since) | is_pending)
    messages = list(changed.order_by("pk")[:MAX_UPDATES])
    events_and_notes = get_events_and_notes(conversation, since=since)
    return Thread(
        sort_with_day_dividers([*_message_entries(messages), *events_and_notes]), has_more=len(messages) == MAX_UPDATES
    )


def get_changed_message(agent: Agent, conversation_pk: int, pk: int) -> Message | None:
    """Return a message and its conversation in few queries, for a page on which nothing else changed.

    Returns:
        None when the agent may not see it, and when it has failed, because that changes other parts of the page too.
    """
    messages = _with_display_data(Message.objects.filter(pk=pk, conversation=conversation_pk))
    message = access.get_visible_message(agent, messages)
    return None if message is None or message.has_failed else message


def single_message_update(message: Message) -> Thread:
    """Return a thread of this message only."""
    return Thread(sort_with_day_dividers(_message_entries([message])), is_single_message=True)


def thread_of_note(note: Note) -> Thread:
    """Return a thread of this note, as it is now."""
    return Thread(sort_with_day_dividers(get_events_and_notes(note.conversation, since=note.created_at)))


def thread_of_messages(conversation: Conversation, *messages: Message) -> Thread:
    """Return a thread of these messages, as they are now."""
    pks = [message.pk for message in messages]
    return Thread(sort_with_day_dividers(_message_entries(list(_messages_of(conversation).filter(pk__in=pks)))))


def get_quotable_conversation_ids(user: User, conversation: Conversation, thread: Thread) -> set[int]:
    """Return the conversations from which the quotes of this thread may be shown to the user.

    A customer may quote a message of an earlier conversation, which the user may not see.
    """
    quoted = {
        entry.message.quoted.conversation_id
        for entry in thread.entries
        if isinstance(entry, MessageEntry) and entry.message.quoted is not None
    }
    return {conversation.pk, *access.visible_conversation_ids(user, quoted - {conversation.pk})}


def _messages_of(conversation: Conversation) -> QuerySet[Message]:
    return _with_display_data(conversation.messages.all())


def _with_display_data(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Add everything that the display of a message needs."""
    first_file = Attachment.objects.filter(message=OuterRef("quoted"), position=0)
    content_type = Coalesce(NullIf("content_type", Value("")), "declared_type")
    related = messages.select_related("author", "quoted__author").prefetch_related("attachments")
    return related.annotate(quoted_file_type=Subquery(first_file.values_list(content_type)[:1]))


def sort_with_day_dividers(
    entries: Iterable[UnreadDivider | MessageEntry | EventEntry | NoteEntry],
) -> list[ThreadEntry]:
    """Sort the entries by time and put a divider above each day."""
    ordered: list[ThreadEntry] = []
    day = None
    for entry in sorted(entries, key=lambda entry: entry.sort_key):
        if timezone.localdate(entry.timestamp) != day:
            day = timezone.localdate(entry.timestamp)
            ordered.append(DayDivider(entry.timestamp))
        ordered.append(entry)
    return ordered
