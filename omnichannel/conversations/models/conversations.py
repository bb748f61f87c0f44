"""Conversations and their timeline."""

from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.models import WhatsAppNumber
from channels_whatsapp.service_window import is_window_open
from omnichannel.conversations.models.contacts import Contact, Label
from omnichannel.core.db import SEPARATOR, StringAgg
from omnichannel.core.localized_text import LocalizedTextField
from routing.models import Agent, Routable, RoutableQuerySet, Skill, State


class ConversationQuerySet(RoutableQuerySet["Conversation"]):
    """Queries for conversations, with the annotations that inbox and pages need."""

    def unclosed(self) -> Self:
        """Return the conversations that are not closed.

        Always by `closed_at`, as here: the indexes of unclosed conversations have this condition.
        """
        return self.filter(closed_at=None)

    def waiting_for_agent(self) -> Self:
        """Return the conversations that wait for an agent."""
        return super().waiting_for_agent().filter(closed_at=None)

    def for_inbox(self) -> Self:
        """Load the related rows that an inbox row shows."""
        return self.select_related("contact", "number", "queue", "agent__user", "last_message")

    def annotate_for_agent(self, agent: Agent) -> Self:
        """Add participation, consulted colleagues, unread mentions and labels, without more queries."""
        return self.annotate(**agent_annotations(agent))

    def annotate_is_shared(self) -> Self:
        """Add whether colleagues participate, so that publishing to them needs no query when nobody does."""
        current = Participation.objects.filter(conversation=OuterRef("pk"), left_at=None)
        return self.annotate(is_shared=Exists(current))

    def get_service_window(self, contact: Contact, number: WhatsAppNumber) -> dict[str, datetime | None]:
        """Return `last_inbound_at` and `window_closes_at` for a conversation of this contact on this number.

        WhatsApp's window belongs to the two, whichever of their conversations the customer wrote in.
        """
        answered = self.filter(contact=contact, number=number, last_inbound_at__isnull=False)
        fields = ("last_inbound_at", "window_closes_at")
        return answered.order_by("-last_inbound_at").values(*fields).first() or dict.fromkeys(fields)


def agent_annotations(agent: Agent, conversation: str = "pk") -> dict[str, Any]:
    """Return the annotations of `annotate_for_agent`.

    Args:
        conversation: Name of the conversation's key in the queried model; for example "conversation" for messages.
    """
    pk = OuterRef(conversation)
    current = Participation.objects.filter(conversation=pk, left_at=None).order_by()
    consulted = current.filter(kind=ParticipationKind.CONSULT).values("conversation")
    return {
        "participation_kind": Subquery(current.filter(agent=agent).values("kind")[:1]),
        "consult_version": Subquery(consulted.annotate(sum=Sum("pk")).values("sum")),
        "has_unread_mention": Exists(Mention.objects.filter(note__conversation=pk, agent=agent, seen_at=None)),
        "label_list": Subquery(_label_list_subquery(pk)),
    }


def _label_list_subquery(conversation: OuterRef) -> models.QuerySet[Any, Any]:
    links = Conversation.labels.through.objects.filter(conversation=conversation).order_by()
    name_and_color = Concat("label__name", Value(":"), "label__color", output_field=models.TextField())
    lists: models.QuerySet[Any, Any] = links.values("conversation").annotate(label_list=StringAgg(name_and_color))
    return lists.values("label_list")


class LabelChip(NamedTuple):
    """The name and color of a label, for display as a chip."""

    name: str
    color: str


class Priority(models.IntegerChoices):
    """The urgency of a conversation; a lower number comes first."""

    URGENT = 1, _("Urgent")
    HIGH = 2, _("High")
    NORMAL = 3, _("Normal")
    LOW = 4, _("Low")


