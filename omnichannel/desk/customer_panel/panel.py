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
    Contact,
    ContactMerge,
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    FileState,
    Label,
    Message,
    Note,
    RequiredSkill,
)
from omnichannel.conversations.required_skills import scale
from omnichannel.desk.customer_panel.languages import language_name
from omnichannel.desk.shared.message_preview import summary
from omnichannel.desk.shared.paging import Cursor
from omnichannel.desk.shared.times import TimeLeft, iso_moment
from routing import values
from routing.models import ContactField, Skill, State
from routing.models.variables import Variable

PAGE: Final = 20
Row = TypeVar("Row")


@dataclass(frozen=True)
class Field:
    """Something known by a name, as it is written in its form."""

    variable: Variable
    kind: str
    value: str
    error: str = ""

    @property
    def id(self) -> str:
        """Its name in the form, and its id on the page."""
        return f"{self.kind}-{self.variable.name}"


@dataclass(frozen=True)
class About:
    """What is known of the customer and of the conversation, and what the reader may change."""

    conversation: Conversation
    labels: Sequence[Label]
    fields: Sequence[Field]
    variables: Sequence[Field]
    skills: Sequence[RequiredSkill]
    other_skills: Sequence[Skill]
    ratings: tuple[int, int]
    waited: str
    may_handle: bool
    problem: str = ""
    other_numbers: Sequence[str] = ()
    merges: Sequence["Merged"] = ()

    @property
    def may_set_needs(self) -> bool:
        """Whether the reader may say what the conversation needs of its agent."""
        return self.may_handle and self.conversation.state != State.CLOSED


def about(
    conversation: Conversation,
    reader: User,
    *,
    written: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
) -> About:
    """As it is now; with what had been `written` in fields and why that was refused, by the fields' names."""
    skills = list(_needs(conversation))
    known, context = conversation.contact.fields, conversation.context
    fields = [_field(one, "field", known, written, errors) for one in ContactField.objects.all()]
    variables = conversation.work_stream.context_variables.all()
    may_handle = access.may_handle(reader, conversation)
    return About(
        conversation,
        list(conversation.contact.labels.all()),
        fields,
        [_field(one, "context", context, written, errors) for one in variables],
        skills,
        _other_skills(skills) if may_handle else (),
        scale() if may_handle else (1, 10),
        _waited(conversation),
        may_handle,
        problem,
        _other_numbers(conversation.contact),
        [Merged(one, merge.why_not_undone(one, reader)) for one in merge.lately(conversation.contact)],
    )


def header_version(conversation: Conversation) -> str:
    """Return a text that changes whenever the head of the panel would look different."""
    contact = conversation.contact
    parts = [
        contact.name,
        contact.profile_name,
        contact.address,
        contact.language,
        iso_moment(contact.opted_out_at),
        iso_moment(contact.blocked_at),
        conversation.state,
        conversation.agent_id,
        conversation.queue_id,
        conversation.asked_in or "",
    ]
    return " ".join(map(str, parts))


@dataclass(frozen=True)
class Merged:
    """A contact that went into this one, and why that can't be undone; empty where it can."""

    done: ContactMerge
    why_not: str


def _other_numbers(contact: Contact) -> list[str]:
    """The numbers by which this customer is known beside the one that answers go to."""
    return [str(one) for one in contact.addresses.exclude(identity=contact.identity)]


@dataclass(frozen=True)
class Compared:
    """What two contacts have of a kind, and what will be kept of it."""

    name: str
    ours: str
    theirs: str
    kept: str


def side_by_side(kept: Contact, gone: Contact) -> list[Compared]:
    """Two contacts before they are made one."""
    last = merge.wrote_last(kept, gone)
    both = f"{kept.number}, {gone.number}"
    rows = [
        Compared(_("Name"), kept.display_name, gone.display_name, kept.name or gone.name or kept.display_name),
        Compared(_("Numbers"), kept.number, gone.number, both),
        Compared(_("Answers go to"), kept.number, gone.number, last.number),
        _compared(_("Language"), *(language_name(one.language) for one in (kept, gone))),
        Compared(_("Labels"), *_label_names(kept, gone)),
        Compared(_("Conversations"), *_counts(kept, gone)),
        _compared(_("Opted out"), *(_day(one.opted_out_at) for one in (kept, gone))),
        _compared(_("Blocked"), *(_day(one.blocked_at) for one in (kept, gone))),
    ]
    for field in ContactField.objects.all():
        rows.append(_compared(str(field), *(values.shown(one.fields.get(field.name, "")) for one in (kept, gone))))
    return [row for row in rows if row.ours or row.theirs]


def _compared(name: str, ours: str, theirs: str) -> Compared:
    return Compared(name, ours, theirs, ours or theirs)


