"""Who may see and do what: the only answer to that question.

Pages, search, live events, media, API and exports all start here, and whoever is not known here sees nothing.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
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
    Message,
    Participation,
    agent_annotations,
)
from routing.models import Agent, Queue, State

WORK_PERMISSION = "conversations.work_on_conversations"
SEE_ALL_PERMISSION = "conversations.see_all_conversations"
# What a conversation's page shows along with it.
PAGE_RELATIONS = ("contact", "number__account", "queue", "work_stream", "agent__user", "last_message")


def _users_with_permission(permission: str) -> QuerySet[User]:
    """Everybody whose account is on and who has this permission, by a role or by themselves.

    Not `User.objects.with_perm`: that asks for each person anew, which takes a third of a second for a thousand.
    """
    app, codename = permission.split(".")
    allowed = Permission.objects.filter(content_type__app_label=app, codename=codename)
    by_role = User.groups.through.objects.filter(group__permissions__in=allowed).values("user")
    by_name = User.user_permissions.through.objects.filter(permission__in=allowed).values("user")
    return User.objects.filter(Q(pk__in=by_role) | Q(pk__in=by_name) | Q(is_superuser=True), is_active=True)


def agent_for_user(user: User) -> Agent | None:
    """The agent this person works as; None for somebody who does not work at the desk."""
    if not user.is_active or not user.has_perm(WORK_PERMISSION):
        return None
    # Kept with the user, so that a request asks once however often it wants to know.
    prefetch_related_objects([user], Prefetch("agent", Agent.objects.select_related("presence", "user", "preferences")))
    return getattr(user, "agent", None)


def conversations_visible_to(user: User | AnonymousUser) -> ConversationQuerySet:
    """Every conversation for those who may see all; else one's own, one's queues', what one was asked into; or none."""
    everything = Conversation.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return everything.none()
    if user.has_perm(SEE_ALL_PERMISSION):
        return everything
    agent = agent_for_user(user)
    if agent is None:
        return everything.none()
    asked_into = Participation.objects.filter(agent=agent, left_at=None).values("conversation")
    return everything.filter(Q(agent=agent) | Q(queue__in=Queue.objects.for_agent(agent)) | Q(pk__in=asked_into))


def active_agents() -> QuerySet[Agent]:
    """Everybody who works at the desk, with the presence they show."""
    at_work = _users_with_permission(WORK_PERMISSION).values("pk")
    return Agent.objects.filter(user__in=at_work).select_related("user", "presence")


def agents_with_access(conversation: Conversation) -> QuerySet[Agent]:
    """The same answer the other way round: everybody to whom `conversations_visible_to` shows this conversation."""
    if conversation.queue.is_default:
        return active_agents()
    seers = _users_with_permission(SEE_ALL_PERMISSION).values("pk")
    asked_in = Participation.objects.filter(conversation=conversation, left_at=None).values("agent")
    may_see = Q(user__in=seers) | Q(pk=conversation.agent_id) | Q(pk__in=asked_in)
    return active_agents().filter(may_see | Q(memberships__queue=conversation.queue_id)).distinct()


def supervisors_with_pk(who: Any) -> QuerySet[Agent]:
    """The agent of that key, if they may see and step into every conversation; for a query over many of them."""
    return Agent.objects.filter(pk=who, user__in=_users_with_permission(SEE_ALL_PERMISSION).values("pk"))


def can_supervise(agent: Agent) -> bool:
    """Who sees every conversation may step into every one: assign, monitor, join and release it."""
    return agent.user.is_active and agent.user.has_perm(SEE_ALL_PERMISSION)


class AccessLostError(Http404):
    """This person had a part in the conversation and may not see it any more; the text tells them why."""


def get_conversation_or_404(user: User | AnonymousUser, pk: int) -> Conversation:
    """The conversation, if this person may see it; else Http404, the same as for one that does not exist.

    Who had a part in it until now gets OutOfSight, which says why.
    """
    found = conversations_visible_to(user).select_related(*PAGE_RELATIONS)
    agent = agent_for_user(user) if isinstance(user, User) else None
    if agent is not None:
        found = found.annotate_for_agent(agent)
    conversation = found.filter(pk=pk).first()
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
            return AccessLostError(_("This conversation is closed; you were only asked into it."))
        return AccessLostError(_("You are no longer in this conversation."))
    if ConversationEvent.objects.filter(conversation=conversation, actor__agent=agent).exists():
        return AccessLostError(_("This conversation is in a queue now whose conversations you do not see."))
    return None


def _merged_conversation_error(user: User, pk: int) -> AccessLostError | None:
    """What has become of a conversation that is no longer there, for those who see the one it was joined to."""
    for joined in (
        ContactMerge.objects.filter(undone_at=None)
        .exclude(merged_conversations=[])
        .values_list("merged_conversations", flat=True)[:500]
    ):
        kept = next((record["kept"] for record in joined if record["gone"]["pk"] == pk), None)
        if kept is not None and conversations_visible_to(user).filter(pk=kept).exists():
            return AccessLostError(_("This conversation was joined to another one of the same customer."))
    return None


