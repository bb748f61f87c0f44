"""A conversation's messages and what happened between them, in order, with a divider above each day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from channels_whatsapp.errors import plain_reason
from omnichannel.conversations import access
from omnichannel.conversations.models import Attachment, Conversation, FileState, Message, Note, Status
from omnichannel.conversations.outbound.compose import id_when_sent_again
from omnichannel.desk.shared.message_preview import STATUS_WORDS, summary
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.shared.times import PAGE_ORDER, day_name
from omnichannel.desk.thread.timeline import Happening, Noted, beside
from routing.models import Agent

PAGE: Final = 50
HALF: Final = 25  # on either side of a message that is looked for
MOST_PIECES: Final = 200
OUTCOME_UNKNOWN_AFTER = timedelta(seconds=15)
# A transaction that was under way when the page last asked may commit rows that are older than that.
OVERLAP = timedelta(seconds=20)


@dataclass(frozen=True)
class Day:
    """The divider above a day's messages."""

    at: datetime

    template = "desk/thread/_day.html"

    @property
    def id(self) -> str:
        return f"day-{timezone.localdate(self.at)}"

    @property
    def order(self) -> str:
        start = timezone.localtime(self.at).replace(hour=0, minute=0, second=0, microsecond=0)
        return f"{start.astimezone(UTC):{PAGE_ORDER}}-0"

    @property
    def version(self) -> str:
        return day_name(self.at)


@dataclass(frozen=True)
class Unread:
    """The divider above the first message that its agent has not seen."""

    before: Message

    template = "desk/thread/_unread_divider.html"

    @property
    def at(self) -> datetime:
        return self.before.created_at

    @property
    def order(self) -> str:
        return f"{self.at.astimezone(UTC):{PAGE_ORDER}}-1-~"


@dataclass(frozen=True)
class Said:
    """A message as it is shown."""

    message: Message
    was_sent_again: bool = False

    template = "desk/thread/_message.html"

    @property
    def at(self) -> datetime:
        return self.message.created_at

    @property
    def id(self) -> str:
        return f"message-{self.message.pk}"

    @property
    def order(self) -> str:
        return f"{self.at.astimezone(UTC):{PAGE_ORDER}}-2-{self.message.pk:012d}"

    @property
    def version(self) -> str:
        """Another one whenever the message would look different."""
        marks = f"{'?' if self.outcome_unknown else ''}{'+' if self.was_sent_again else ''}"
        return f"{self.message.updated_at.astimezone(UTC):{PAGE_ORDER}}{marks}"

    @property
    def outcome_unknown(self) -> bool:
        """Whether the call to Twilio was cut off, so that nobody knows yet if the message went out."""
        message = self.message
        if message.status != Status.SENDING or message.twilio_sid or message.sending_since is None:
            return False
        return timezone.now() - message.sending_since > OUTCOME_UNKNOWN_AFTER

    @property
    def is_settled(self) -> bool:
        return self.message.is_inbound or self.message.status not in {Status.QUEUED, Status.SENDING}

    @property
    def status_words(self) -> str:
        """For screen readers and the mouse: what became of our message."""
        return str(STATUS_WORDS[Status(self.message.status)])

    @property
    def status_icon(self) -> str:
        """The name of the icon for what became of our message."""
        if self.message.has_failed:
            return "warn"
        status = Status(self.message.status)
        return status.value if status in {Status.QUEUED, Status.SENDING, Status.SENT} else "delivered"

    @property
    def vcard_files(self) -> list[Attachment]:
        """The stored contact cards of a message that shares contacts."""
        if not self.message.content.get("contacts"):
            return []
        stored = (one for one in self.message.attachments.all() if one.state == FileState.STORED)
        return [one for one in stored if one.content_type == "text/vcard"]

    @property
    def reason(self) -> str:
        """Why it was not delivered."""
        of_template = "template" in self.message.content
        return plain_reason(self.message.error_code, self.message.error_message, of_template=of_template)

    @property
    def quoted_words(self) -> tuple[str, str]:
        """Icon and words of the quoted message; both empty without one."""
        quoted = self.message.quoted
        return summary(quoted, getattr(self.message, "quoted_file_type", "") or "") if quoted else ("", "")


Entry = Day | Unread | Happening | Noted | Said


@dataclass(frozen=True)
class Thread:
    """A stretch of the conversation. `earlier` is where to go on upwards, `later` downwards; None where it ends."""

    entries: Sequence[Entry]
    earlier: Cursor | None = None
    later: Cursor | None = None
    has_more: bool = False
    is_one: bool = False  # a message that has changed, and nothing of what else may have
    shown: int = 0  # the message that was looked for


def stretch(
    conversation: Conversation,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    around: int = 0,
    unread: int = 0,
) -> Thread:
    """The newest messages, or those at that place in the conversation, with what happened meanwhile."""
    if after is not None:
        return _later(conversation, after)
    return (around and _around(conversation, around)) or _earlier(conversation, before, unread)