def _day(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), _("j M Y")) if at else ""


def _label_names(kept: Contact, gone: Contact) -> tuple[str, str, str]:
    ours, theirs = ({str(label) for label in one.labels.all()} for one in (kept, gone))
    return ", ".join(sorted(ours)), ", ".join(sorted(theirs)), ", ".join(sorted(ours | theirs))


def _counts(kept: Contact, gone: Contact) -> tuple[str, str, str]:
    ours, theirs = (one.conversations.count() for one in (kept, gone))
    return str(ours), str(theirs), str(ours + theirs)


def _needs(conversation: Conversation) -> QuerySet[RequiredSkill]:
    return conversation.required_skills.select_related("skill").order_by("skill__name")


def _other_skills(needed: Sequence[RequiredSkill]) -> list[Skill]:
    return list(Skill.objects.exclude(pk__in=[one.skill_id for one in needed]).select_related("type"))


def _field(
    variable: Variable,
    kind: str,
    known: dict[str, object],
    written: dict[str, str] | None,
    errors: dict[str, str] | None,
) -> Field:
    field = Field(variable, kind, values.shown(known.get(variable.name, "")))
    return Field(variable, kind, (written or {}).get(field.id, field.value), (errors or {}).get(field.id, ""))


def _waited(conversation: Conversation) -> str:
    """How long the customer waited for an agent at first, or has waited until now."""
    taken = conversation.events.filter(kind=State.ACTIVE).values_list("created_at", flat=True).first()
    until = taken or conversation.closed_at or timezone.now()
    return TimeLeft(max(0, int((until - conversation.created_at).total_seconds()))).exact


# -- What there was before --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first; `more` is where the next ones begin."""

    rows: Sequence[Row]
    more: Cursor | None
    is_first: bool


def _page(found: QuerySet[Any], before: Cursor | None, at: str, size: int = PAGE) -> tuple[list[Any], Cursor | None]:
    if before is not None:
        found = found.filter(before.before(at))
    rows = list(found.order_by(f"-{at}", "-pk")[: size + 1])
    if len(rows) <= size:
        return rows, None
    last: Any = rows[size - 1]
    for name in at.split("__"):
        last = getattr(last, name)
    return rows[:size], Cursor(last, rows[size - 1].pk)


def _seen(contact: int, reader: User) -> ConversationQuerySet:
    """The customer's conversations that the reader may see."""
    return access.conversations_visible_to(reader).filter(contact=contact).order_by()


@dataclass(frozen=True)
class Former:
    """Another conversation of the same customer, in a line or two."""

    conversation: Conversation
    icon: str
    line: str
    dispositions: str


def former(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Former]:
    """The same customer's other conversations."""
    first = Message.objects.filter(conversation=OuterRef("pk")).order_by("created_at", "pk")
    found = _seen(conversation.contact_id, reader).exclude(pk=conversation.pk)
    full = found.select_related("agent__user", "number").prefetch_related("dispositions")
    rows, more = _page(full.annotate(first=Subquery(first.values("pk")[:1])), before, "created_at")
    said = Message.objects.prefetch_related("attachments").in_bulk([row.first for row in rows if row.first])
    return Page([_former(row, said.get(row.first)) for row in rows], more, before is None)


def _former(row: Conversation, said: Message | None) -> Former:
    files = list(said.attachments.all()[:1]) if said else []
    file_type = (files[0].content_type or files[0].declared_type) if files else ""
    icon, line = summary(said, file_type) if said else ("", "")
    return Former(row, icon, line[:140], ", ".join(str(one) for one in row.dispositions.all()))


def notes(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Note]:
    """What colleagues noted in all of this customer's conversations."""
    found = Note.objects.filter(conversation__in=_seen(conversation.contact_id, reader).values("pk"))
    rows, more = _page(found.select_related("author"), before, "created_at")
    return Page(rows, more, before is None)


def files(conversation: Conversation, reader: User, before: Cursor | None) -> Page[Attachment]:
    """The files of all of this customer's conversations, theirs and ours."""
    seen = _seen(conversation.contact_id, reader).values("pk")
    found = Attachment.objects.filter(message__conversation__in=seen, state=FileState.STORED)
    rows, more = _page(found.select_related("message"), before, "message__created_at")
    return Page(rows, more, before is None)


def story(conversation: Conversation, reader: User, before: Cursor | None) -> Page[ConversationEvent]:
    """All that happened with this customer, and who did it."""
    found = ConversationEvent.objects.filter(conversation__in=_seen(conversation.contact_id, reader).values("pk"))
    rows, more = _page(found.select_related("actor", "conversation"), before, "created_at", size=40)
    return Page(rows, more, before is None)