class DispositionCode(models.Model):
    """An outcome of conversations, chosen by the agent in wrap-up."""

    name = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Conversation(Routable):
    """The messages between a contact and the desk on one of our numbers, until it is closed."""

    # Foreign keys without an index of their own are not searched for, or an index below begins with them.
    number = models.ForeignKey(WhatsAppNumber, models.PROTECT, related_name="conversations")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="conversations")
    closed_at = models.DateTimeField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    window_closes_at = models.DateTimeField(null=True)
    # Last time the typing indicator was sent to the customer; WhatsApp shows it for 25 seconds.
    typing_indicator_sent_at = models.DateTimeField(null=True, editable=False)
    unread_count = models.PositiveIntegerField(default=0)
    # Without an index, which every message would have to change, and so without what needs one: the database does not
    # check it, and `undo_send`, which alone deletes messages, sets another one first.
    last_message = models.ForeignKey(
        "Message", models.DO_NOTHING, related_name="+", null=True, db_index=False, db_constraint=False
    )
    last_activity_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    labels = models.ManyToManyField(Label, related_name="conversations", blank=True)
    # Values of `routing.ContextVariable`, by the variable's name.
    context = models.JSONField(default=dict, blank=True)
    # Hidden from its agent's inbox until `snoozed_until`, or, without a time, until the customer writes.
    snoozed_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    dispositions = models.ManyToManyField(DispositionCode, related_name="conversations", blank=True)
    # Set when a colleague wrote first; such customers are not greeted.
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False
    )
    # Set once the routing rules have been applied.
    routed_at = models.DateTimeField(null=True)
    # A person has decided in which queue or with which agent it is: routing rules no longer move it.
    is_placed_by_hand = models.BooleanField(default=False)
    # The last agent who gave it back to a queue, or was disconnected from it. Like the times below it counts while it
    # is not older than `queued_at`.
    released_by = models.ForeignKey(Agent, models.PROTECT, related_name="+", null=True, db_index=False)
    released_at = models.DateTimeField(null=True)
    is_released_by_disconnect = models.BooleanField(default=False)
    overflowed_at = models.DateTimeField(null=True)
    # Last time the timeline recorded that no agent can take it, and that assigning it failed.
    no_agent_reported_at = models.DateTimeField(null=True)
    assignment_fault_reported_at = models.DateTimeField(null=True)

    # Annotations of `annotate_for_agent`. `consult_version` changes whenever the consulted colleagues change.
    participation_kind: str | None = None
    consult_version: int | None = None
    has_unread_mention: bool = False
    label_list: str | None = None
    # Whether colleagues may participate; True unless `annotate_is_shared` has found that nobody does.
    is_shared: bool = True
    # Time of the last message, where a query adds it.
    last_message_at: datetime | None = None

    objects = ConversationQuerySet.as_manager()

    class Meta(Routable.Meta):
        abstract = False
        ordering = ["-last_activity_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *Routable.Meta.constraints,
            models.UniqueConstraint(
                fields=["contact", "number"],
                condition=Q(closed_at=None),
                name="one_open_conversation_per_contact_and_number",
            ),
            models.CheckConstraint(
                condition=Q(state=State.CLOSED, closed_at__isnull=False)
                | (~Q(state=State.CLOSED) & Q(closed_at__isnull=True)),
                name="closed_conversations_have_closed_at",
            ),
            models.CheckConstraint(
                condition=Q(snoozed_at__isnull=False) | Q(snoozed_until__isnull=True),
                name="snoozed_until_requires_snoozed_at",
            ),
        ]
        indexes = [
            # None has a column that changes with each message: PostgreSQL then rewrites no index for it.
            # desk.inbox.queries: Mine, and an agent's part of the other tabs. agent_load: the load of an agent.
            # assignment.former_agents and presence.disconnects: the work of an agent.
            models.Index(fields=["agent", "state"], condition=Q(closed_at=None), name="unclosed_by_agent"),
            # desk.inbox.queries: Open. assignment.classify: the length and the oldest work of a queue.
            models.Index(fields=["queue", "state"], condition=Q(closed_at=None), name="unclosed_by_queue"),
            # desk.inbox.queries: Open and Ongoing of a supervisor. assignment.dispatch: what waits for an agent.
            # lifecycle.close: the oldest in a state.
            models.Index(fields=["state", "state_since"], condition=Q(closed_at=None), name="unclosed_by_state"),
            # assignment.offers and dispatch: pending offers. desk.agent_status: the offers of an agent.
            models.Index(fields=["offered_to"], condition=Q(offered_to__isnull=False), name="conversations_offered"),
            # desk.inbox.queries: Closed, newest first: an arm for each queue, one for the agent, one for who sees all.
            models.Index(
                fields=["queue", "-closed_at", "-id"], condition=Q(closed_at__isnull=False), name="closed_by_queue"
            ),
            models.Index(
                fields=["agent", "-closed_at", "-id"], condition=Q(closed_at__isnull=False), name="closed_by_agent"
            ),
            # By its state, which says the same: the arms don't say so. PostgreSQL would take this index for a queue's
            # arm, too, and read past the other queues' rows.
            models.Index(fields=["-closed_at", "-id"], condition=Q(state=State.CLOSED), name="closed_by_time"),
        ]
        permissions = [
            ("work_on_conversations", "Can take, answer, end and close conversations"),
            ("see_all_conversations", "Can see every conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} on {self.number}"

    @property
    def snooze_is_over(self) -> bool:
        """Return whether the snooze time has passed."""
        return self.snoozed_until is not None and self.snoozed_until <= timezone.now()

    @property
    def label_chips(self) -> list[LabelChip]:
        """Return the labels; empty unless the row was loaded with `annotate_for_agent`."""
        pairs = [item.rpartition(":") for item in (self.label_list or "").split(SEPARATOR) if item]
        return sorted(LabelChip(name, color) for name, _, color in pairs)

    @property
    def window_is_open(self) -> bool:
        """Return whether the service window is open: free text and media may be sent to the customer."""
        return is_window_open(self.window_closes_at, at=timezone.now())


class TimelineEventKind(models.TextChoices):
    """The subject of a timeline event. Events are for people to read: no decision depends on them."""

    CREATED = "created", "Created"
    STARTED = "started", "Started by an agent"
    ROUTED = "routed", "Routed"
    QUEUED = "queued", "Queued"
    SKILLS_ADDED = "skills_added", "Skills added by rules"
    SKILLS_CHANGED = "skills_changed", "Skills changed"
    OVERFLOW_TRANSFERRED = "overflow_transfer", "Moved by overflow"
    OVERFLOW_ENDED = "overflow", "Ended by overflow"
    OFFERED = "offered", "Offered"
    OFFER_REJECTED = "rejected", "Offer rejected"
    OFFER_TIMED_OUT = "timed_out", "Offer timed out"
    OFFER_WITHDRAWN = "withdrawn", "Offer withdrawn"
    NO_AGENT = "no_agent", "No agent available"
    ASSIGNMENT_FAULT = "assignment_fault", "Assignment failed"
    OPEN = "open", "Open"
    ACTIVE = "active", "Active"
    WAITING = "waiting", "Waiting"
    WRAP_UP = "wrap_up", "Wrap-up"
    CLOSED = "closed", "Closed"
    CONSULTED = "consult", "Colleague consulted"
    JOINED = "joined", "Supervisor joined"
    LEFT = "left", "Colleague left"
    PRIORITY_CHANGED = "priority", "Priority changed"
    LABELED = "labeled", "Labels changed"
    SNOOZED = "snoozed", "Snoozed"
    SNOOZE_ENDED = "snooze_ended", "Snooze ended"
    CONTEXT_CHANGED = "context", "Context changed"
    CONTACT_FIELD_CHANGED = "contact_field", "Contact field changed"
    BLOCKED = "blocked", "Customer blocked"
    UNBLOCKED = "unblocked", "Customer unblocked"
    OPTED_OUT = "opted_out", "Customer opted out"
    OPTED_IN = "opted_in", "Customer opted in"
    OPT_OUT_LIFTED = "opt_out_lifted", "Opt-out lifted"
    CONTACTS_MERGED = "contacts_merged", "Contacts merged"
    CONTACTS_UNMERGED = "contacts_unmerged", "Contacts unmerged"
    CONVERSATIONS_JOINED = "conversations_joined", "Conversations merged"
    NUMBER_LOST = "number_lost", "Number given to another person"
    NUMBER_TAKEN_OVER = "number_taken_over", "Number taken over from another customer"


class ConversationEvent(models.Model):
    """An event in a conversation's timeline: what happened, by whom and why."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=40, choices=TimelineEventKind)
    text = LocalizedTextField()
    details = LocalizedTextField(null=True)  # shown on demand
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [
            # The timeline of a conversation.
            models.Index(fields=["conversation", "created_at"], name="timeline_in_order"),
            # Whether a user may be deleted.
            models.Index(fields=["actor"], condition=Q(actor__isnull=False), name="timeline_by_actor"),
        ]

    def __str__(self) -> str:
        return str(self.text)

    @property
    def full_text(self) -> str:
        """Return the text with its details, for documents, in which nothing can be opened."""
        return f"{self.text}: {self.details}" if self.details else str(self.text)


class RequiredSkill(models.Model):
    """A skill that a conversation requires, with the lowest acceptable rating."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="required_skills", db_index=False)
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")
    rating = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "skill"], name="a_skill_is_required_once")]

    def __str__(self) -> str:
        return f"{self.skill} {self.rating}"


