"""Access rules: the only place that decides who may see and do what.

Pages, search, live events, media, API and exports all start here. It fails closed: unknown users see nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import CharField, Exists, F, OuterRef, Prefetch, Q, QuerySet, Value, prefetch_related_objects
from django.http import Http404
from django.utils.translation import gettext as _

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.accounts.models import User
from omnichannel.conversations.models import (
    Attachment,
    Contact,
    ContactMerge,
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    Mention,
    Message,
    Participation,
    agent_annotations,
)
from omnichannel.live.topics import ALL_TOPIC, agent_topic, queue_topic
from routing.models import Agent, Queue, QueueMembership, State

WORK_PERMISSION = "conversations.work_on_conversations"
SEE_ALL_PERMISSION = "conversations.see_all_conversations"
# Relations that the page of a conversation shows.
PAGE_RELATIONS = ("contact", "number__account", "queue", "work_stream", "agent__user", "last_message")


def _users_with_permission(permission: str) -> QuerySet[User]:
    """Return the active users who have this permission, through a role or directly.

    `User.objects.with_perm` is not used because it is too slow: a third of a second for a thousand users.
    """
    app, codename = permission.split(".")
    allowed = Permission.objects.filter(content_type__app_label=app, codename=codename)
    by_role = User.groups.through.objects.filter(group__permissions__in=allowed).values("user")
    directly = User.user_permissions.through.objects.filter(permission__in=allowed).values("user")
    return User.objects.filter(Q(pk__in=by_role) | Q(pk__in=directly) | Q(is_superuser=True), is_active=True)


def agent_for_user(user: User) -> Agent | None:
    """Return the user's agent; None for users who do not work at the desk."""
    if not user.is_active or not user.has_perm(WORK_PERMISSION):
        return None
    # Cached on the user: a request calls this many times.
    prefetch_related_objects([user], Prefetch("agent", Agent.objects.select_related("presence", "user", "preferences")))
    return getattr(user, "agent", None)


def conversations_visible_to(user: User | AnonymousUser) -> ConversationQuerySet:
    """Return the conversations the user may see.

    Users with SEE_ALL_PERMISSION see all; agents see their own, those of their queues and those they participate in;
    others see none.
    """
    conversations = Conversation.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return conversations.none()
    if user.has_perm(SEE_ALL_PERMISSION):
        return conversations
    agent = agent_for_user(user)
    if agent is None:
        return conversations.none()
    participating = Participation.objects.filter(agent=agent, left_at=None).values("conversation")
    return conversations.filter(_visible_q(agent.pk, Queue.objects.for_agent(agent), participating))


def _visible_q(agent_id: int, queues: Any, participating: Any) -> Q:
    """Return the rule for agents, who don't see all.

    Args:
        queues: The agent's queues, as keys or as a query.
        participating: The conversations they participate in, as keys or as a query.
    """
    return Q(agent=agent_id) | Q(queue__in=queues) | Q(pk__in=participating)


