"""End and close conversations, by hand and when they have stood still for too long.

The times are the documented product's for asynchronous channels, counted as time in the same state.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.conversations.access import may_supervise
from omnichannel.conversations.models import Conversation, ConversationQuerySet
from omnichannel.conversations.states import TransitionRefused, move, must_be_read, must_have
from routing.models import Agent, State

logger = logging.getLogger(__name__)

STALE_AFTER: dict[State, tuple[timedelta, str]] = {
    State.OPEN: (timedelta(days=30), "Closed: nobody took it for 30 days."),
    State.ACTIVE: (timedelta(days=30), "Closed: nobody wrote for 30 days."),
    State.WRAP_UP: (timedelta(days=1), "Closed: wrap-up lasted longer than a day."),
}
CLOSED_AT_ONCE = 500


def end(conversation: Conversation, agent: Agent) -> None:
    """The conversation with the customer is over; the agent finishes up."""
    must_have(conversation, agent)
    move(conversation, State.WRAP_UP, agent=agent, by=agent.user, text=f"{agent} ended the conversation.")


def close(conversation: Conversation, agent: Agent, *, came_to: str = "") -> None:
    """Close for good. A new message from the customer starts a new conversation. `came_to` is its codes in words.

    Raises TransitionRefused while there is a message from the customer that the agent has not seen.
    """
    must_be_theirs_to_close(conversation, agent)
    if conversation.state != State.WRAP_UP:
        raise TransitionRefused(gettext("End the conversation before you close it."))
    with transaction.atomic():
        must_be_read(conversation)
        text = f"{agent} closed the conversation{': ' if came_to else ''}{came_to}."
        move(conversation, State.CLOSED, agent=conversation.agent, by=agent.user, text=text)


def must_be_theirs_to_close(conversation: Conversation, agent: Agent) -> None:
    """Raises TransitionRefused unless the agent has it; a supervisor closes what a colleague wraps up, too."""
    if conversation.state != State.WRAP_UP or not may_supervise(agent):
        must_have(conversation, agent)


def close_stale(now: datetime | None = None) -> int:
    """Close what has waited or stood still for too long; returns how many were closed."""
    at = now or timezone.now()
    closed = 0
    for conversation, text in [*_stale(at), *_inactive(at)]:
        try:
            move(
                conversation,
                State.CLOSED,
                agent=conversation.agent,
                by=None,
                text=text,
                only_if=conversation.state_since,
            )
            closed += 1
        except TransitionRefused:
            logger.info("Conversation %s moved on before it was closed.", conversation.pk)
    return closed


def _stale(at: datetime) -> list[tuple[Conversation, str]]:
    return [
        (conversation, text)
        for state, (age, text) in STALE_AFTER.items()
        for conversation in _first(_nobody_waits().filter(state=state, state_since__lt=at - age))
        if state != State.ACTIVE or conversation.last_activity_at < at - age
    ]


def _nobody_waits() -> ConversationQuerySet:
    """What an agent has is never closed over a message they have not seen; what nobody took has nothing but such."""
    return Conversation.objects.filter(Q(unread_count=0) | Q(state=State.OPEN))


def _inactive(at: datetime) -> list[tuple[Conversation, str]]:
    """Waiting conversations in which neither side has written for their work stream's time; none that is snoozed."""
    waiting = (
        _nobody_waits()
        .filter(Q(snoozed_until=None) | Q(last_activity_at__gte=F("snoozed_until")), state=State.WAITING)
        .annotate(closes_at=F("state_since") + F("work_stream__auto_close_after"))
    )
    idle = _first(waiting.filter(closes_at__lt=at).select_related("work_stream"))
    return [
        (conversation, "Closed: nobody wrote for the time the work stream allows.")
        for conversation in idle
        if conversation.last_activity_at + conversation.work_stream.auto_close_after < at
    ]


def _first(conversations: ConversationQuerySet) -> ConversationQuerySet:
    return conversations.select_related("agent").order_by("state_since")[:CLOSED_AT_ONCE]
