"""Snoozed conversations: out of sight until their time or the customer's message, and never closed before."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from omnichannel.conversations.assignment.pick import resume_conversation
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.lifecycle.snooze import run_snooze_lane, snooze_conversation, snoozed_q
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from omnichannel.live.models import LiveEvent
from routing.models import Agent, State
from tests import builders
from tests.concurrency import at_once
from tests.webhook_client import deliver, recorded

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def dana() -> Agent:
    return builders.agent("Dana")


def snoozed(dana: Agent, **fields: Any) -> Conversation:
    found = builders.conversation(with_agent=dana, **fields)
    snooze_conversation(found, dana, until=timezone.now() + HOUR)
    return found


def lane_of(conversation: Conversation) -> Lease:
    lane = Lane.objects.get(kind=LaneKind.SNOOZE, key=conversation.pk)
    return Lease(lane.pk, lane.kind, lane.key, uuid.uuid4(), lane.token, 0)


def is_out_of_sight(conversation: Conversation, **later: float) -> bool:
    at = timezone.now() + timedelta(**later)
    return Conversation.objects.filter(snoozed_q(at), pk=conversation.pk).exists()


def customer_writes(conversation: Conversation) -> int:
    number = conversation.number
    form = recorded("text", number, From=conversation.contact.address, MessageSid=builders.sid())
    return int(deliver(number.account.inbound_url, form).status_code)


def test_a_snoozed_conversation_waits_and_uses_no_capacity(dana: Agent) -> None:
    found = snoozed(dana)
    found.refresh_from_db()
    assert (found.state, found.agent) == (State.WAITING, dana)
    assert is_out_of_sight(found)
    assert not is_out_of_sight(found, hours=1)
    assert str(found.events.last().said).startswith("Dana snoozed the conversation until ")


def test_it_comes_back_at_its_time_to_the_top_with_a_hint(dana: Agent) -> None:
    found = snoozed(dana)
    assert run_snooze_lane(lane_of(found)) == found.snoozed_until
    with time_machine.travel(timezone.now() + HOUR, tick=False):
        LiveEvent.objects.all().delete()
        assert run_snooze_lane(lane_of(found)) is None
        found.refresh_from_db()
        assert found.last_activity_at == timezone.now()
        assert str(found.events.last().said) == "The snooze is over."
        assert f"agent:{dana.pk}" in LiveEvent.objects.get().topics
        assert run_snooze_lane(lane_of(found)) is None
        assert LiveEvent.objects.count() == 1
    assert found.state == State.WAITING


def test_a_snoozed_conversation_comes_back_when_the_customer_writes(dana: Agent) -> None:
    builders.work_stream(keep_same_agent=True)
    found = builders.conversation(with_agent=dana)
    snooze_conversation(found, dana, until=None)
    assert is_out_of_sight(found, days=20)
    assert customer_writes(found) == 200
    found.refresh_from_db()
    assert (found.state, found.agent, found.snoozed_at) == (State.ACTIVE, dana, None)


def test_its_agent_comes_back_to_it_before_its_time_and_nothing_happens_then(dana: Agent) -> None:
    found = snoozed(dana)
    resume_conversation(found, dana)
    found.refresh_from_db()
    assert (found.state, found.snoozed_at, found.snoozed_until) == (State.ACTIVE, None, None)
    events = found.events.count()
    with time_machine.travel(timezone.now() + HOUR, tick=False):
        assert run_snooze_lane(lane_of(found)) is None
    assert found.events.count() == events


def test_a_snoozed_conversation_is_snoozed_until_another_time(dana: Agent) -> None:
    found = snoozed(dana)
    later = timezone.now() + 3 * HOUR
    snooze_conversation(found, dana, until=later)
    with time_machine.travel(timezone.now() + 2 * HOUR, tick=False):
        assert run_snooze_lane(lane_of(found)) == later
        assert is_out_of_sight(found)


def test_inactivity_closes_it_only_after_its_time(dana: Agent) -> None:
    stream = builders.work_stream(auto_close_after=timedelta(minutes=30))
    found = snoozed(dana)
    with time_machine.travel(timezone.now() + HOUR, tick=False):
        assert close_stale_conversations() == 0
        run_snooze_lane(lane_of(found))
        assert close_stale_conversations() == 0
    with time_machine.travel(timezone.now() + HOUR + stream.auto_close_after + timedelta(minutes=1), tick=False):
        assert close_stale_conversations() == 1


@pytest.mark.parametrize("hours", [-1, 24 * 91])
def test_a_time_that_makes_no_sense_is_refused(dana: Agent, hours: int) -> None:
    found = builders.conversation(with_agent=dana)
    with pytest.raises(TransitionError, match="Choose a time"):
        snooze_conversation(found, dana, until=timezone.now() + timedelta(hours=hours))


def test_only_its_agent_snoozes_it_and_only_what_they_have_read(dana: Agent) -> None:
    found = builders.conversation(with_agent=dana)
    with pytest.raises(TransitionError, match="Only the agent"):
        snooze_conversation(found, builders.agent("Omar"), until=None)
    Conversation.objects.update(unread_count=1)
    with pytest.raises(TransitionError, match="has written in the meantime"):
        snooze_conversation(found, dana, until=None)
    assert not Lane.objects.filter(kind=LaneKind.SNOOZE).exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_at_the_moment_of_snoozing_is_never_slept_through(dana: Agent) -> None:
    builders.work_stream(keep_same_agent=True)
    for _ in range(5):
        found = builders.conversation(with_agent=dana)
        answers = at_once(
            lambda found=found: customer_writes(found),
            lambda found=found: snooze_conversation(
                Conversation.objects.get(pk=found.pk), dana, until=timezone.now() + HOUR
            ),
        )
        assert answers[0] == 200
        found.refresh_from_db()
        # Back with its agent, or open where that one is full by then.
        assert found.state in {State.ACTIVE, State.OPEN}
        assert (found.unread_count, found.snoozed_at) == (1, None)