@dataclass(frozen=True)
class Scope:
    """Access of an agent, loaded once for the queries of a list.

    It holds keys, because databases find rows of known keys through indexes; with subqueries in their place they read
    all conversations. Load it anew for each request: access may change.

    Attributes:
        queue_ids: The agent's queues; empty for those who see all.
        joined_ids: Conversations in which they participate.
        mentioned_ids: Open conversations with a note that mentions them and that they have not seen; they may not have
            access to all of these.
    """

    agent_id: int
    sees_all: bool
    may_work: bool
    queue_ids: tuple[int, ...] = ()
    joined_ids: tuple[int, ...] = ()
    mentioned_ids: tuple[int, ...] = ()

    @classmethod
    def load(cls, agent: Agent) -> Self:
        """Load the scope of an agent in one query."""
        sees_all, may_work = can_supervise(agent), agent_for_user(agent.user) is not None
        rows = _scope_rows(_PARTICIPATION, Participation.objects.filter(agent=agent, left_at=None), "conversation_id")
        mentions = Mention.objects.filter(agent=agent, seen_at=None, note__conversation__closed_at=None)
        queries = [_scope_rows(_MENTION, mentions, "note__conversation_id")]
        if may_work and not sees_all:
            queries.append(_scope_rows(_QUEUE, Queue.objects.for_agent(agent), "pk"))
        keys: dict[str, set[int]] = {kind: set() for kind in (_PARTICIPATION, _MENTION, _QUEUE)}
        for kind, key in rows.union(*queries, all=True):
            keys[kind].add(key)
        ordered = (tuple(sorted(keys[kind])) for kind in (_QUEUE, _PARTICIPATION, _MENTION))
        return cls(agent.pk, sees_all, may_work, *ordered)

    def build_condition(self) -> Q:
        """Return the condition for the conversations that the agent may see: as `conversations_visible_to`."""
        if self.sees_all:
            return Q()
        return _visible_q(self.agent_id, self.queue_ids, self.joined_ids) if self.may_work else Q(pk__in=())


_PARTICIPATION, _MENTION, _QUEUE = "participation", "mention", "queue"


def _scope_rows(kind: str, rows: QuerySet[Any], key: str) -> QuerySet[Any, Any]:
    named = rows.order_by().annotate(scope_kind=Value(kind, output_field=CharField()), scope_key=F(key))
    pairs: QuerySet[Any, Any] = named.values_list("scope_kind", "scope_key")
    return pairs


def active_agents() -> QuerySet[Agent]:
    """Return the agents whose users may work at the desk, with user and presence."""
    users = _users_with_permission(WORK_PERMISSION).values("pk")
    return Agent.objects.filter(user__in=users).select_related("user", "presence")


def agents_with_access(conversation: Conversation) -> QuerySet[Agent]:
    """Return the agents who may see this conversation: the inverse of `conversations_visible_to`."""
    if conversation.queue.is_default:
        return active_agents()
    supervisors = _users_with_permission(SEE_ALL_PERMISSION).values("pk")
    participants = Participation.objects.filter(conversation=conversation, left_at=None).values("agent")
    has_access = Q(user__in=supervisors) | Q(pk=conversation.agent_id) | Q(pk__in=participants)
    return active_agents().filter(has_access | Q(memberships__queue=conversation.queue_id)).distinct()


def has_lost_access(agent: str, conversation: str) -> Q:
    """Return the condition that an agent can't see a conversation: as `agents_with_access`, for rows with both.

    Args:
        agent: The path from the rows to the agent; rows without an agent don't match.
        conversation: The path from the rows to the conversation.
    """
    supervisors = Agent.objects.filter(user__in=_users_with_permission(SEE_ALL_PERMISSION).values("pk"))
    rows = {"conversation": OuterRef(conversation), "agent": OuterRef(agent)}
    is_member = QueueMembership.objects.filter(queue=OuterRef(f"{conversation}__queue"), agent=OuterRef(agent))
    has_access = (
        Q(**{f"{conversation}__queue__is_default": True})
        | Q(**{f"{conversation}__agent__isnull": False, f"{conversation}__agent": F(agent)})
        | Q(Exists(Participation.objects.filter(**rows, left_at=None)))
        | Q(Exists(is_member))
        | Q(**{f"{agent}__in": supervisors.values("pk")})
    )
    return Q(**{f"{agent}__isnull": False}) & ~has_access


def supervisors_with_pk(pk: Any) -> QuerySet[Agent]:
    """Return the agent with this key if they are a supervisor.

    Args:
        pk: A key, or an expression such as OuterRef in a subquery.
    """
    return Agent.objects.filter(pk=pk, user__in=_users_with_permission(SEE_ALL_PERMISSION).values("pk"))


def can_supervise(agent: Agent) -> bool:
    """Return whether the agent may assign, monitor, join and release every conversation."""
    return agent.user.is_active and agent.user.has_perm(SEE_ALL_PERMISSION)


