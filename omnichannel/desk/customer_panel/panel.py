"""What the pane beside a conversation shows of its customer: what is known of them, and what there was before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
Row = TypeVar("Row")


@dataclass(frozen=True)
class PanelField:
    """Something known by a name, as it is written in its form."""

    variable: Variable
    kind: str
    value: str
    error: str = ""

    @property
    def input_id(self) -> str:
        """Its name in the form, and its id on the page."""
        return f"{self.kind}-{self.variable.name}"


@dataclass(frozen=True)
class CustomerDetails:
    """What is known of the customer and of the conversation, and what the reader may change."""

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
    merges: Sequence["RecentMerge"] = ()

    @property
    def can_set_required_skills(self) -> bool:
        """Whether the reader may say what the conversation needs of its agent."""
        return self.can_handle and self.conversation.state != State.CLOSED


def get_customer_details(
    conversation: Conversation,
    reader: User,
    *,
    submitted_values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    error_message: str = "",
) -> CustomerDetails:
    """As it is now; with what had been `written` in fields and why that was refused, by the fields' names."""
    skills = list(_required_skills(conversation))
    known, context = conversation.contact.fields, conversation.context
    fields = [_build_field(one, "field", known, submitted_values, errors) for one in ContactField.objects.all()]
    variables = conversation.work_stream.context_variables.all()
    may_handle = access.can_manage(reader, conversation)
    return CustomerDetails(
        conversation,
        list(conversation.contact.labels.all()),
        fields,
        [_build_field(one, "context", context, submitted_values, errors) for one in variables],
        skills,
        _available_skills(skills) if may_handle else (),
        rating_range() if may_handle else (1, 10),
        _waiting_time(conversation),
        may_handle,
        error_message,
        _other_numbers(conversation.contact),
        [
            RecentMerge(one, merge.get_undo_error(one, reader))
            for one in merge.get_undoable_merges(conversation.contact)
        ],
    )


def get_header_version(conversation: Conversation) -> str:
    """Return a text that changes whenever the header of the panel would look different."""
    contact = conversation.contact
    parts = [
        contact.name,
        contact.profile_name,
        contact.address,
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
    """A contact that went into this one, and why that can't be undone; empty where it can."""

    merge: ContactMerge
    undo_refusal: str


def _other_numbers(contact: Contact) -> list[str]:
    """The numbers by which this customer is known beside the one that answers go to."""
    return [str(one) for one in contact.addresses.exclude(identity=contact.identity)]


@dataclass(frozen=True)
class ComparisonRow:
    """What two contacts have of a kind, and what will be kept of it."""

    label: str
    this_value: str
    other_value: str
    merged_value: str


def compare_contacts(kept: Contact, gone: Contact) -> list[ComparisonRow]:
    """Two contacts before they are made one."""
    last = merge.get_latest_writer(kept, gone)
    both = f"{kept.display_number}, {gone.display_number}"
    rows = [
        ComparisonRow(_("Name"), kept.display_name, gone.display_name, kept.name or gone.name or kept.display_name),
        ComparisonRow(_("Numbers"), kept.display_number, gone.display_number, both),
        ComparisonRow(_("Answers go to"), kept.display_number, gone.display_number, last.display_number),
        _comparison_row(_("Language"), *(language_name(one.language) for one in (kept, gone))),
        ComparisonRow(_("Labels"), *_label_names(kept, gone)),
        ComparisonRow(_("Conversations"), *_conversation_counts(kept, gone)),
        _comparison_row(_("Opted out"), *(_format_date(one.opted_out_at) for one in (kept, gone))),
        _comparison_row(_("Blocked"), *(_format_date(one.blocked_at) for one in (kept, gone))),
    ]
    for field in ContactField.objects.all():
        rows.append(
            _comparison_row(str(field), *(values.format_value(one.fields.get(field.name, "")) for one in (kept, gone)))
        )
    return [row for row in rows if row.this_value or row.other_value]


def _comparison_row(name: str, ours: str, theirs: str) -> ComparisonRow:
    return ComparisonRow(name, ours, theirs, ours or theirs)


def _format_date(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), _("j M Y")) if at else ""


def _label_names(kept: Contact, gone: Contact) -> tuple[str, str, str]:
    ours, theirs = ({str(label) for label in one.labels.all()} for one in (kept, gone))
    return ", ".join(sorted(ours)), ", ".join(sorted(theirs)), ", ".join(sorted(ours | theirs))


def _conversation_counts(kept: Contact, gone: Contact) -> tuple[str, str, str]:
    ours, theirs = (one.conversations.count() for one in (kept, gone))
    return str(ours), str(theirs), str(ours + theirs)


