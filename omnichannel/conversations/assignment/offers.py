"""An agent accepts what is offered, rejects it, or lets its time run out."""

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

OFFER_GONE = gettext_noop("This conversation is not offered to you any more.")


def accept_offer(conversation: Conversation, agent: Agent) -> None:
    """The agent takes what was offered to them. Raises TransitionRefused when the offer has gone."""
    with transaction.atomic():
        _lock_offered_to(conversation, agent)
        line = localized("%(agent)s accepted the conversation.", agent=agent)
        transition(conversation, State.ACTIVE, agent=agent, actor=agent.user, event_text=line)


def reject_offer(conversation: Conversation, agent: Agent) -> None:
    """The agent does not want it: it waits for another. Raises TransitionRefused when the offer has gone."""
    with transaction.atomic():
        held = _lock_offered_to(conversation, agent)
        line = localized("%(agent)s rejected the conversation.", agent=agent)
        _end_offer(held, OfferOutcome.REJECTED, line, actor=agent.user)


def expire_offers(now: datetime | None = None) -> int:
    """End the offers whose time is over, and those of agents who have gone; how many."""
    at, ended = now or timezone.now(), 0
    over = Q(offer_expires_at__lte=at) | Q(offered_to__presence__base_status__in=offer_ending_presences())
    pending = Conversation.objects.filter(over, offered_to__isnull=False).order_by("offer_expires_at", "pk")
    for conversation in pending.select_related("offered_to__presence", "work_stream"):
        try:
            ended += _expire_offer(conversation, at)
        except Exception:  # one offer that can't be ended must not keep the others from it
            logger.exception("The offer of conversation %s could not be ended.", conversation.pk)
    return ended


def run_offers_lane(lease: Lease) -> datetime | None:
    """End what is over; says when the next offer will be, None while nothing is offered."""
    expire_offers()
    pending = Conversation.objects.filter(offered_to__isnull=False).order_by()
    next_end: datetime | None = pending.aggregate(next=Min("offer_expires_at"))["next"]
    soon = timezone.now() + RETRY_DELAY
    # Who has just missed one is Inactive: what else they are offered ends as well, in a moment.
    left_by_the_gone = pending.filter(offered_to__presence__base_status__in=offer_ending_presences()).exists()
    return soon if left_by_the_gone else next_end and max(next_end, soon)


def request_overdue_offer_check() -> None:
    """A rare net: have a worker look when an offer is over, in case its moment was missed."""
    if Conversation.objects.filter(offer_expires_at__lte=timezone.now()).exists():
        request_offer_check(timezone.now())


def _expire_offer(conversation: Conversation, at: datetime) -> bool:
    agent, ends = conversation.offered_to, conversation.offer_expires_at
    if agent is None or ends is None:
        return False
    return _time_out_offer(conversation, agent, ends) if ends <= at else _withdraw_offer(conversation, agent)


def _time_out_offer(conversation: Conversation, agent: Agent, ends: datetime) -> bool:
    """The time is over: the agent is passed over and, where the work stream says so, shown as Inactive."""
    with transaction.atomic():
        held = _lock_open(conversation)
        if held is None or held.offered_to_id != agent.pk or held.offer_expires_at != ends:
            return False
        if conversation.work_stream.inactive_after_missed_offer:
            set_presence(agent, get_built_in_presence(BasePresence.INACTIVE), is_manual=False)
        _end_offer(
            held, OfferOutcome.TIMED_OUT, localized("%(agent)s did not answer in time.", agent=agent), actor=None
        )
        return True


def _withdraw_offer(conversation: Conversation, agent: Agent) -> bool:
    with transaction.atomic():
        held = _lock_open(conversation)
        if held is None or held.offered_to_id != agent.pk:
            return False
        line = localized(
            "No longer offered to %(agent)s: %(presence)s.", agent=agent, presence=LocalizedText(str(agent.presence))
        )
        _end_offer(held, OfferOutcome.WITHDRAWN, line, actor=None)
        return True


def _lock_offered_to(conversation: Conversation, agent: Agent) -> Conversation:
    """The conversation, locked and still offered to this agent; else TransitionRefused."""
    held = _lock_open(conversation)
    if held is None or held.offered_to_id != agent.pk:
        raise TransitionError(gettext(OFFER_GONE))
    return held


def _lock_open(conversation: Conversation) -> Conversation | None:
    return (
        Conversation.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=conversation.pk, state=State.OPEN)
        .first()
    )


def _end_offer(held: Conversation, outcome: OfferOutcome, line: LocalizedText, *, actor: User | None) -> None:
    """Back to its queue, where it keeps its place. The caller holds the conversation."""
    agent_id = held.offered_to_id
    held.offered_to = held.offer_expires_at = None
    held.save(update_fields=["offered_to", "offer_expires_at"])
    Offer.objects.filter(conversation=held, outcome=OfferOutcome.PENDING).update(
        outcome=outcome, decided_at=timezone.now()
    )
    timeline.record(held, TimelineEventKind(outcome.value), line, actor=actor)
    request_assignment()
    schedule_load_refresh(agent_id)
    publish_event(LiveEventKind.CONVERSATION, held, extra_agent_ids=[agent_id])