def visible_conversation_ids(user: User | AnonymousUser, pks: Collection[int]) -> set[int]:
    """Return which of these conversations the user may see, in one query; none without ids."""
    if not pks:
        return set()
    return set(conversations_visible_to(user).order_by().filter(pk__in=pks).values_list("pk", flat=True))


class AccessLostError(Http404):
    """The user had access to the conversation and has lost it; the text says why."""


def get_conversation_or_404(user: User | AnonymousUser, pk: int) -> Conversation:
    """Return the conversation if the user may see it.

    Raises:
        AccessLostError: The user could see it before; the text says why they no longer can.
        Http404: The user may not see it, or it does not exist.
    """
    visible = conversations_visible_to(user).select_related(*PAGE_RELATIONS)
    agent = agent_for_user(user) if isinstance(user, User) else None
    if agent is not None:
        visible = visible.annotate_for_agent(agent)
    conversation = visible.filter(pk=pk).first()
    if conversation is None:
        raise _access_lost_error(agent, pk) or Http404("No such conversation.")
    return conversation


def _access_lost_error(agent: Agent | None, pk: int) -> AccessLostError | None:
    if agent is None:
        return None
    conversation = Conversation.objects.filter(pk=pk).first()
    if conversation is None:
        return _merged_conversation_error(agent.user, pk)
    if Participation.objects.filter(conversation=conversation, agent=agent).exists():
        if conversation.state == State.CLOSED:
            return AccessLostError(_("This conversation is closed. You were only consulted."))
        return AccessLostError(_("You are no longer in this conversation."))
    if ConversationEvent.objects.filter(conversation=conversation, actor__agent=agent).exists():
        return AccessLostError(_("This conversation was moved to a queue you don't have access to."))
    return None


def _merged_conversation_error(user: User, pk: int) -> AccessLostError | None:
    """Return an error for a conversation that was joined to another one the user may see."""
    for records in (
        ContactMerge.objects.filter(undone_at=None)
        .exclude(merged_conversations=[])
        .values_list("merged_conversations", flat=True)[:500]
    ):
        target_pk = next((record["target_pk"] for record in records if record["source"]["pk"] == pk), None)
        if target_pk is not None and conversations_visible_to(user).filter(pk=target_pk).exists():
            return AccessLostError(_("This conversation was merged into another one with the same customer."))
    return None


def get_message_or_404(user: User | AnonymousUser, pk: int) -> Message:
    """Return the message if the user may see its conversation; else raise Http404."""
    messages = Message.objects.filter(pk=pk, conversation__in=conversations_visible_to(user))
    message = messages.select_related("author", "quoted", "conversation__contact").first()
    if message is None:
        raise Http404("No such message.")
    return message


def get_visible_message(agent: Agent, messages: QuerySet[Message]) -> Message | None:
    """Return the first of these messages that the agent may see; None if there is none.

    One query loads it with its conversation, which has the same relations and annotations as from
    `get_conversation_or_404`.
    """
    visible = messages.filter(conversation__in=conversations_visible_to(agent.user).order_by().values("pk"))
    related = visible.select_related(*(f"conversation__{name}" for name in PAGE_RELATIONS))
    annotations = agent_annotations(agent, "conversation")
    message = related.annotate(**annotations).first()
    if message is not None:
        for name in annotations:
            setattr(message.conversation, name, getattr(message, name))
    return message


def get_attachment_or_404(user: User | AnonymousUser, pk: int) -> Attachment:
    """Return the attachment if the user may see its conversation; else raise Http404."""
    attachments = Attachment.objects.filter(pk=pk, message__conversation__in=conversations_visible_to(user))
    attachment = attachments.select_related("message").first()
    if attachment is None:
        raise Http404("No such file.")
    return attachment


