"""A conversation's messages and what happened between them, in order, with a divider above each day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from channels_whatsapp.error_reasons import get_error_reason
from omnichannel.conversations import access
from omnichannel.conversations.models import Attachment, AttachmentState, Conversation, Message, MessageStatus, Note
from omnichannel.conversations.outbound.compose import get_resend_public_id
from omnichannel.desk.shared.message_preview import STATUS_LABELS, summarize_message
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.shared.times import SORT_KEY_FORMAT, format_day_heading
from omnichannel.desk.thread.timeline import EventEntry, NoteEntry, get_events_and_notes
from routing.models import Agent

PAGE_SIZE: Final = 50
CONTEXT_SIZE: Final = 25  # on either side of a message that is looked for
MAX_UPDATES: Final = 200
OUTCOME_UNKNOWN_AFTER = timedelta(seconds=15)
# A transaction that was under way when the page last asked may commit rows that are older than that.
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
    """The divider above the first message that its agent has not seen."""

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
    """A message as it is shown."""

    message: Message
    was_resent: bool = False

    template = "desk/thread/_message.html"

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
        """Another one whenever the message would look different."""
        marks = f"{'?' if self.is_outcome_unknown else ''}{'+' if self.was_resent else ''}"
        return f"{self.message.updated_at.astimezone(UTC):{SORT_KEY_FORMAT}}{marks}"

    @property
    def is_outcome_unknown(self) -> bool:
        """Whether the call to Twilio was cut off, so that nobody knows yet if the message went out."""
        message = self.message
        if message.status != MessageStatus.SENDING or message.twilio_sid or message.sending_since is None:
            return False
        return timezone.now() - message.sending_since > OUTCOME_UNKNOWN_AFTER

    @property
    def has_final_status(self) -> bool:
        return self.message.is_inbound or self.message.status not in {MessageStatus.QUEUED, MessageStatus.SENDING}

    @property
    def status_label(self) -> str:
        """For screen readers and the mouse: what became of our message."""
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
        """The stored contact cards of a message that shares contacts."""
        if not self.message.content.get("contacts"):
            return []
        stored = (one for one in self.message.attachments.all() if one.state == AttachmentState.STORED)
        return [one for one in stored if one.content_type == "text/vcard"]

    @property
    def failure_reason(self) -> str:
        """Why it was not delivered."""
        of_template = "template" in self.message.content
        return get_error_reason(self.message.error_code, self.message.error_message, is_template=of_template)

    @property
    def quoted_preview(self) -> tuple[str, str]:
        """Icon and words of the quoted message; both empty without one."""
        quoted = self.message.quoted
        return summarize_message(quoted, getattr(self.message, "quoted_file_type", "") or "") if quoted else ("", "")


ThreadEntry = DayDivider | UnreadDivider | EventEntry | NoteEntry | MessageEntry


@dataclass(frozen=True)
class Thread:
    """A stretch of the conversation. `earlier` is where to go on upwards, `later` downwards; None where it ends."""

    entries: Sequence[ThreadEntry]
    earlier_cursor: Cursor | None = None
    later_cursor: Cursor | None = None
    has_more: bool = False
    is_single_message: bool = False  # a message that has changed, and nothing of what else may have
    target_message_id: int = 0  # the message that was looked for


def get_thread(
    conversation: Conversation,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    around_message_id: int = 0,
    unread_count: int = 0,
) -> Thread:
    """The newest messages, or those at that place in the conversation, with what happened meanwhile."""
    if after is not None:
        return _get_thread_after(conversation, after)
    return (around_message_id and _get_thread_around(conversation, around_message_id)) or _get_thread_before(
        conversation, before, unread_count
    )


def _get_thread_before(conversation: Conversation, before: Cursor | None, unread: int) -> Thread:
    found = _messages_of(conversation)
    if before is not None:
        # Said twice, so that the index is entered at the place.
        found = found.filter(before.filter_before("created_at"), created_at__lte=before.timestamp)
    newest = list(found.order_by("-created_at", "-pk")[: PAGE_SIZE + 1])
    messages, is_all = newest[:PAGE_SIZE][::-1], len(newest) <= PAGE_SIZE
    others = get_events_and_notes(
        conversation,
        since=None if is_all else messages[0].created_at,
        before=before.timestamp if before is not None else None,
    )
    earlier = None if is_all else _cursor_at(messages[0])
    later = _cursor_at(messages[-1]) if before is not None and messages else None
    return Thread(
        sort_with_day_dividers([*_message_entries(messages), *_unread_dividers(messages, unread), *others]),
        earlier,
        later,
    )


def _get_thread_after(conversation: Conversation, after: Cursor) -> Thread:
    found = _messages_of(conversation).filter(after.filter_after("created_at"), created_at__gte=after.timestamp)
    oldest = list(found.order_by("created_at", "pk")[: PAGE_SIZE + 1])
    messages, is_all = oldest[:PAGE_SIZE], len(oldest) <= PAGE_SIZE
    others = get_events_and_notes(
        conversation, since=after.timestamp, before=None if is_all else messages[-1].created_at
    )
    earlier = _cursor_at(messages[0]) if messages else after
    return Thread(
        sort_with_day_dividers([*_message_entries(messages), *others]),
        earlier,
        None if is_all else _cursor_at(messages[-1]),
    )


def _get_thread_around(conversation: Conversation, pk: int) -> Thread | None:
    """The message in the midst of its neighbours; None where it is not one of this conversation's."""
    # One question for both sides: how many queries a conversation takes is counted.
    at = Subquery(conversation.messages.filter(pk=pk).values("created_at"))
    until = conversation.messages.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lte=pk), created_at__lte=at)
    beyond = conversation.messages.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk), created_at__gte=at)
    both = Q(pk__in=until.order_by("-created_at", "-pk").values("pk")[: CONTEXT_SIZE + 1])
    both |= Q(pk__in=beyond.order_by("created_at", "pk").values("pk")[: CONTEXT_SIZE + 1])
    found = list(_messages_of(conversation).filter(both).order_by("created_at", "pk"))
    if not found:
        return None
    middle = next(place for place, message in enumerate(found) if message.pk == pk)
    messages = found[max(0, middle - CONTEXT_SIZE + 1) : middle + CONTEXT_SIZE + 1]
    earlier = _cursor_at(messages[0]) if found[0] is not messages[0] else None
    later = _cursor_at(messages[-1]) if found[-1] is not messages[-1] else None
    others = get_events_and_notes(conversation, since=earlier and earlier.timestamp, before=later and later.timestamp)
    return Thread(sort_with_day_dividers([*_message_entries(messages), *others]), earlier, later, target_message_id=pk)


