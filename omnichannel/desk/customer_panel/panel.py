"""The customer panel: the details of a customer and of the conversation, and the customer's history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.contacts import merge
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    ContactMerge,
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    Label,
    Message,
    Note,
    RequiredSkill,
)
from omnichannel.conversations.required_skills import rating_range
from omnichannel.core.languages import language_name
from omnichannel.desk.shared.message_preview import summarize_message
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.shared.times import TimeLeft, format_iso_time
from routing.models import ContactField, Skill, State
from routing.models.variables import Variable
from routing.variables import values

PAGE_SIZE: Final = 20
MAX_STATE_CHANGES: Final = 500  # counted for the waiting time
Row = TypeVar("Row")


@dataclass(frozen=True)
class PanelField:
    """A contact field or context variable with its value as text for the form."""

    variable: Variable
    kind: str
    value: str
    error: str = ""

    @property
    def input_id(self) -> str:
        """Return the name of the form field, which is also its id on the page."""
        return f"{self.kind}-{self.variable.name}"


@dataclass(frozen=True)
class CustomerDetails:
    """The details of the customer and of the conversation, and the reader's permissions."""

    conversation: Conversation
    labels: Sequence[Label]
    fields: Sequence[PanelField]
    context_variables: Sequence[PanelField]
    skills: Sequence[RequiredSkill]
    available_skills: Sequence[Skill]
    rating_range: tuple[int, int]
    waiting_time: str
    can_handle: bool
    error_message: str = ""
    other_numbers: Sequence[str] = ()
    business_scoped_ids: Sequence[str] = ()
    merges: Sequence["RecentMerge"] = ()

    @property
    def can_set_required_skills(self) -> bool:
        """Return whether the reader may change the skills that the conversation requires."""
        return self.can_handle and self.conversation.state != State.CLOSED


def get_customer_details(
    conversation: Conversation,
    reader: User,
    *,
    submitted_values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    error_message: str = "",
) -> CustomerDetails:
    """Return the current details for the reader.

    Args:
        submitted_values: Values from a refused form, by the field's `input_id`.
        errors: The reasons of the refusal, by the field's `input_id`.
    """
    contact = conversation.contact
    skills = list(_required_skills(conversation))
    fields = [
        _build_field(field, "field", contact.fields, submitted_values, errors) for field in ContactField.objects.all()
    ]
    context_variables = [
        _build_field(variable, "context", conversation.context, submitted_values, errors)
        for variable in conversation.work_stream.context_variables.all()
    ]
    can_handle = access.can_manage(reader, conversation)
    return CustomerDetails(
        conversation,
        list(contact.labels.all()),
        fields,
        context_variables,
        skills,
        _available_skills(skills) if can_handle else (),
        rating_range() if can_handle else (1, 10),
        _waiting_time(conversation),
        can_handle,
        error_message,
        _other_numbers(contact),
        list(contact.business_scoped_ids.values_list("business_scoped_id", flat=True)),
        [RecentMerge(record, merge.get_undo_error(record, reader)) for record in merge.get_undoable_merges(contact)],
    )


def get_header_version(conversation: Conversation) -> str:
    """Return a text that changes whenever the header of the panel would look different."""
    contact = conversation.contact
    parts = [
        contact.name,
        contact.profile_name,
        contact.username,
        contact.display_number,
        contact.language,
        format_iso_time(contact.opted_out_at),
        format_iso_time(contact.blocked_at),
        conversation.state,
        conversation.agent_id,
        conversation.queue_id,
        conversation.consult_version or "",
    ]
    return " ".join(map(str, parts))


@dataclass(frozen=True)
class RecentMerge:
    """A merge into this contact, and the reason why it can't be undone; empty when it can."""

    merge: ContactMerge
    undo_refusal: str


def _other_numbers(contact: Contact) -> list[str]:
    """Return the customer's numbers except the one that replies go to."""
    return [str(address) for address in contact.addresses.exclude(identity=contact.identity)]


