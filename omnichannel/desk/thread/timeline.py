"""The events and notes between the messages of a thread, loaded in one query."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from django.db.models import CharField, F, IntegerField, Q, TextField, Value
from django.db.models.functions import Cast

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, ConversationEvent, Mention, Note
from omnichannel.core.localized_text import LocalizedText
from omnichannel.desk.shared.times import SORT_KEY_FORMAT

MAX_ENTRIES: Final = 200
COLUMNS = (
    "entry_kind",
    "entry_pk",
    "entry_time",
    "entry_text",
    "entry_details",
    "person_pk",
    "person_first_name",
    "person_last_name",
    "person_username",
)


class RowKind(StrEnum):
    """The kinds of rows in the union of events, notes and mentions."""

    EVENT = "event"
    NOTE = "note"
    MENTION = "mention"


@dataclass(frozen=True)
class EventEntry:
    """An event of the conversation, as a line between the messages."""

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
    """A note of a colleague, and the users it mentions."""

    note: Note
    mentioned_users: tuple[User, ...] = ()

    template = "desk/thread/_note.html"

    @property
    def mention_names(self) -> set[str]:
        """Return the names by which the text may mention the users."""
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
    """Return events and notes from `since` until before `before`, oldest first, at most MAX_ENTRIES rows."""
    rows = _timeline_rows(conversation, since, before).order_by("entry_time", "entry_pk")
    return list(_build_entries(rows[:MAX_ENTRIES]))


def _timeline_rows(conversation: Conversation, since: datetime | None, before: datetime | None) -> Any:
    def is_in_period(field: str) -> Q:
        condition = Q(**{f"{field}__gte": since}) if since else Q()
        return condition & Q(**{f"{field}__lt": before}) if before else condition

    events = conversation.events.filter(is_in_period("created_at")).annotate(
        entry_kind=_text_value(RowKind.EVENT),
        entry_pk=F("pk"),
        entry_time=F("created_at"),
        entry_text=Cast("text", TextField()),
        entry_details=Cast("details", TextField()),
        person_pk=Value(0, IntegerField()),
        person_first_name=_text_value(""),
        person_last_name=_text_value(""),
        person_username=_text_value(""),
    )
    notes = conversation.notes.filter(is_in_period("created_at")).annotate(
        entry_kind=_text_value(RowKind.NOTE),
        entry_pk=F("pk"),
        entry_time=F("created_at"),
        entry_text=F("text"),
        entry_details=_no_details(),
        **_person_columns("author"),
    )
    mentions = Mention.objects.filter(is_in_period("note__created_at"), note__conversation=conversation).annotate(
        entry_kind=_text_value(RowKind.MENTION),
        entry_pk=F("note_id"),
        entry_time=F("note__created_at"),
        entry_text=Cast(_text_value(""), TextField()),
        entry_details=_no_details(),
        **_person_columns("agent__user"),
    )
    querysets = [queryset.order_by().values_list(*COLUMNS) for queryset in (events, notes, mentions)]
    return querysets[0].union(*querysets[1:], all=True)


def _text_value(text: str) -> Value:
    return Value(text, CharField())


def _no_details() -> Cast:
    return Cast(Value(None), TextField())


def _person_columns(path: str) -> dict[str, F]:
    return {
        "person_pk": F(f"{path}_id"),
        "person_first_name": F(f"{path}__first_name"),
        "person_last_name": F(f"{path}__last_name"),
        "person_username": F(f"{path}__username"),
    }


def _build_entries(rows: Iterable[tuple[Any, ...]]) -> Iterator[EventEntry | NoteEntry]:
    rows = list(rows)
    users_by_note: dict[int, list[User]] = {}
    for kind, pk, _, _, _, *person in rows:
        if kind == RowKind.MENTION:
            users_by_note.setdefault(pk, []).append(_build_user(*person))
    for kind, pk, time, text, details, *person in rows:
        if kind == RowKind.EVENT:
            yield EventEntry(_build_event(pk, time, text, details))
        elif kind == RowKind.NOTE:
            note = Note(pk=pk, text=text, created_at=time, author=_build_user(*person))
            yield NoteEntry(note, tuple(users_by_note.get(pk, ())))


def _build_event(pk: int, time: datetime, text: str, details: str | None) -> ConversationEvent:
    event = ConversationEvent(pk=pk, text=LocalizedText.from_json(json.loads(text)), created_at=time)
    event.details = LocalizedText.from_json(json.loads(details)) if details else None
    return event


def _build_user(pk: int, first_name: str, last_name: str, username: str) -> User:
    return User(pk=pk, first_name=first_name, last_name=last_name, username=username)