def _cursor_at(message: Message) -> Cursor:
    return Cursor(message.created_at, message.pk)


def _message_entries(messages: Sequence[Message]) -> list[MessageEntry]:
    known = {message.public_id for message in messages}
    return [
        MessageEntry(message, message.has_failed and get_resend_public_id(message) in known) for message in messages
    ]


def _unread_dividers(messages: Sequence[Message], unread: int) -> list[UnreadDivider]:
    theirs = [message for message in messages if message.is_inbound]
    return [UnreadDivider(theirs[-unread])] if 0 < unread <= len(theirs) else []


def get_thread_updates(conversation: Conversation, *, after_message_id: int, changed_since: datetime) -> Thread:
    """What was written after that message or has changed since then, for a page that is open."""
    at = changed_since - UPDATE_OVERLAP
    # All that is under way: one of those that is missing here was taken back, and goes from the page.
    unsettled = Q(status__in=[MessageStatus.QUEUED, MessageStatus.SENDING])
    changed = _messages_of(conversation).filter(Q(pk__gt=after_message_id) | Q(updated_at__gte=at) | unsettled)
    messages = list(changed.order_by("pk")[:MAX_UPDATES])
    others = get_events_and_notes(conversation, since=at)
    return Thread(sort_with_day_dividers([*_message_entries(messages), *others]), has_more=len(messages) == MAX_UPDATES)


def get_changed_message(agent: Agent, conversation: int, pk: int) -> Message | None:
    """One message with its conversation, for a page on which nothing else has changed: as few queries as can be.

    None where the agent may see neither, and where the message has failed, because that changes more than the message.
    """
    found = _with_display_data(Message.objects.filter(pk=pk, conversation=conversation))
    message = access.get_visible_message(agent, found)
    return None if message is None or message.has_failed else message


def single_message_update(message: Message) -> Thread:
    """This message only."""
    return Thread(sort_with_day_dividers(_message_entries([message])), is_single_message=True)


def thread_of_note(note: Note) -> Thread:
    """This note, as it is shown now."""
    return Thread(sort_with_day_dividers(get_events_and_notes(note.conversation, since=note.created_at)))


def thread_of_messages(conversation: Conversation, *messages: Message) -> Thread:
    """These messages, as they are shown now."""
    return Thread(
        sort_with_day_dividers(
            _message_entries(list(_messages_of(conversation).filter(pk__in=[one.pk for one in messages])))
        )
    )


def _messages_of(conversation: Conversation) -> QuerySet[Message]:
    return _with_display_data(conversation.messages.all())


def _with_display_data(messages: QuerySet[Message]) -> QuerySet[Message]:
    """With everything a message shows."""
    first_file = Attachment.objects.filter(message=OuterRef("quoted"), position=0)
    of_type = Coalesce(NullIf("content_type", Value("")), "declared_type")
    found = messages.select_related("author", "quoted__author").prefetch_related("attachments")
    return found.annotate(quoted_file_type=Subquery(first_file.values_list(of_type)[:1]))


def sort_with_day_dividers(
    entries: Iterable[UnreadDivider | MessageEntry | EventEntry | NoteEntry],
) -> list[ThreadEntry]:
    """By time, each day under its divider."""
    ordered: list[ThreadEntry] = []
    day = None
    for entry in sorted(entries, key=lambda one: one.sort_key):
        if timezone.localdate(entry.timestamp) != day:
            day = timezone.localdate(entry.timestamp)
            ordered.append(DayDivider(entry.timestamp))
        ordered.append(entry)
    return ordered
