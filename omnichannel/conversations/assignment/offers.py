"""Accept, reject and expire offers of conversations to agents."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.assignment.dispatch import RETRY_DELAY, offer_ending_presences
from omnichannel.conversations.lanes import request_assignment, request_offer_check
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, Offer, OfferOutcome, TimelineEventKind
from omnichannel.conversations.state_machine import TransitionError, transition
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.jobs.lanes import Lease
from routing.models import Agent, BasePresence, State
from routing.presence import get_built_in_presence, set_presence

logger = logging.getLogger(__name__)

OFFER_GONE = gettext_noop("This conversation is no longer offered to you.")


def accept_offer(conversation: Conversation, agent: Agent) -> None:
    """Accept the offer of a conversation to the agent.

    Raises:
        TransitionError: It is no longer offered to them.
    """
    with transaction.atomic():
        _lock_offered_to(conversation, agent)
        text = localized("%(agent)s accepted the conversation.", agent=agent)
        transition(conversation, State.ACTIVE, agent=agent, actor=agent.user, event_text=text)


def reject_offer(conversation: Conversation, agent: Agent) -> None:
    """Reject the offer; the conversation waits for another agent.

    Raises:
        TransitionError: It is no longer offered to them.
    """
    with transaction.atomic():
        locked = _lock_offered_to(conversation, agent)
        text = localized("%(agent)s rejected the conversation.", agent=agent)
        _end_offer(locked, OfferOutcome.REJECTED, text, actor=agent.user)


def expire_offers(now: datetime | None = None) -> int:
    """End offers that have expired or whose agent has left; return their number."""
    at, count = now or timezone.now(), 0
    is_over = Q(offer_expires_at__lte=at) | Q(offered_to__presence__base_status__in=offer_ending_presences())
    pending = Conversation.objects.filter(is_over, offered_to__isnull=False).order_by("offer_expires_at", "pk")
    for conversation in pending.select_related("offered_to__presence", "work_stream"):
        try:
            count += _expire_offer(conversation, at)
        except Exception:  # an offer that can't be ended must not hold up the others
            logger.exception("The offer of conversation %s could not be ended.", conversation.pk)
    return count


def run_offers_lane(lease: Lease) -> datetime | None:
    """End the offers that are over.

    Returns:
        Time of the next run; None while nothing is offered.
    """
    expire_offers()
    pending = Conversation.objects.filter(offered_to__isnull=False).order_by()
    next_expiry: datetime | None = pending.aggregate(next=Min("offer_expires_at"))["next"]
    soon = timezone.now() + RETRY_DELAY
    # An agent who has just missed an offer is Inactive, which ends their other offers too.
    has_absent_agent = pending.filter(offered_to__presence__base_status__in=offer_ending_presences()).exists()
    return soon if has_absent_agent else next_expiry and max(next_expiry, soon)


def request_overdue_offer_check() -> None:
    """Request a check if an offer is overdue: a safety net for missed wake-ups."""
    offered = Conversation.objects.filter(offered_to__isnull=False)
    if offered.filter(offer_expires_at__lte=timezone.now()).exists():
        request_offer_check(timezone.now())


def _expire_offer(conversation: Conversation, at: datetime) -> bool:
    agent, expires_at = conversation.offered_to, conversation.offer_expires_at
    if agent is None or expires_at is None:
        return False
    if expires_at <= at:
        return _time_out_offer(conversation, agent, expires_at)
    return _withdraw_offer_of_absent(conversation, agent)


def _time_out_offer(conversation: Conversation, agent: Agent, expires_at: datetime) -> bool:
    """Time an offer out, and set the agent Inactive if the work stream says so."""
    with transaction.atomic():
        locked = _lock_open(conversation)
        if locked is None or locked.offered_to_id != agent.pk or locked.offer_expires_at != expires_at:
            return False
        if conversation.work_stream.inactive_after_missed_offer:
            set_presence(agent, get_built_in_presence(BasePresence.INACTIVE), is_manual=False)
        _end_offer(locked, OfferOutcome.TIMED_OUT, localized("%(agent)s missed the offer.", agent=agent), actor=None)
        return True


def _withdraw_offer_of_absent(conversation: Conversation, agent: Agent) -> bool:
    presence = LocalizedText(str(agent.presence))
    return withdraw_offer(
        conversation,
        agent,
        localized("Offer to %(agent)s withdrawn: %(presence)s.", agent=agent, presence=presence),
    )


def withdraw_offer(conversation: Conversation, agent: Agent, text: LocalizedText) -> bool:
    """Withdraw the offer to this agent; return False if it is no longer offered to them.

    Args:
        text: the text of the timeline event.
    """
    with transaction.atomic():
        locked = _lock_open(conversation)
        if locked is None or locked.offered_to_id != agent.pk:
            return False
        _end_offer(locked, OfferOutcome.WITHDRAWN, text, actor=None)
        return True


def _lock_offered_to(conversation: Conversation, agent: Agent) -> Conversation:
    """Lock and return the conversation; raise TransitionError if it is no longer offered to this agent."""
    locked = _lock_open(conversation)
    if locked is None or locked.offered_to_id != agent.pk:
        raise TransitionError(gettext(OFFER_GONE))
    return locked


def _lock_open(conversation: Conversation) -> Conversation | None:
    return (
        Conversation.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=conversation.pk, state=State.OPEN)
        .first()
    )


def _end_offer(locked: Conversation, outcome: OfferOutcome, text: LocalizedText, *, actor: User | None) -> None:
    """End the offer; the conversation keeps its place in the queue. The caller holds its lock."""
    agent_id = locked.offered_to_id
    locked.offered_to = locked.offer_expires_at = None
    locked.save(update_fields=["offered_to", "offer_expires_at"])
    Offer.objects.filter(conversation=locked, outcome=OfferOutcome.PENDING).update(
        outcome=outcome, decided_at=timezone.now()
    )
    timeline.record(locked, TimelineEventKind(outcome.value), text, actor=actor)
    request_assignment()
    schedule_load_refresh(agent_id)
    publish_event(LiveEventKind.CONVERSATION, locked, extra_agent_ids=[agent_id])