def _earlier(conversation: Conversation, before: Cursor | None, unread: int) -> Thread:
    found = _messages(conversation)
    if before is not None:
        # Said twice, so that the index is entered at the place.
        found = found.filter(before.before("created_at"), created_at__lte=before.at)
    newest = list(found.order_by("-created_at", "-pk")[: PAGE + 1])
    messages, is_all = newest[:PAGE][::-1], len(newest) <= PAGE
    others = beside(
        conversation,
        since=None if is_all else messages[0].created_at,
        before=before.at if before is not None else None,
    )
    earlier = None if is_all else _place(messages[0])
    later = _place(messages[-1]) if before is not None and messages else None
    return Thread(in_order([*_said(messages), *_unread(messages, unread), *others]), earlier, later)


def _later(conversation: Conversation, after: Cursor) -> Thread:
    found = _messages(conversation).filter(after.after("created_at"), created_at__gte=after.at)
    oldest = list(found.order_by("created_at", "pk")[: PAGE + 1])
    messages, is_all = oldest[:PAGE], len(oldest) <= PAGE
    others = beside(conversation, since=after.at, before=None if is_all else messages[-1].created_at)
    earlier = _place(messages[0]) if messages else after
    return Thread(in_order([*_said(messages), *others]), earlier, None if is_all else _place(messages[-1]))


def _around(conversation: Conversation, pk: int) -> Thread | None:
    """The message in the midst of its neighbours; None where it is not one of this conversation's."""
    # One question for both sides: how many queries a conversation takes is counted.
    at = Subquery(conversation.messages.filter(pk=pk).values("created_at"))
    until = conversation.messages.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lte=pk), created_at__lte=at)
    beyond = conversation.messages.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk), created_at__gte=at)
    both = Q(pk__in=until.order_by("-created_at", "-pk").values("pk")[: HALF + 1])
    both |= Q(pk__in=beyond.order_by("created_at", "pk").values("pk")[: HALF + 1])
    found = list(_messages(conversation).filter(both).order_by("created_at", "pk"))
    if not found:
        return None
    middle = next(place for place, message in enumerate(found) if message.pk == pk)
    messages = found[max(0, middle - HALF + 1) : middle + HALF + 1]
    earlier = _place(messages[0]) if found[0] is not messages[0] else None
    later = _place(messages[-1]) if found[-1] is not messages[-1] else None
    others = beside(conversation, since=earlier and earlier.at, before=later and later.at)
    return Thread(in_order([*_said(messages), *others]), earlier, later, shown=pk)


def _place(message: Message) -> Cursor:
    return Cursor(message.created_at, message.pk)


def _said(messages: Sequence[Message]) -> list[Said]:
    known = {message.public_id for message in messages}
    return [Said(message, message.has_failed and id_when_sent_again(message) in known) for message in messages]


def _unread(messages: Sequence[Message], unread: int) -> list[Unread]:
    theirs = [message for message in messages if message.is_inbound]
    return [Unread(theirs[-unread])] if 0 < unread <= len(theirs) else []


def news(conversation: Conversation, *, after: int, since: datetime) -> Thread:
    """What was written after that message or has changed since then, for a page that is open."""
    at = since - OVERLAP
    # All that is under way: one of those that is missing here was taken back, and goes from the page.
    unsettled = Q(status__in=[Status.QUEUED, Status.SENDING])
    changed = _messages(conversation).filter(Q(pk__gt=after) | Q(updated_at__gte=at) | unsettled)
    messages = list(changed.order_by("pk")[:MOST_PIECES])
    others = beside(conversation, since=at)
    return Thread(in_order([*_said(messages), *others]), has_more=len(messages) == MOST_PIECES)


def as_it_is_now(agent: Agent, conversation: int, pk: int) -> Message | None:
    """One message with its conversation, for a page on which nothing else has changed: as few queries as can be.

    None where the agent may see neither, and where the message has failed, because that changes more than the message.
    """
    found = _shown(Message.objects.filter(pk=pk, conversation=conversation))
    message = access.message_with_conversation(agent, found)
    return None if message is None or message.has_failed else message


def alone(message: Message) -> Thread:
    """This message only."""
    return Thread(in_order(_said([message])), is_one=True)


def only_note(note: Note) -> Thread:
    """This note, as it is shown now."""
    return Thread(in_order(beside(note.conversation, since=note.created_at)))


def only(conversation: Conversation, *messages: Message) -> Thread:
    """These messages, as they are shown now."""
    return Thread(in_order(_said(list(_messages(conversation).filter(pk__in=[one.pk for one in messages])))))


def _messages(conversation: Conversation) -> QuerySet[Message]:
    return _shown(conversation.messages.all())


def _shown(messages: QuerySet[Message]) -> QuerySet[Message]:
    """With everything a message shows."""
    first_file = Attachment.objects.filter(message=OuterRef("quoted"), position=0)
    of_type = Coalesce(NullIf("content_type", Value("")), "declared_type")
    found = messages.select_related("author", "quoted__author").prefetch_related("attachments")
    return found.annotate(quoted_file_type=Subquery(first_file.values_list(of_type)[:1]))


def in_order(entries: Iterable[Unread | Said | Happening | Noted]) -> list[Entry]:
    """By time, each day under its divider."""
    ordered: list[Entry] = []
    day = None
    for entry in sorted(entries, key=lambda one: one.order):
        if timezone.localdate(entry.at) != day:
            day = timezone.localdate(entry.at)
            ordered.append(Day(entry.at))
        ordered.append(entry)
    return ordered
