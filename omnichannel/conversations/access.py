"""Who may see and do what: the only answer to that question.

Pages, search, live events, media, API and exports all start here, and whoever is not known here sees nothing.
"""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, Q, prefetch_related_objects
from django.http import Http404

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Attachment, Conversation, ConversationQuerySet, Message
from routing.models import Agent, Queue, State

WORK = "conversations.work_on_conversations"
SEE_ALL = "conversations.see_all_conversations"


def agent_of(user: User) -> Agent | None:
    """The agent this person works as; None for somebody who does not work at the desk."""
    if not user.is_active or not user.has_perm(WORK):
        return None
    # Kept with the user, so that a request asks once however often it wants to know.
    prefetch_related_objects([user], Prefetch("agent", Agent.objects.select_related("presence", "user")))
    return getattr(user, "agent", None)


def conversations_visible_to(user: User | AnonymousUser) -> ConversationQuerySet:
    """Every conversation for those who may see all; else one's own and those in one's queues; else none."""
    everything = Conversation.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return everything.none()
    if user.has_perm(SEE_ALL):
        return everything
    agent = agent_of(user)
    if agent is None:
        return everything.none()
    return everything.filter(Q(agent=agent) | Q(queue__in=Queue.objects.of(agent)))


def conversation_for(user: User | AnonymousUser, pk: int) -> Conversation:
    """The conversation, if this person may see it; else Http404, the same as for one that does not exist."""
    found = conversations_visible_to(user).for_inbox().select_related("work_stream", "number__account")
    conversation = found.filter(pk=pk).first()
    if conversation is None:
        raise Http404("No such conversation.")
    return conversation


def message_for(user: User | AnonymousUser, pk: int) -> Message:
    """The message, if this person may see its conversation; else Http404."""
    found = Message.objects.filter(pk=pk, conversation__in=conversations_visible_to(user))
    message = found.select_related("author", "quoted", "conversation__contact").first()
    if message is None:
        raise Http404("No such message.")
    return message


def attachment_for(user: User | AnonymousUser, pk: int) -> Attachment:
    """The file, if this person may see its conversation; else Http404."""
    found = Attachment.objects.filter(pk=pk, message__conversation__in=conversations_visible_to(user))
    attachment = found.select_related("message").first()
    if attachment is None:
        raise Http404("No such file.")
    return attachment


def may_answer(agent: Agent | None, conversation: Conversation) -> bool:
    """Only the agent who has the conversation answers in it, while it is active or in wrap-up."""
    has_it = agent is not None and conversation.agent_id == agent.pk
    return has_it and conversation.state in {State.ACTIVE, State.WRAP_UP}


def topics_for(user: User) -> set[str]:
    """The live topics of everything `conversations_visible_to` shows this person; empty for strangers."""
    agent = agent_of(user)
    own = {f"agent:{agent.pk}"} if agent else set()
    if user.is_active and user.has_perm(SEE_ALL):
        return own | {"all"}
    return own | {f"queue:{pk}" for pk in Queue.objects.of(agent).values_list("pk", flat=True)} if agent else set()
