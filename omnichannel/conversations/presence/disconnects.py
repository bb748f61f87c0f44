"""Release an agent's active conversations when the agent is disconnected and does not return in time.

An agent is disconnected when they are Offline without open pages; a reload or a short break does not count. If the
customer is waiting for an answer, the conversation returns to its queue; if the agent answered last, it moves to
Waiting. Conversations in wrap-up stay: the customer has been served.
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
    """Schedule a check of an agent who went Offline, after their shortest `return_after_disconnect`."""
    periods = _active_conversations(agent.pk).values_list("work_stream__return_after_disconnect", flat=True)
    if set_periods := [period for period in periods if period is not None]:
        enqueue(LaneKind.DISCONNECT, agent.pk, at=(now or timezone.now()) + min(set_periods))


def run_disconnect_lane(lease: Lease) -> datetime | None:
    """Release the overdue conversations of this lane's agent; return the time of the next run."""
    return release_overdue_conversations(lease.key, timezone.now())


def release_overdue_conversations(agent_id: int, now: datetime) -> datetime | None:
    """Release the active conversations of a disconnected agent that are due.

    Returns:
        Time when the next conversation is due; None if there is none or the agent is back.
    """
    offline_since = _offline_since(agent_id)
    if offline_since is None:
        return None
    future_times = []
    for conversation in _active_conversations(agent_id).select_related("work_stream")[:BATCH_SIZE]:
        due_at = _release_due_at(conversation, offline_since)
        if due_at <= now:
            _release_if_due(conversation.pk, agent_id)
        else:
            future_times.append(due_at)
    return min(future_times, default=None)


def enqueue_missed_disconnects(now: datetime | None = None) -> None:
    """Schedule a check of agents with overdue conversations: a safety net for missed wake-ups."""
    at = now or timezone.now()
    is_disconnected = Q(agent__presence__base_status=BasePresence.OFFLINE, agent__last_seen_at__isnull=False)
    active = Conversation.objects.unclosed().filter(is_disconnected, state=State.ACTIVE).order_by()
    due = active.annotate(
        seen_due=F("agent__last_seen_at") + F("work_stream__return_after_disconnect"),
        state_due=F("state_since") + F("work_stream__return_after_disconnect"),
    ).filter(seen_due__lte=at, state_due__lte=at)
    for agent_id in set(due.values_list("agent", flat=True)[:BATCH_SIZE]):
        enqueue(LaneKind.DISCONNECT, agent_id)


def _active_conversations(agent_id: int) -> ConversationQuerySet:
    active = Conversation.objects.unclosed().filter(agent=agent_id, state=State.ACTIVE)
    return active.exclude(work_stream__return_after_disconnect=None).order_by("pk")


def _offline_since(agent_id: int) -> datetime | None:
    """Return when an Offline agent was last seen; None for agents who are present or never had a page."""
    offline = Agent.objects.filter(pk=agent_id, presence__base_status=BasePresence.OFFLINE)
    return offline.values_list("last_seen_at", flat=True).first()


def _release_due_at(conversation: Conversation, offline_since: datetime) -> datetime:
    period = conversation.work_stream.return_after_disconnect or timedelta.max
    return max(offline_since, conversation.state_since) + period


def _release_if_due(conversation_id: int, agent_id: int) -> None:
    with transaction.atomic():
        # Storing a message takes the same lock, so a concurrent one is either seen here or stored after the commit.
        locked = Conversation.objects.select_for_update(of=("self",), no_key=True).filter(pk=conversation_id)
        conversation = locked.select_related("agent__user", "queue", "work_stream", "contact").first()
        is_unchanged = conversation and conversation.agent_id == agent_id and conversation.state == State.ACTIVE
        offline_since = _offline_since(agent_id)  # queried again, because the agent may have come back by now
        if conversation is None or not is_unchanged or offline_since is None:
            return
        if _release_due_at(conversation, offline_since) > timezone.now():
            return
        try:
            _release(conversation)
        except TransitionError:  # changed concurrently
            return


def _release(conversation: Conversation) -> None:
    agent, stream = conversation.agent, conversation.work_stream
    if agent is None or stream.return_after_disconnect is None:
        return
    reason = localized(
        "%(agent)s did not reconnect within %(time)s", agent=agent, time=duration_text(stream.return_after_disconnect)
    )
    if is_customer_waiting(conversation):
        text = localized("%(why)s. Waiting in %(queue)s for another agent.", why=reason, queue=conversation.queue)
        transition(conversation, State.OPEN, agent=None, actor=None, event_text=text)
    else:
        text = localized("%(why)s. Waiting for the customer.", why=reason)
        transition(conversation, State.WAITING, agent=agent, actor=None, event_text=text)


def is_customer_waiting(conversation: Conversation) -> bool:
    """Return whether the customer is waiting for an answer.

    They are if messages are unread, or no agent has answered since the last one. Automated messages and messages that
    could not be delivered are no answers.
    """
    if conversation.unread_count:
        return True
    answers = Q(direction=MessageDirection.OUTBOUND, author__isnull=False) & ~Q(
        status__in=(MessageStatus.FAILED, MessageStatus.UNDELIVERED)
    )
    messages = Message.objects.filter(Q(direction=MessageDirection.INBOUND) | answers, conversation=conversation)
    last_direction = messages.order_by("-created_at", "-pk").values_list("direction", flat=True).first()
    return last_direction == MessageDirection.INBOUND


def duration_text(duration: timedelta) -> LocalizedText:
    """Return a duration in its largest whole unit: "15 minutes", "2 hours", "1 day"."""
    minutes = int(duration.total_seconds() // 60)
    if minutes >= MINUTES_PER_DAY and minutes % MINUTES_PER_DAY == 0:
        return localized_plural("%(count)s day", "%(count)s days", minutes // MINUTES_PER_DAY)
    if minutes >= MINUTES_PER_HOUR and minutes % MINUTES_PER_HOUR == 0:
        return localized_plural("%(count)s hour", "%(count)s hours", minutes // MINUTES_PER_HOUR)
    return localized_plural("%(count)s minute", "%(count)s minutes", minutes)