def _required_skills(conversation: Conversation) -> QuerySet[RequiredSkill]:
    return conversation.required_skills.select_related("skill").order_by("skill__name")


def _available_skills(needed: Sequence[RequiredSkill]) -> list[Skill]:
    return list(Skill.objects.exclude(pk__in=[one.skill_id for one in needed]).select_related("type"))


def _build_field(
    variable: Variable,
    kind: str,
    known: dict[str, object],
    written: dict[str, str] | None,
    errors: dict[str, str] | None,
) -> PanelField:
    field = PanelField(variable, kind, values.format_value(known.get(variable.name, "")))
    return PanelField(
        variable, kind, (written or {}).get(field.input_id, field.value), (errors or {}).get(field.input_id, "")
    )


def _waiting_time(conversation: Conversation) -> str:
    """How long the customer waited for an agent at first, or has waited until now."""
    taken = conversation.events.filter(kind=State.ACTIVE).values_list("created_at", flat=True).first()
    until = taken or conversation.closed_at or timezone.now()
    return TimeLeft(max(0, int((until - conversation.created_at).total_seconds()))).exact_label


# -- What there was before --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first; `more` is where the next ones begin."""

    rows: Sequence[Row]
    next_cursor: Cursor | None
    is_first: bool


def _paginate(
    found: QuerySet[Any], before: Cursor | None, at: str, page_size: int = PAGE_SIZE
) -> tuple[list[Any], Cursor | None]:
    if before is not None:
        found = found.filter(before.filter_before(at))
    rows = list(found.order_by(f"-{at}", "-pk")[: page_size + 1])
    if len(rows) <= page_size:
        return rows, None
    last: Any = rows[page_size - 1]
    for name in at.split("__"):
        last = getattr(last, name)
    return rows[:page_size], Cursor(last, rows[page_size - 1].pk)


def _visible_conversations(contact: int, reader: User) -> ConversationQuerySet:
    """The customer's conversations that the reader may see."""
    return access.conversations_visible_to(reader).filter(contact=contact).order_by()


@dataclass(frozen=True)
class PreviousConversation:
    """Another conversation of the same customer, in a line or two."""

    conversation: Conversation
    icon: str
    preview: str
    dispositions: str


def list_previous_conversations(
    conversation: Conversation, reader: User, before: Cursor | None
) -> Page[PreviousConversation]:
    """The same customer's other conversations."""
    first = Message.objects.filter(conversation=OuterRef("pk")).order_by("created_at", "pk")
    found = _visible_conversations(conversation.contact_id, reader).exclude(pk=conversation.pk)
    full = found.select_related("agent__user", "number").prefetch_related("dispositions")
    rows, more = _paginate(full.annotate(first=Subquery(first.values("pk")[:1])), before, "created_at")
    said = Message.objects.prefetch_related("attachments").in_bulk([row.first for row in rows if row.first])
    return Page([_previous_conversation(row, said.get(row.first)) for row in rows], more, before is None)


def _previous_conversation(row: Conversation, said: Message | None) -> PreviousConversation:
    files = list(said.attachments.all()[:1]) if said else []
    file_type = (files[0].content_type or files[0].declared_type) if files else ""
    icon, line = summarize_message(said, file_type) if said else ("", "")
    return PreviousConversation(row, icon, line[:140], ", ".join(str(one) for one in row.dispositions.all()))


def list_notes(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Note]:
    """What colleagues noted in all of this customer's conversations."""
    found = Note.objects.filter(conversation__in=_visible_conversations(conversation.contact_id, reader).values("pk"))
    rows, more = _paginate(found.select_related("author"), before, "created_at")
    return Page(rows, more, before is None)


def list_files(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Attachment]:
    """The files of all of this customer's conversations, theirs and ours."""
    seen = _visible_conversations(conversation.contact_id, reader).values("pk")
    found = Attachment.objects.filter(message__conversation__in=seen, state=AttachmentState.STORED)
    rows, more = _paginate(found.select_related("message"), before, "message__created_at")
    return Page(rows, more, before is None)


def list_events(conversation: Conversation, reader: User, before: Cursor | None) -> Page[ConversationEvent]:
    """All that happened with this customer, and who did it."""
    found = ConversationEvent.objects.filter(
        conversation__in=_visible_conversations(conversation.contact_id, reader).values("pk")
    )
    rows, more = _paginate(found.select_related("actor", "conversation"), before, "created_at", page_size=40)
    return Page(rows, more, before is None)
