"""What stands between the messages: what happened, and the notes of colleagues. One query for both."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import CharField, F, IntegerField, Q, TextField, Value
from django.db.models.functions import Cast

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, ConversationEvent, Mention, Note
from omnichannel.core.localized_text import LocalizedText
from omnichannel.desk.shared.times import SORT_KEY_FORMAT

MAX_ENTRIES: Final = 200
EVENT_ROW, NOTE_ROW, MENTION_ROW = "event", "note", "mention"
COLUMNS = ("what", "row", "at", "words", "who", "first", "last", "name")


@dataclass(frozen=True)
class EventEntry:
    """A line of the timeline between the messages."""

    event: ConversationEvent

    template = "desk/thread/_event.html"

    @property
    def timestamp(self) -> datetime:
        return self.event.created_at

    @property
    def id(self) -> str:
        return f"event-{self.event.pk}"

    @property
    def sort_key(self) -> str:
        return f"{self.timestamp.astimezone(UTC):{SORT_KEY_FORMAT}}-1-{self.event.pk:012d}"

    version = "1"


@dataclass(frozen=True)
class NoteEntry:
    """A note of a colleague, and whom it mentions."""

    note: Note
    mentioned_users: tuple[User, ...] = ()

    template = "desk/thread/_note.html"

    @property
    def mention_names(self) -> set[str]:
        """By what names the text may mention them."""
        return {name for user in self.mentioned_users for name in (user.display_name, user.username)}

    @property
    def timestamp(self) -> datetime:
        return self.note.created_at

    @property
    def id(self) -> str:
        return f"note-{self.note.pk}"

    @property
    def sort_key(self) -> str:
        return f"{self.timestamp.astimezone(UTC):{SORT_KEY_FORMAT}}-3-{self.note.pk:012d}"

    version = "1"


def get_events_and_notes(
    conversation: Conversation, *, since: datetime | None = None, before: datetime | None = None
) -> list[Any]:
    """Happenings and notes from one moment until before another, oldest first."""
    rows = _timeline_rows(conversation, since, before).order_by("at", "row")
    return list(_build_entries(rows[:MAX_ENTRIES]))


def _timeline_rows(conversation: Conversation, since: datetime | None, before: datetime | None) -> Any:
    def within(field: str) -> Q:
        span = Q(**{f"{field}__gte": since}) if since else Q()
        return span & Q(**{f"{field}__lt": before}) if before else span

    nobody = {"who": Value(0, IntegerField()), **{name: _text_value("") for name in ("first", "last", "name")}}
    events = conversation.events.filter(within("created_at")).annotate(
        what=_text_value(EVENT_ROW), row=F("pk"), at=F("created_at"), words=Cast("text", TextField()), **nobody
    )
    notes = conversation.notes.filter(within("created_at")).annotate(
        what=_text_value(NOTE_ROW),
        row=F("pk"),
        at=F("created_at"),
        words=F("text"),
        who=F("author_id"),
        **_name_columns("author"),
    )
    meant = Mention.objects.filter(within("note__created_at"), note__conversation=conversation).annotate(
        what=_text_value(MENTION_ROW),
        row=F("note_id"),
        at=F("note__created_at"),
        words=Cast(_text_value(""), TextField()),
        who=F("agent__user_id"),
        **_name_columns("agent__user"),
    )
    parts = [found.order_by().values_list(*COLUMNS) for found in (events, notes, meant)]
    return parts[0].union(*parts[1:], all=True)


def _text_value(word: str) -> Value:
    return Value(word, CharField())


def _name_columns(path: str) -> dict[str, F]:
    return {"first": F(f"{path}__first_name"), "last": F(f"{path}__last_name"), "name": F(f"{path}__username")}


def _build_entries(rows: Iterable[tuple[Any, ...]]) -> Iterator[EventEntry | NoteEntry]:
    found = list(rows)
    meant: dict[int, list[User]] = {}
    for what, pk, _, _, *who in found:
        if what == MENTION_ROW:
            meant.setdefault(pk, []).append(_build_user(*who))
    for what, pk, at, words, *who in found:
        if what == EVENT_ROW:
            yield EventEntry(ConversationEvent(pk=pk, text=LocalizedText.from_json(json.loads(words)), created_at=at))
        elif what == NOTE_ROW:
            note = Note(pk=pk, text=words, created_at=at, author=_build_user(*who))
            yield NoteEntry(note, tuple(meant.get(pk, ())))


def _build_user(pk: int, first: str, last: str, name: str) -> User:
    return User(pk=pk, first_name=first, last_name=last, username=name)