def get_message_or_404(user: User | AnonymousUser, pk: int) -> Message:
    """The message, if this person may see its conversation; else Http404."""
    found = Message.objects.filter(pk=pk, conversation__in=conversations_visible_to(user))
    message = found.select_related("author", "quoted", "conversation__contact").first()
    if message is None:
        raise Http404("No such message.")
    return message


def get_visible_message(agent: Agent, found: QuerySet[Message]) -> Message | None:
    """The first of these messages that the agent may see, with its conversation as `conversation_for` finds it.

    In one question; None where there is none.
    """
    visible = found.filter(conversation__in=conversations_visible_to(agent.user).order_by().values("pk"))
    whole = visible.select_related(*(f"conversation__{name}" for name in PAGE_RELATIONS))
    added = agent_annotations(agent, "conversation")
    message = whole.annotate(**added).first()
    if message is not None:
        for name in added:
            setattr(message.conversation, name, getattr(message, name))
    return message


def get_attachment_or_404(user: User | AnonymousUser, pk: int) -> Attachment:
    """The file, if this person may see its conversation; else Http404."""
    found = Attachment.objects.filter(pk=pk, message__conversation__in=conversations_visible_to(user))
    attachment = found.select_related("message").first()
    if attachment is None:
        raise Http404("No such file.")
    return attachment


def can_reply(agent: Agent | None, conversation: Conversation) -> bool:
    """Only the agent who has the conversation answers in it, while it is active or in wrap-up."""
    has_it = agent is not None and conversation.agent_id == agent.pk
    return has_it and conversation.state in {State.ACTIVE, State.WRAP_UP}


def can_manage(user: User, conversation: Conversation) -> bool:
    """The agent who has the conversation, and those who see every conversation, decide about it and its customer."""
    if not user.is_active:
        return False
    agent = agent_for_user(user)
    return user.has_perm(SEE_ALL_PERMISSION) or (agent is not None and conversation.agent_id == agent.pk)


def can_block(user: User, conversation: Conversation) -> bool:
    """Whether this person may block the conversation's customer, and unblock them."""
    return can_manage(user, conversation)


def can_lift_opt_out(user: User, conversation: Conversation) -> bool:
    """Whether this person may note that the customer, who had opted out by a word, agreed to our messages again."""
    return can_manage(user, conversation)


def get_contact_or_404(user: User | AnonymousUser, pk: int) -> Contact:
    """The contact, if this person may see a conversation with them; else Http404."""
    found = Contact.objects.filter(pk=pk, pk__in=conversations_visible_to(user).order_by().values("contact")).first()
    if found is None:
        raise Http404("No such contact.")
    return found


def sender_numbers_for(user: User | AnonymousUser) -> QuerySet[WhatsAppNumber]:
    """The numbers whose new conversations this person would see, had they begun them."""
    numbers = WhatsAppNumber.objects.filter(is_active=True, account__is_active=True).select_related("account")
    agent = agent_for_user(user) if isinstance(user, User) else None
    if agent is None:
        return numbers.none()
    if agent.user.has_perm(SEE_ALL_PERMISSION):
        return numbers
    queues = Queue.objects.for_agent(agent)
    # Without a fallback queue they come into the default one, in which everybody works.
    return numbers.filter(Q(work_stream__fallback_queue=None) | Q(work_stream__fallback_queue__in=queues))


def can_see_all_conversations(user: User, *contacts: Contact) -> bool:
    """Whether this person sees every conversation these customers ever had; who sees all sees those of anybody."""
    if not user.is_active:
        return False
    if user.has_perm(SEE_ALL_PERMISSION):
        return True
    theirs = Conversation.objects.filter(contact__in=contacts).order_by()
    return not theirs.exclude(pk__in=conversations_visible_to(user).order_by().values("pk")).exists()


def fully_visible_contacts(user: User) -> QuerySet[Contact]:
    """The customers of whom this person sees every conversation; nobody without any, but for those who see all."""
    if user.is_active and user.has_perm(SEE_ALL_PERMISSION):
        return Contact.objects.all()
    seen = conversations_visible_to(user).order_by()
    hidden = Conversation.objects.order_by().exclude(pk__in=seen.values("pk"))
    return Contact.objects.filter(pk__in=seen.values("contact")).exclude(pk__in=hidden.values("contact"))


def live_topics_for(user: User) -> set[str]:
    """The live topics of everything `conversations_visible_to` shows this person; empty for strangers."""
    agent = agent_for_user(user)
    own = {f"agent:{agent.pk}"} if agent else set()
    if user.is_active and user.has_perm(SEE_ALL_PERMISSION):
        return own | {"all"}
    return (
        own | {f"queue:{pk}" for pk in Queue.objects.for_agent(agent).values_list("pk", flat=True)} if agent else set()
    )
