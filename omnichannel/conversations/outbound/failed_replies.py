"""Notify people of replies that fail after their author has closed or left the conversation.

While the author has the conversation, they see the failure in the thread, and the dialog that closes it names failures
that nobody has reacted to. Afterwards nobody looks there, so the author gets a notice on the desk; the supervisors get
it if the author may no longer work or see the conversation.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from omnichannel.conversations.access import (
    agents_with_access,
    can_supervise,
    conversations_visible_to,
    has_lost_access,
)
from omnichannel.conversations.live_events import LiveEventKind
from omnichannel.conversations.models import Conversation, FailedReply, Message, MessageStatus
from omnichannel.events.publish import publish
from omnichannel.live.topics import ALL_TOPIC, agent_topic
from routing.models import CAPACITY_STATES, Agent

MAX_NOTICES: Final = 3  # shown at a time; the others follow
FAILED_STATUSES: Final = (MessageStatus.FAILED, MessageStatus.UNDELIVERED)


def record_failed_reply(message: Message) -> None:
    """Record that a message has failed, if it is a reply whose author no longer has the conversation.

    Call it late in the transaction, directly before the live event: it publishes one too.
    """
    failed = Message.objects.filter(pk=message.pk, status__in=FAILED_STATUSES, author__isnull=False)
    reply = failed.select_related("conversation__queue").first()
    if reply is None:
        return
    author = Agent.objects.filter(user=reply.author_id).first()
    conversation = reply.conversation
    if author and conversation.agent_id == author.pk and conversation.state in CAPACITY_STATES:
        return
    has_access = author is not None and agents_with_access(conversation).filter(pk=author.pk).exists()
    recipient = author if has_access else None
    _, is_new = FailedReply.objects.get_or_create(message=reply, defaults={"agent": recipient})
    if is_new:
        _publish(recipient.pk if recipient else None)


def get_unseen_failures(conversations: Collection[Conversation]) -> QuerySet[Message]:
    """Return the failed replies in these conversations after whose failure nobody wrote again, oldest first.

    Whoever writes, or sends the reply again, has the failure in front of them.
    """
    later = Message.objects.filter(
        conversation=OuterRef("conversation"), author__isnull=False, created_at__gt=OuterRef("updated_at")
    )
    failed = Message.objects.filter(conversation__in=conversations, status__in=FAILED_STATUSES, author__isnull=False)
    return failed.filter(~Exists(later), failed_reply__seen_at=None).order_by("created_at", "pk")


def record_unseen_failures(conversation: Conversation, *, since: datetime) -> None:
    """Record the replies that failed since this time in a conversation that was closed without a person."""
    for message in get_unseen_failures([conversation]).filter(updated_at__gte=since):
        record_failed_reply(message)


def get_failed_replies(agent: Agent) -> QuerySet[FailedReply]:
    """Return the failed replies that the agent has to see, oldest first.

    These are the agent's own ones, and for supervisors those whose author can't see the conversation any more.
    """
    is_recipient = Q(agent=agent)
    if can_supervise(agent):
        is_recipient |= Q(agent=None) | has_lost_access("agent", "message__conversation")
    visible = conversations_visible_to(agent.user).order_by().values("pk")
    unseen = FailedReply.objects.filter(is_recipient, seen_at=None, message__status__in=FAILED_STATUSES)
    return unseen.filter(message__conversation__in=visible).select_related(
        "message__conversation__contact", "message__author"
    )


def mark_failed_reply_seen(failed_reply: FailedReply, *, by: Agent) -> None:
    """Remove the notice of a failed reply from the pages of all who have it."""
    if FailedReply.objects.filter(pk=failed_reply.pk, seen_at=None).update(seen_at=timezone.now()):
        _publish(by.pk if failed_reply.agent_id == by.pk else None)


def notify_supervisors_instead(agent: Agent) -> None:
    """Hand the notices of an agent who may no longer work over to the supervisors."""
    if FailedReply.objects.filter(agent=agent, seen_at=None).update(agent=None):
        _publish(None)


def _publish(agent_id: int | None) -> None:
    topic = ALL_TOPIC if agent_id is None else agent_topic(agent_id)
    publish(LiveEventKind.PRESENCE, agent_id or 0, topics=[topic])
