"""An agent accepts what is offered, rejects it, or lets its time run out."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.distribution import look_for_agents
from omnichannel.conversations.hints import CONVERSATION, tell
from omnichannel.conversations.models import Conversation, Offer, OfferOutcome
from omnichannel.conversations.presence import load_changed
from omnichannel.conversations.states import TransitionRefused, move, note
from routing.models import Agent, BasePresence, State
from routing.presence import built_in, show

GONE = "This conversation is not offered to you any more."
NOT_THERE = (BasePresence.AWAY, BasePresence.INACTIVE, BasePresence.OFFLINE)


def accept(conversation: Conversation, agent: Agent) -> None:
    """The agent takes what was offered to them. Raises TransitionRefused when the offer has gone."""
    with transaction.atomic():
        _held(conversation, agent)
        move(conversation, State.ACTIVE, agent=agent, by=agent.user, text=f"{agent} accepted the conversation.")


def reject(conversation: Conversation, agent: Agent) -> None:
    """The agent does not want it: it waits for another. Raises TransitionRefused when the offer has gone."""
    with transaction.atomic():
        held = _held(conversation, agent)
        _end(held, OfferOutcome.REJECTED, f"{agent} rejected the conversation.", by=agent.user)


def expire(now: datetime | None = None) -> int:
    """End the offers whose time is over, and those of agents who have gone; how many."""
    at, ended = now or timezone.now(), 0
    pending = Conversation.objects.filter(offered_to__isnull=False).order_by("offer_expires_at", "pk")
    for conversation in pending.select_related("offered_to__presence", "work_stream"):
        agent, ends = conversation.offered_to, conversation.offer_expires_at
        if agent is None or ends is None:
            continue
        if ends <= at:
            ended += _miss(conversation, agent, ends)
        elif agent.presence.base_status in NOT_THERE:
            ended += _withdraw(conversation, agent)
    return ended


def _miss(conversation: Conversation, agent: Agent, ends: datetime) -> bool:
    """The time is over: the agent is passed over and, where the work stream says so, shown as Inactive."""
    with transaction.atomic():
        held = _lock(conversation)
        if held is None or held.offered_to_id != agent.pk or held.offer_expires_at != ends:
            return False
        if conversation.work_stream.inactive_after_missed_offer:
            show(agent, built_in(BasePresence.INACTIVE), by_hand=False)
        _end(held, OfferOutcome.TIMED_OUT, f"{agent} did not answer in time.", by=None)
        return True


def _withdraw(conversation: Conversation, agent: Agent) -> bool:
    with transaction.atomic():
        held = _lock(conversation)
        if held is None or held.offered_to_id != agent.pk:
            return False
        _end(held, OfferOutcome.WITHDRAWN, f"No longer offered to {agent}: {agent.presence}.", by=None)
        return True


def _held(conversation: Conversation, agent: Agent) -> Conversation:
    """The conversation, locked and still offered to this agent; else TransitionRefused."""
    held = _lock(conversation)
    if held is None or held.offered_to_id != agent.pk:
        raise TransitionRefused(GONE)
    return held


def _lock(conversation: Conversation) -> Conversation | None:
    return (
        Conversation.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=conversation.pk, state=State.OPEN)
        .first()
    )


def _end(held: Conversation, outcome: OfferOutcome, text: str, *, by: User | None) -> None:
    """Back to its queue, where it keeps its place. The caller holds the conversation."""
    agent_id = held.offered_to_id
    held.offered_to = held.offer_expires_at = None
    held.save(update_fields=["offered_to", "offer_expires_at"])
    Offer.objects.filter(conversation=held, outcome=OfferOutcome.PENDING).update(
        outcome=outcome, decided_at=timezone.now()
    )
    note(held, outcome.value, text, by=by)
    look_for_agents()
    load_changed(agent_id)
    tell(CONVERSATION, held, also_agents=[agent_id])