@dataclass(frozen=True)
class ComparisonRow:
    """A property of two contacts, and its value after they are merged."""

    label: str
    this_value: str
    other_value: str
    merged_value: str


def compare_contacts(target: Contact, source: Contact) -> list[ComparisonRow]:
    """Compare two contacts before `source` is merged into `target`."""
    contacts = (target, source)
    name = target.name or source.name or target.display_name
    numbers = ", ".join(filter(None, (target.display_number, source.display_number)))
    latest_writer = merge.get_latest_writer(target, source)
    rows = [
        ComparisonRow(_("Name"), target.display_name, source.display_name, name),
        ComparisonRow(_("Numbers"), target.display_number, source.display_number, numbers),
        _comparison_row(_("Username"), target.username, source.username),
        ComparisonRow(_("Replies go to"), *map(_reply_address, (target, source, latest_writer))),
        _comparison_row(_("Language"), *(language_name(contact.language) for contact in contacts)),
        ComparisonRow(_("Labels"), *_label_names(target, source)),
        ComparisonRow(_("Conversations"), *_conversation_counts(target, source)),
        _comparison_row(_("Opted out"), *(_format_date(contact.opted_out_at) for contact in contacts)),
        _comparison_row(_("Blocked"), *(_format_date(contact.blocked_at) for contact in contacts)),
    ]
    for field in ContactField.objects.all():
        texts = (values.format_value(contact.fields.get(field.name, "")) for contact in contacts)
        rows.append(_comparison_row(str(field), *texts))
    return [row for row in rows if row.this_value or row.other_value]


def _comparison_row(label: str, target_value: str, source_value: str) -> ComparisonRow:
    return ComparisonRow(label, target_value, source_value, target_value or source_value)


def _reply_address(contact: Contact) -> str:
    return contact.display_number or _("Their WhatsApp ID")


def _format_date(timestamp: datetime | None) -> str:
    return date_format(timezone.localtime(timestamp), _("j M Y")) if timestamp else ""


def _label_names(target: Contact, source: Contact) -> tuple[str, str, str]:
    target_names, source_names = ({str(label) for label in contact.labels.all()} for contact in (target, source))
    merged_names = target_names | source_names
    return ", ".join(sorted(target_names)), ", ".join(sorted(source_names)), ", ".join(sorted(merged_names))


def _conversation_counts(target: Contact, source: Contact) -> tuple[str, str, str]:
    target_count, source_count = (contact.conversations.count() for contact in (target, source))
    return str(target_count), str(source_count), str(target_count + source_count)


def _required_skills(conversation: Conversation) -> QuerySet[RequiredSkill]:
    return conversation.required_skills.select_related("skill").order_by("skill__name")


def _available_skills(required: Sequence[RequiredSkill]) -> list[Skill]:
    return list(Skill.objects.exclude(pk__in=[row.skill_id for row in required]).select_related("type"))


def _build_field(
    variable: Variable,
    kind: str,
    stored_values: dict[str, object],
    submitted_values: dict[str, str] | None,
    errors: dict[str, str] | None,
) -> PanelField:
    field = PanelField(variable, kind, values.format_value(stored_values.get(variable.name, "")))
    value = (submitted_values or {}).get(field.input_id, field.value)
    return PanelField(variable, kind, value, (errors or {}).get(field.input_id, ""))


def _waiting_time(conversation: Conversation) -> str:
    """Return how long the customer has waited for an agent: the sum of the times in which the state was Open."""
    changes = conversation.events.filter(kind__in=State.values).order_by("created_at", "pk")
    # A conversation that an agent began has not waited before it was open.
    waits_since = None if conversation.started_by_id else conversation.created_at
    waited = timedelta()
    for kind, at in changes.values_list("kind", "created_at")[:MAX_STATE_CHANGES]:
        if kind == State.OPEN:
            waits_since = waits_since or at
        elif waits_since is not None:
            waited, waits_since = waited + max(at - waits_since, timedelta()), None
    if waits_since is not None:
        until = timezone.now() if conversation.state == State.OPEN else conversation.state_since
        waited += max(until - waits_since, timedelta())
    return TimeLeft(int(waited.total_seconds())).exact_label


