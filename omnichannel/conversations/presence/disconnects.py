"""What becomes of an agent's active conversations when the agent is gone and does not come back in time.

Who sends no sign of life and is Offline is gone; a reload or a short break never is. Where the customer waits for an
answer, the conversation goes back to its queue; where the agent answered last, it waits for the customer and bothers
nobody. Wrap-up stays: the customer has been served.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import (
    Conversation,
    ConversationQuerySet,
    Message,
    MessageDirection,
    MessageStatus,
)
from omnichannel.conversations.state_machine import TransitionError, transition
from omnichannel.core.localized_text import LocalizedText, localized, localized_plural
from omnichannel.jobs.lanes import Lease, enqueue
from routing.models import Agent, BasePresence, State

BATCH_SIZE = 100
MINUTES_PER_HOUR, MINUTES_PER_DAY = 60, 24 * 60  # minutes


def schedule_disconnect_check(agent: Agent, now: datetime | None = None) -> None:
    """The agent has gone Offline: when the shortest of their work streams' times is over, a worker looks again."""
    times = _active_conversations(agent.pk).values_list("work_stream__return_after_disconnect", flat=True)
    if waits := [time for time in times if time is not None]:
        enqueue(LaneKind.DISCONNECT, agent.pk, at=(now or timezone.now()) + min(waits))


def run_disconnect_lane(lease: Lease) -> datetime | None:
    """The lane's work, by the agent's key: pass on what is due; when to look again, if more will be."""
    return release_overdue_conversations(lease.key, timezone.now())


def release_overdue_conversations(agent_id: int, now: datetime) -> datetime | None:
    """Pass on those of the agent's active conversations whose time is over; the moment when the next one's will be."""
    gone_since = _offline_since(agent_id)
    if gone_since is None:
        return None
    later = []
    for conversation in _active_conversations(agent_id).select_related("work_stream")[:BATCH_SIZE]:
        due = _release_due_at(conversation, gone_since)
        if due <= now:
            _release_if_due(conversation.pk, agent_id)
        else:
            later.append(due)
    return min(later, default=None)


def enqueue_missed_disconnects(now: datetime | None = None) -> None:
    """A rare net: for who has been gone for longer than their work streams allow, whatever moment was missed."""
    at = now or timezone.now()
    gone = Q(agent__presence__base_status=BasePresence.OFFLINE, agent__last_seen_at__isnull=False)
    kept = Conversation.objects.filter(gone, state=State.ACTIVE).order_by()
    due = kept.annotate(
        seen_due=F("agent__last_seen_at") + F("work_stream__return_after_disconnect"),
        state_due=F("state_since") + F("work_stream__return_after_disconnect"),
    ).filter(seen_due__lte=at, state_due__lte=at)
    for agent_id in set(due.values_list("agent", flat=True)[:BATCH_SIZE]):
        enqueue(LaneKind.DISCONNECT, agent_id)


def _active_conversations(agent_id: int) -> ConversationQuerySet:
    of_agent = Conversation.objects.filter(agent=agent_id, state=State.ACTIVE)
    return of_agent.exclude(work_stream__return_after_disconnect=None).order_by("pk")


def _offline_since(agent_id: int) -> datetime | None:
    """When the agent was last seen; None for somebody who is there, or has never had a page."""
    gone = Agent.objects.filter(pk=agent_id, presence__base_status=BasePresence.OFFLINE)
    return gone.values_list("last_seen_at", flat=True).first()


def _release_due_at(conversation: Conversation, gone_since: datetime) -> datetime:
    allowed = conversation.work_stream.return_after_disconnect or timedelta.max
    return max(gone_since, conversation.state_since) + allowed


def _release_if_due(conversation_id: int, agent_id: int) -> None:
    with transaction.atomic():
        # The conversation's own lock: a message that is being filed, or an answer, is counted or comes afterwards.
        locked = Conversation.objects.select_for_update(of=("self",), no_key=True).filter(pk=conversation_id)
        conversation = locked.select_related("agent__user", "queue", "work_stream", "contact").first()
        still_theirs = conversation and conversation.agent_id == agent_id and conversation.state == State.ACTIVE
        gone_since = _offline_since(agent_id)  # asked again: they may have come back a moment ago
        if conversation is None or not still_theirs or gone_since is None:
            return
        if _release_due_at(conversation, gone_since) > timezone.now():
            return
        try:
            _release(conversation)
        except TransitionError:  # somebody else has changed it in the meantime
            return


def _release(conversation: Conversation) -> None:
    agent, stream = conversation.agent, conversation.work_stream
    if agent is None or stream.return_after_disconnect is None:
        return
    why = localized(
        "%(agent)s did not come back within %(time)s", agent=agent, time=duration_text(stream.return_after_disconnect)
    )
    if is_customer_waiting(conversation):
        line = localized("%(why)s: waiting in %(queue)s for another agent.", why=why, queue=conversation.queue)
        transition(conversation, State.OPEN, agent=None, actor=None, event_text=line)
    else:
        line = localized("%(why)s: waiting for the customer.", why=why)
        transition(conversation, State.WAITING, agent=agent, actor=None, event_text=line)


def is_customer_waiting(conversation: Conversation) -> bool:
    """Whether the customer is waiting for an answer: what they wrote is unread, or no colleague has answered it since.

    What the desk says by itself is no answer, nor is what could not be delivered.
    """
    if conversation.unread_count:
        return True
    answers = Q(direction=MessageDirection.OUTBOUND, author__isnull=False) & ~Q(
        status__in=(MessageStatus.FAILED, MessageStatus.UNDELIVERED)
    )
    said = Message.objects.filter(Q(direction=MessageDirection.INBOUND) | answers, conversation=conversation)
    last = said.order_by("-created_at", "-pk").values_list("direction", flat=True).first()
    return last == MessageDirection.INBOUND


def duration_text(time: timedelta) -> LocalizedText:
    """15 minutes, 2 hours, 1 day."""
    minutes = int(time.total_seconds() // 60)
    if minutes >= MINUTES_PER_DAY and minutes % MINUTES_PER_DAY == 0:
        return localized_plural("%(count)s day", "%(count)s days", minutes // MINUTES_PER_DAY)
    if minutes >= MINUTES_PER_HOUR and minutes % MINUTES_PER_HOUR == 0:
        return localized_plural("%(count)s hour", "%(count)s hours", minutes // MINUTES_PER_HOUR)
    return localized_plural("%(count)s minute", "%(count)s minutes", minutes)