def can_reply(agent: Agent | None, conversation: Conversation) -> bool:
    """Return whether the agent has the conversation and it is active or in wrap-up."""
    is_assigned = agent is not None and conversation.agent_id == agent.pk
    return is_assigned and conversation.state in {State.ACTIVE, State.WRAP_UP}


def can_manage(user: User, conversation: Conversation) -> bool:
    """Return whether the user is the assigned agent or a supervisor, who decide about it and its contact."""
    if not user.is_active:
        return False
    agent = agent_for_user(user)
    return user.has_perm(SEE_ALL_PERMISSION) or (agent is not None and conversation.agent_id == agent.pk)


def can_block(user: User, conversation: Conversation) -> bool:
    """Return whether the user may block and unblock the contact of the conversation."""
    return can_manage(user, conversation)


def can_lift_opt_out(user: User, conversation: Conversation) -> bool:
    """Return whether the user may record that a contact who opted out by a word agreed to messages again."""
    return can_manage(user, conversation)


def get_contact_or_404(user: User | AnonymousUser, pk: int) -> Contact:
    """Return the contact if the user may see a conversation with them; else raise Http404."""
    visible = conversations_visible_to(user).order_by().filter(contact=OuterRef("pk"))
    contact = Contact.objects.filter(Exists(visible), pk=pk).first()
    if contact is None:
        raise Http404("No such contact.")
    return contact


def sender_numbers_for(user: User | AnonymousUser) -> QuerySet[WhatsAppNumber]:
    """Return the numbers from which the user may start conversations: they must be able to see those."""
    numbers = WhatsAppNumber.objects.filter(is_active=True, account__is_active=True).select_related("account")
    agent = agent_for_user(user) if isinstance(user, User) else None
    if agent is None:
        return numbers.none()
    if agent.user.has_perm(SEE_ALL_PERMISSION):
        return numbers
    queues = Queue.objects.for_agent(agent)
    # Without a fallback queue conversations start in the default queue, of which every agent is a member.
    return numbers.filter(Q(work_stream__fallback_queue=None) | Q(work_stream__fallback_queue__in=queues))


def can_see_all_conversations(user: User, *contacts: Contact) -> bool:
    """Return whether the user may see every conversation of these contacts, past ones included."""
    if not user.is_active:
        return False
    if user.has_perm(SEE_ALL_PERMISSION):
        return True
    return not _hidden_conversations(user).filter(contact__in=contacts).exists()


def _hidden_conversations(user: User) -> ConversationQuerySet:
    """Return the conversations that the user, who does not see all, may not see."""
    conversations = Conversation.objects.order_by()
    agent = agent_for_user(user)
    if agent is None:
        return conversations
    participating = Participation.objects.filter(agent=agent, left_at=None).values("conversation")
    return conversations.exclude(_visible_q(agent.pk, Queue.objects.for_agent(agent).values("pk"), participating))


def fully_visible_contacts(user: User, contact_ids: Collection[int]) -> QuerySet[Contact]:
    """Return those of the contacts of whom the user may see every conversation.

    Contacts without any conversation are included only for users who may see all.
    """
    contacts = Contact.objects.filter(pk__in=contact_ids)
    if user.is_active and user.has_perm(SEE_ALL_PERMISSION):
        return contacts
    visible = conversations_visible_to(user).order_by().filter(contact=OuterRef("pk"))
    hidden = _hidden_conversations(user).filter(contact=OuterRef("pk"))
    return contacts.filter(Exists(visible), ~Exists(hidden))


def live_topics_for(user: User) -> set[str]:
    """Return the live topics of the conversations the user may see; empty for users without access."""
    agent = agent_for_user(user)
    own_topics = {agent_topic(agent.pk)} if agent else set()
    if user.is_active and user.has_perm(SEE_ALL_PERMISSION):
        return own_topics | {ALL_TOPIC}
    if agent is None:
        return set()
    return own_topics | set(map(queue_topic, Queue.objects.for_agent(agent).values_list("pk", flat=True)))