# -- History ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first; `next_cursor` is None on the last page."""

    rows: Sequence[Row]
    next_cursor: Cursor | None
    is_first: bool


def _paginate(
    queryset: QuerySet[Any], before: Cursor | None, time_field: str, page_size: int = PAGE_SIZE
) -> tuple[list[Any], Cursor | None]:
    if before is not None:
        queryset = queryset.filter(before.filter_before(time_field))
    rows = list(queryset.order_by(f"-{time_field}", "-pk")[: page_size + 1])
    if len(rows) <= page_size:
        return rows, None
    value: Any = rows[page_size - 1]
    for name in time_field.split("__"):
        value = getattr(value, name)
    return rows[:page_size], Cursor(value, rows[page_size - 1].pk)


def _visible_conversations(contact_pk: int, reader: User) -> ConversationQuerySet:
    """Return the customer's conversations that the reader may see."""
    return access.conversations_visible_to(reader).filter(contact=contact_pk).order_by()


@dataclass(frozen=True)
class PreviousConversation:
    """Another conversation of the same customer, with a preview of its first message."""

    conversation: Conversation
    icon: str
    preview: str
    dispositions: str


def list_previous_conversations(
    conversation: Conversation, reader: User, before: Cursor | None
) -> Page[PreviousConversation]:
    """Return the same customer's other conversations."""
    first_message = Message.objects.filter(conversation=OuterRef("pk")).order_by("created_at", "pk")
    others = _visible_conversations(conversation.contact_id, reader).exclude(pk=conversation.pk)
    related = others.select_related("agent__user", "number").prefetch_related("dispositions")
    annotated = related.annotate(first_message_pk=Subquery(first_message.values("pk")[:1]))
    rows, next_cursor = _paginate(annotated, before, "created_at")
    pks = [row.first_message_pk for row in rows if row.first_message_pk]
    messages = Message.objects.prefetch_related("attachments").in_bulk(pks)
    previous = [_previous_conversation(row, messages.get(row.first_message_pk)) for row in rows]
    return Page(previous, next_cursor, before is None)


def _previous_conversation(conversation: Conversation, first_message: Message | None) -> PreviousConversation:
    files = list(first_message.attachments.all()[:1]) if first_message else []
    file_type = (files[0].content_type or files[0].declared_type) if files else ""
    icon, text = summarize_message(first_message, file_type) if first_message else ("", "")
    dispositions = ", ".join(str(code) for code in conversation.dispositions.all())
    return PreviousConversation(conversation, icon, text[:140], dispositions)


def list_notes(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Note]:
    """Return the notes in all of this customer's conversations that the reader may see."""
    conversations = _visible_conversations(conversation.contact_id, reader).values("pk")
    notes = Note.objects.filter(conversation__in=conversations)
    rows, next_cursor = _paginate(notes.select_related("author"), before, "created_at")
    return Page(rows, next_cursor, before is None)


def list_files(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Attachment]:
    """Return the files in all of this customer's conversations that the reader may see, theirs and ours."""
    conversations = _visible_conversations(conversation.contact_id, reader).values("pk")
    files = Attachment.objects.filter(message__conversation__in=conversations, state=AttachmentState.STORED)
    rows, next_cursor = _paginate(files.select_related("message"), before, "message__created_at")
    return Page(rows, next_cursor, before is None)


def list_events(conversation: Conversation, reader: User, before: Cursor | None) -> Page[ConversationEvent]:
    """Return the events of all of this customer's conversations that the reader may see."""
    conversations = _visible_conversations(conversation.contact_id, reader).values("pk")
    events = ConversationEvent.objects.filter(conversation__in=conversations)
    rows, next_cursor = _paginate(events.select_related("actor", "conversation"), before, "created_at", page_size=40)
    return Page(rows, next_cursor, before is None)
