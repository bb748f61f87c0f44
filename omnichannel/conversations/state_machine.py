"""The states of a conversation and the transitions between them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.access import active_agents
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.lanes import request_assignment, request_automated_message
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, MessageTrigger, Offer, OfferOutcome, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import CAPACITY_STATES, Agent, Queue, State

# The cause of each transition, by (from, to). The states are those of Dynamics 365; closed is final.
TRANSITIONS: dict[tuple[State, State], str] = {
    (State.OPEN, State.ACTIVE): "an agent takes it, or it is assigned to one",
    (State.OPEN, State.CLOSED): "it has waited for an agent for too long, or its queue overflows",
    (State.ACTIVE, State.WRAP_UP): "the agent ends it",
    (State.ACTIVE, State.OPEN): "the agent gives it back to the queue, is deactivated, or is disconnected while the"
    " customer waits",
    (State.ACTIVE, State.WAITING): "the agent leaves it until the customer writes, or is disconnected after answering",
    (State.ACTIVE, State.ACTIVE): "the agent transfers it to a colleague",
    (State.ACTIVE, State.CLOSED): "it has been inactive for too long",
    (State.WRAP_UP, State.OPEN): "the agent is deactivated and the customer has written",
    (State.WRAP_UP, State.CLOSED): "the agent closes it or is deactivated, or wrap-up has lasted too long",
    (State.WAITING, State.ACTIVE): "the agent resumes it, or the customer writes and the same agent is there",
    (State.WAITING, State.OPEN): "the customer writes, or the agent is deactivated",
    (State.WAITING, State.CLOSED): "nobody has written for as long as the work stream allows",
}

CLEARED_OFFER: dict[str, Any] = {"offered_to": None, "offer_expires_at": None}
AUTOMATED_MESSAGES = {State.ACTIVE: MessageTrigger.AGENT_ASSIGNED, State.WRAP_UP: MessageTrigger.CONVERSATION_ENDED}
NOT_SNOOZED: tuple[datetime | None, datetime | None] = (None, None)


class TransitionError(Exception):
    """The conversation is in the wrong state, or the user may not do that; the text is for the user."""


def require_agent(conversation: Conversation, agent: Agent) -> None:
    """Raise TransitionError unless the conversation is assigned to this agent."""
    if conversation.agent_id != agent.pk:
        raise TransitionError(gettext("Only the assigned agent can do this."))


def require_all_read(conversation: Conversation) -> None:
    """Raise TransitionError while there are unread messages from the customer.

    Call it in a transaction: it locks the conversation, as storing a received message does, so that a new message is
    either counted here or stored after the commit.
    """
    locked = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    if locked.unread_count:
        raise TransitionError(gettext("The customer sent a new message. Read it first."))


def transition(
    conversation: Conversation,
    to: State,
    *,
    event_text: LocalizedText,
    actor: User | None,
    agent: Agent | None = None,
    queue: Queue | None = None,
    expected_state_since: datetime | None = None,
    snooze_period: tuple[datetime | None, datetime | None] = NOT_SNOOZED,
) -> None:
    """Move a conversation to another state, record it in the timeline and publish it.

    Args:
        event_text: Text of the timeline event.
        actor: The user who did it; None for the system.
        agent: The agent to whom the conversation is assigned afterwards.
        queue: The queue it is in afterwards; its own by default.
        expected_state_since: Move it only if it has been in its state since this time.
        snooze_period: Start and end of the snooze; an end of None lasts until the customer writes.

    Raises:
        TransitionError: There is no such transition, or somebody else has changed the conversation.
    """
    before, now = State(conversation.state), timezone.now()
    agent_before, queue_before = conversation.agent_id, conversation.queue_id
    _require_transition(before, to)
    changes = _state_changes(conversation, to, queue=queue, is_manual=actor is not None, at=now)
    changes |= {"agent": agent, "snoozed_at": snooze_period[0], "snoozed_until": snooze_period[1]}
    with transaction.atomic():
        _update_if_unchanged(conversation, changes, expected_state_since=expected_state_since)
        former_participants = _end_participations(conversation, agent, at=now)
        timeline.record(conversation, TimelineEventKind(to.value), event_text, actor=actor)
        if trigger := AUTOMATED_MESSAGES.get(to):
            request_automated_message(conversation, trigger)
        offered_to = _close_pending_offer(conversation, at=now) if before == State.OPEN else None
        schedule_load_refresh(agent_before, conversation.agent_id, offered_to)
        if to == State.OPEN or before in CAPACITY_STATES or offered_to not in {None, conversation.agent_id}:
            request_assignment()
        publish_event(
            LiveEventKind.CONVERSATION,
            conversation,
            extra_agent_ids=[agent_before, offered_to, *former_participants],
            extra_queue_ids=[queue_before],
        )


def _require_transition(before: State, to: State) -> None:
    if (before, to) not in TRANSITIONS:
        raise TransitionError(
            gettext("This is not possible while the conversation is %(label)s.") % {"label": before.label}
        )


def _state_changes(
    conversation: Conversation, to: State, *, queue: Queue | None, is_manual: bool, at: datetime
) -> dict[str, Any]:
    """Return the field values that follow from the new state."""
    changes: dict[str, Any] = {
        **CLEARED_OFFER,
        "state": to,
        "state_since": at,
        "closed_at": at if to == State.CLOSED else None,
        "is_placed_by_hand": conversation.is_placed_by_hand or is_manual,
    }
    if to == State.OPEN:
        changes |= {"queued_at": at, "queue": queue or conversation.queue}
        if conversation.state == State.ACTIVE:
            changes |= {
                "released_by_id": conversation.agent_id,
                "released_at": at,
                "is_released_by_disconnect": not is_manual,
            }
    return changes


def _update_if_unchanged(
    conversation: Conversation, changes: dict[str, Any], *, expected_state_since: datetime | None
) -> None:
    """Update the conversation; raise TransitionError if somebody else has changed its state or agent."""
    unchanged = Conversation.objects.filter(pk=conversation.pk, state=conversation.state, agent=conversation.agent_id)
    if expected_state_since is not None:
        unchanged = unchanged.filter(state_since=expected_state_since)
    if not unchanged.update(**changes):
        raise TransitionError(gettext("Someone else has changed this conversation."))
    for name, value in changes.items():
        setattr(conversation, name, value)


def _close_pending_offer(conversation: Conversation, *, at: datetime) -> int | None:
    """Accept the pending offer if its agent has the conversation, else withdraw it; return that agent."""
    pending = Offer.objects.filter(conversation=conversation, outcome=OfferOutcome.PENDING).first()
    if pending is None:
        return None
    is_accepted = pending.agent_id == conversation.agent_id
    pending.outcome = OfferOutcome.ACCEPTED if is_accepted else OfferOutcome.WITHDRAWN
    pending.decided_at = at
    pending.save(update_fields=["outcome", "decided_at"])
    return pending.agent_id


def _end_participations(conversation: Conversation, agent: Agent | None, *, at: datetime) -> list[int]:
    """End the participation of the new agent, and of everybody when it is closed; return their ids."""
    participations = conversation.participations.filter(left_at=None)
    if conversation.state != State.CLOSED:
        participations = participations.filter(agent=agent)
    agent_ids = list(participations.values_list("agent_id", flat=True))
    if agent_ids:
        participations.update(left_at=at)
    return agent_ids


def requeue(conversation: Conversation, queue: Queue, *, event_text: LocalizedText, actor: User | None) -> None:
    """Move an open conversation to another queue.

    Its waiting time starts again; its required skills stay.

    Raises:
        TransitionError: It is no longer open, or somebody else has moved it.
    """
    now, queue_before, offered_to = timezone.now(), conversation.queue_id, conversation.offered_to_id
    with transaction.atomic():
        still_open = Conversation.objects.filter(pk=conversation.pk, state=State.OPEN, queue=queue_before)
        is_placed_by_hand = conversation.is_placed_by_hand or actor is not None
        changes = {**CLEARED_OFFER, "queue": queue, "queued_at": now, "is_placed_by_hand": is_placed_by_hand}
        if not still_open.update(**changes):
            raise TransitionError(gettext("Someone else has changed this conversation."))
        pending = conversation.offers.filter(outcome=OfferOutcome.PENDING)
        pending.update(outcome=OfferOutcome.WITHDRAWN, decided_at=now)
        for name, value in changes.items():
            setattr(conversation, name, value)
        timeline.record(conversation, TimelineEventKind.QUEUED, event_text, actor=actor)
        request_assignment()
        schedule_load_refresh(offered_to)
        publish_event(
            LiveEventKind.CONVERSATION, conversation, extra_agent_ids=[offered_to], extra_queue_ids=[queue_before]
        )


def resume_on_customer_message(conversation: Conversation) -> None:
    """Reactivate a waiting conversation after a message from the customer.

    It returns to its agent if the work stream keeps the same agent and they are present and may still work at the
    desk; else it becomes open.
    """
    if conversation.state != State.WAITING:
        return
    agent, stream = conversation.agent, conversation.work_stream
    is_present = agent and agent.presence.base_status in stream.allowed_presences
    if agent and is_present and stream.keep_same_agent and active_agents().filter(pk=agent.pk).exists():
        text = localized("The customer replied. Back with %(agent)s.", agent=agent)
        transition(conversation, State.ACTIVE, agent=agent, actor=None, event_text=text)
    else:
        text = localized("The customer replied. Waiting in %(queue)s.", queue=conversation.queue)
        transition(conversation, State.OPEN, agent=None, actor=None, event_text=text)