class OfferOutcome(models.TextChoices):
    """The result of an offer."""

    PENDING = "pending", "Offered"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    TIMED_OUT = "timed_out", "Timed out"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Offer(models.Model):
    """An offer of a conversation to an agent, and its outcome."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="offers")
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="offers")
    offered_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=10, choices=OfferOutcome, default=OfferOutcome.PENDING)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["offered_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(outcome="pending"), name="one_pending_offer_per_conversation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.conversation} to {self.agent}: {self.outcome}"


class ParticipationKind(models.TextChoices):
    """The role of a participant besides the assigned agent."""

    CONSULT = "consult", _("Consulted")
    MONITOR = "monitor", "Monitoring"


class Participation(models.Model):
    """A consulted colleague or a monitoring supervisor; they never write to the customer."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="participations")
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="participations")
    kind = models.CharField(max_length=10, choices=ParticipationKind)
    invited_by = models.ForeignKey(Agent, models.PROTECT, related_name="+", null=True)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "agent"], condition=Q(left_at=None), name="one_current_participation_per_agent"
            )
        ]
        indexes = [
            # access.Scope: the conversations in which an agent participates now.
            models.Index(fields=["agent"], condition=Q(left_at=None), name="current_participations")
        ]

    def __str__(self) -> str:
        return f"{self.agent}: {self.get_kind_display()}"


class Note(models.Model):
    """An internal note in a conversation; the customer never sees it."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="notes", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notes")
    text = models.TextField(max_length=4000)
    mentions = models.ManyToManyField(Agent, through="Mention", related_name="mentioned_in", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [models.Index(fields=["conversation", "created_at"], name="notes_in_order")]

    def __str__(self) -> str:
        return self.text[:50]


class Mention(models.Model):
    """A mention of an agent in a note, and when the agent saw it."""

    note = models.ForeignKey(Note, models.CASCADE, related_name="+", db_index=False)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "agent"], name="a_note_mentions_an_agent_once")]
        indexes = [
            # The unread mentions that an agent's inbox marks.
            models.Index(fields=["agent", "note"], condition=Q(seen_at=None), name="unseen_mentions_by_agent")
        ]

    def __str__(self) -> str:
        return f"@{self.agent}"
