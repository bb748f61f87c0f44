"""End and close conversations, by hand and when they have stood still for too long.

The times are the documented product's for asynchronous channels, counted as time in the same state.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from omnichannel.conversations.models import Conversation, ConversationQuerySet
from omnichannel.conversations.states import TransitionRefused, move, must_have
from routing.models import Agent, State

logger = logging.getLogger(__name__)

STALE_AFTER: dict[State, tuple[timedelta, str]] = {
    State.OPEN: (timedelta(days=30), "Closed: nobody took it for 30 days."),
    State.ACTIVE: (timedelta(days=30), "Closed: it stood still for 30 days."),
    State.WRAP_UP: (timedelta(days=1), "Closed: wrap-up lasted longer than a day."),
}
CLOSED_AT_ONCE = 500


def end(conversation: Conversation, agent: Agent) -> None:
    """The conversation with the customer is over; the agent finishes up."""
    must_have(conversation, agent)
    move(conversation, State.WRAP_UP, agent=agent, by=agent.user, text=f"{agent} ended the conversation.")


def close(conversation: Conversation, agent: Agent) -> None:
    """Close for good. A new message from the customer starts a new conversation.

    Raises TransitionRefused while there is a message from the customer that the agent has not seen.
    """
    must_have(conversation, agent)
    if conversation.state != State.WRAP_UP:
        raise TransitionRefused("End the conversation before you close it.")
    with transaction.atomic():
        # A message that is being filed holds this lock too: it is seen here, or it starts a new conversation.
        now = Conversation.objects.select_for_update(of=("self",)).get(pk=conversation.pk)
        if now.unread_count:
            raise TransitionRefused("The customer has written in the meantime. Read it before you close.")
        move(conversation, State.CLOSED, agent=agent, by=agent.user, text=f"{agent} closed the conversation.")


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
        for conversation in _first(Conversation.objects.filter(state=state, state_since__lt=at - age))
    ]


def _inactive(at: datetime) -> list[tuple[Conversation, str]]:
    """Waiting conversations in which neither side has written for their work stream's time."""
    waiting = Conversation.objects.filter(state=State.WAITING).annotate(
        closes_at=F("state_since") + F("work_stream__auto_close_after")
    )
    idle = _first(waiting.filter(closes_at__lt=at).select_related("work_stream"))
    return [
        (conversation, "Closed: nobody wrote for the time the work stream allows.")
        for conversation in idle
        if conversation.last_activity_at + conversation.work_stream.auto_close_after < at
    ]


def _first(conversations: ConversationQuerySet) -> ConversationQuerySet:
    return conversations.select_related("agent").order_by("state_since")[:CLOSED_AT_ONCE]
