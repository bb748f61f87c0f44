"""Offers are accepted, rejected, expired or withdrawn."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from omnichannel.conversations.assignment import offers
from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations, run_assign_lane
from omnichannel.conversations.assignment.pick import take_conversation
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.models import Conversation, OfferOutcome
from omnichannel.conversations.presence.sessions import choose_presence
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from routing.models import Agent, BasePresence, DistributionMode, Presence, State, WorkStream
from tests import builders
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db


@pytest.fixture
def offered_conversation(dana: Agent) -> Conversation:
    """Return a conversation that was just offered to Dana."""
    conversation = builders.create_conversation()
    offer_waiting_conversations(timezone.now())
    conversation.refresh_from_db()
    assert conversation.offered_to == dana
    return conversation


def offer_outcomes(conversation: Conversation) -> list[str]:
    conversation.refresh_from_db()
    return list(conversation.offers.values_list("outcome", flat=True))


def test_accepting_an_offer_assigns_the_conversation(offered_conversation: Conversation, dana: Agent) -> None:
    offers.accept_offer(offered_conversation, dana)
    assert offer_outcomes(offered_conversation) == [OfferOutcome.ACCEPTED]
    assert (offered_conversation.state, offered_conversation.agent, offered_conversation.offered_to) == (
        State.ACTIVE,
        dana,
        None,
    )
    assert str(offered_conversation.events.latest("pk").text) == "Dana accepted the conversation."


def test_rejected_conversation_goes_to_the_next_agent_and_keeps_its_position(
    offered_conversation: Conversation, dana: Agent
) -> None:
    before = offered_conversation.queued_at
    offers.reject_offer(offered_conversation, dana)
    assert offer_outcomes(offered_conversation) == [OfferOutcome.REJECTED]
    assert (offered_conversation.state, offered_conversation.offered_to, offered_conversation.queued_at) == (
        State.OPEN,
        None,
        before,
    )
    omar = builders.create_agent("Omar")
    offer_waiting_conversations(timezone.now())
    offered_conversation.refresh_from_db()
    assert offered_conversation.offered_to == omar


def test_only_the_agent_it_is_offered_to_can_answer(offered_conversation: Conversation) -> None:
    omar = builders.create_agent("Omar")
    for answer in (offers.accept_offer, offers.reject_offer):
        with pytest.raises(TransitionError, match="no longer offered to you"):
            answer(offered_conversation, omar)
    assert offer_outcomes(offered_conversation) == [OfferOutcome.PENDING]


def test_an_offer_lasts_as_long_as_the_work_stream_says(dana: Agent) -> None:
    builders.update_work_stream(offer_seconds=45)
    conversation, now = builders.create_conversation(), timezone.now()
    offer_waiting_conversations(now)
    assert offers.expire_offers(now + timedelta(seconds=44)) == 0
    assert offers.expire_offers(now + timedelta(seconds=45)) == 1
    assert offer_outcomes(conversation) == [OfferOutcome.TIMED_OUT]
    assert (conversation.state, conversation.offered_to) == (State.OPEN, None)
    assert str(conversation.events.latest("pk").text) == "Dana missed the offer."


@pytest.mark.parametrize(("is_on", "shown"), [(True, BasePresence.INACTIVE), (False, BasePresence.AVAILABLE)])
def test_missed_offer_sets_the_agent_inactive_where_enabled(
    offered_conversation: Conversation, dana: Agent, is_on: bool, shown: str
) -> None:
    builders.update_work_stream(inactive_after_missed_offer=is_on)
    offers.expire_offers(timezone.now() + timedelta(minutes=3))
    dana.refresh_from_db()
    assert dana.presence.base_status == shown


def test_missed_offer_is_not_repeated_to_the_same_agent(offered_conversation: Conversation) -> None:
    later = timezone.now() + timedelta(minutes=3)
    offers.expire_offers(later)
    assert offer_waiting_conversations(later) == (0, False)


def test_offer_to_an_agent_who_goes_offline_is_withdrawn_and_not_counted_as_missed(
    offered_conversation: Conversation, dana: Agent
) -> None:
    away = Presence.objects.get(base_status=BasePresence.AWAY)
    Agent.objects.filter(pk=dana.pk).update(presence=away)
    assert offers.expire_offers(timezone.now()) == 1
    assert offer_outcomes(offered_conversation) == [OfferOutcome.WITHDRAWN]
    Agent.objects.filter(pk=dana.pk).update(presence=dana.presence)
    assert offer_waiting_conversations(timezone.now()) == (1, False)


def test_picking_an_offered_conversation_accepts_the_offer(offered_conversation: Conversation, dana: Agent) -> None:
    take_conversation(offered_conversation, dana)
    assert offer_outcomes(offered_conversation) == [OfferOutcome.ACCEPTED]


def test_offer_is_withdrawn_when_a_colleague_takes_the_conversation(
    offered_conversation: Conversation, dana: Agent
) -> None:
    take_conversation(offered_conversation, builders.create_agent("Omar"))
    assert offer_outcomes(offered_conversation) == [OfferOutcome.WITHDRAWN]
    assert f"agent:{dana.pk}" in Event.objects.latest("pk").topics
    with pytest.raises(TransitionError):
        offers.accept_offer(offered_conversation, dana)


def test_an_offered_conversation_can_be_closed_for_its_age(offered_conversation: Conversation) -> None:
    Conversation.objects.update(state_since=timezone.now() - timedelta(days=31))
    assert close_stale_conversations() == 1
    assert offer_outcomes(offered_conversation) == [OfferOutcome.WITHDRAWN]


def test_push_conversation_cannot_be_picked_where_selecting_is_disabled(
    offered_conversation: Conversation, dana: Agent
) -> None:
    stream = builders.update_work_stream(allow_selecting=False)
    offered_conversation.work_stream = stream
    with pytest.raises(TransitionError, match="can't be taken"):
        take_conversation(offered_conversation, builders.create_agent("Omar"))
    take_conversation(offered_conversation, dana)
    assert offer_outcomes(offered_conversation) == [OfferOutcome.ACCEPTED]


def test_pick_mode_conversation_can_always_be_taken(dana: Agent) -> None:
    stream = builders.update_work_stream(allow_selecting=False, distribution_mode=DistributionMode.PICK)
    conversation = builders.create_conversation(work_stream=stream)
    take_conversation(conversation, dana)
    assert conversation.state == State.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_accepting_taking_and_running_out_at_the_same_moment_have_one_winner() -> None:
    dana, omar = builders.create_agent("Dana"), builders.create_agent("Omar", presence="busy_dnd")
    conversation = builders.create_conversation()
    offer_waiting_conversations(timezone.now())
    own_conversation, omars_conversation = Conversation.objects.get(), Conversation.objects.get()
    later = timezone.now() + timedelta(minutes=3)
    answers = run_concurrently(
        lambda: offers.accept_offer(own_conversation, dana),
        lambda: take_conversation(omars_conversation, omar),
        lambda: offers.expire_offers(later),
    )
    assert not [
        answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, TransitionError)
    ]
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent in {dana, omar}) == (State.ACTIVE, True)
    assert conversation.offers.exclude(outcome=OfferOutcome.PENDING).count() == 1


# -- Time of the dry run -----------------------------------------------------------------------------------------------


def offers_due_at() -> datetime:
    """Return the time at which a worker checks the offers."""
    return Lane.objects.get(kind=LaneKind.OFFERS).due_at


def run_offers_lane() -> Any:
    """Check the offers as a worker does and return the time of the next check."""
    return offers.run_offers_lane(Lease(0, LaneKind.OFFERS, 0, uuid.uuid4(), uuid.uuid4(), 0))


def test_offers_lane_is_due_when_an_offer_expires(dana: Agent) -> None:
    builders.update_work_stream(offer_seconds=45)
    conversation, now = builders.create_conversation(), timezone.now()
    offer_waiting_conversations(now)
    assert offers_due_at() == now + timedelta(seconds=45)
    assert run_offers_lane() == now + timedelta(seconds=45), "nothing is over yet"
    Conversation.objects.filter(pk=conversation.pk).update(offer_expires_at=now)
    assert run_offers_lane() is None
    assert offer_outcomes(conversation) == [OfferOutcome.TIMED_OUT]


def test_offers_lane_is_due_at_the_earliest_expiry(dana: Agent) -> None:
    now = timezone.now()
    for seconds in (90, 45, 120):
        builders.update_work_stream(offer_seconds=seconds)
        builders.create_conversation()
        offer_waiting_conversations(now)
    assert offers_due_at() == now + timedelta(seconds=45)


def test_missed_offer_withdraws_the_agents_other_offers(dana: Agent) -> None:
    builders.update_work_stream(inactive_after_missed_offer=True)
    missed, other = builders.create_conversation(), builders.create_conversation()
    offer_waiting_conversations(timezone.now())
    Conversation.objects.filter(pk=missed.pk).update(offer_expires_at=timezone.now())
    soon = run_offers_lane()
    assert soon is not None
    assert soon - timezone.now() < timedelta(seconds=1)
    assert run_offers_lane() is None
    assert offer_outcomes(other) == [OfferOutcome.WITHDRAWN]


def test_agent_going_away_triggers_the_offers_lane(offered_conversation: Conversation, dana: Agent) -> None:
    choose_presence(dana, Presence.objects.get(base_status=BasePresence.AWAY))
    run_assign_lane(Lease(0, LaneKind.ASSIGN, 0, uuid.uuid4(), uuid.uuid4(), 0))
    assert offers_due_at() <= timezone.now()
    run_offers_lane()
    assert offer_outcomes(offered_conversation) == [OfferOutcome.WITHDRAWN]


def test_missed_expiry_is_found_by_the_periodic_check(offered_conversation: Conversation) -> None:
    Lane.objects.all().delete()
    offers.request_overdue_offer_check()
    assert not Lane.objects.exists()
    Conversation.objects.update(offer_expires_at=timezone.now())
    offers.request_overdue_offer_check()
    assert offers_due_at() <= timezone.now()


def test_failing_offer_does_not_block_other_expiries(dana: Agent) -> None:
    first, second = builders.create_conversation(), builders.create_conversation()
    offer_waiting_conversations(timezone.now())
    WorkStream.objects.update(inactive_after_missed_offer=False)
    broken = WorkStream.objects.create(name="Broken", inactive_after_missed_offer=True)
    Conversation.objects.filter(pk=first.pk).update(work_stream=broken)
    Presence.objects.filter(base_status=BasePresence.INACTIVE).update(is_built_in=False)
    assert offers.expire_offers(timezone.now() + timedelta(minutes=3)) == 1
    assert offer_outcomes(second) == [OfferOutcome.TIMED_OUT]
