"""Notify people of replies that fail after their author has closed or left the conversation.

While the author has the conversation, they see the failure in the thread. Afterwards nobody looks there, so the author
gets a notice on the desk; the supervisors get it if the author may no longer work or see the conversation.
"""

from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from omnichannel.conversations.access import agents_with_access, can_supervise, conversations_visible_to
from omnichannel.conversations.live_events import LiveEventKind
from omnichannel.conversations.models import FailedReply, Message, MessageStatus
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


def get_failed_replies(agent: Agent) -> QuerySet[FailedReply]:
    """Return the failed replies that the agent has to see, oldest first: own ones, and for supervisors those of all."""
    is_recipient = Q(agent=agent) | Q(agent=None) if can_supervise(agent) else Q(agent=agent)
    visible = conversations_visible_to(agent.user).order_by().values("pk")
    unseen = FailedReply.objects.filter(is_recipient, seen_at=None, message__status__in=FAILED_STATUSES)
    return unseen.filter(message__conversation__in=visible).select_related(
        "message__conversation__contact", "message__author"
    )


def mark_failed_reply_seen(failed_reply: FailedReply) -> None:
    """Remove the notice of a failed reply from the pages of all who have it."""
    if FailedReply.objects.filter(pk=failed_reply.pk, seen_at=None).update(seen_at=timezone.now()):
        _publish(failed_reply.agent_id)


def notify_supervisors_instead(agent: Agent) -> None:
    """Hand the notices of an agent who may no longer work over to the supervisors."""
    if FailedReply.objects.filter(agent=agent, seen_at=None).update(agent=None):
        _publish(None)


def _publish(agent_id: int | None) -> None:
    topic = ALL_TOPIC if agent_id is None else agent_topic(agent_id)
    publish(LiveEventKind.PRESENCE, agent_id or 0, topics=[topic])
