"""Snoozed conversations are hidden until their time or the customer's next message, and never closed."""

import uuid
from datetime import timedelta
from functools import partial
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
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from routing.models import Agent, State
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import load_payload, post_webhook

pytestmark = pytest.mark.django_db

ONE_HOUR = timedelta(hours=1)


def create_snoozed_conversation(dana: Agent, **fields: Any) -> Conversation:
    conversation = builders.create_conversation(agent=dana, **fields)
    snooze_conversation(conversation, dana, until=timezone.now() + ONE_HOUR)
    return conversation


def lease_for(conversation: Conversation) -> Lease:
    lane = Lane.objects.get(kind=LaneKind.SNOOZE, key=conversation.pk)
    return Lease(lane.pk, lane.kind, lane.key, uuid.uuid4(), lane.token, 0)


def is_hidden(conversation: Conversation, **later: float) -> bool:
    at = timezone.now() + timedelta(**later)
    return Conversation.objects.filter(snoozed_q(at), pk=conversation.pk).exists()


def post_customer_message(conversation: Conversation) -> int:
    number = conversation.number
    form = load_payload("text", number, From=conversation.contact.address, MessageSid=builders.new_sid())
    return int(post_webhook(number.account.inbound_url, form).status_code)


def test_a_snoozed_conversation_waits_and_uses_no_capacity(dana: Agent) -> None:
    conversation = create_snoozed_conversation(dana)
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent) == (State.WAITING, dana)
    assert is_hidden(conversation)
    assert not is_hidden(conversation, hours=1)
    assert str(conversation.events.latest("pk").text).startswith("Dana snoozed the conversation until ")


def test_snooze_ends_on_time_and_moves_the_conversation_to_the_top(dana: Agent) -> None:
    conversation = create_snoozed_conversation(dana)
    assert run_snooze_lane(lease_for(conversation)) == conversation.snoozed_until
    with time_machine.travel(timezone.now() + ONE_HOUR, tick=False):
        Event.objects.all().delete()
        assert run_snooze_lane(lease_for(conversation)) is None
        conversation.refresh_from_db()
        assert conversation.last_activity_at == timezone.now()
        assert str(conversation.events.latest("pk").text) == "Snooze ended."
        assert f"agent:{dana.pk}" in Event.objects.get().topics
        assert run_snooze_lane(lease_for(conversation)) is None
        assert Event.objects.count() == 1
    assert conversation.state == State.WAITING


def test_a_snoozed_conversation_comes_back_when_the_customer_writes(dana: Agent) -> None:
    builders.update_work_stream(keep_same_agent=True)
    conversation = builders.create_conversation(agent=dana)
    snooze_conversation(conversation, dana, until=None)
    assert is_hidden(conversation, days=20)
    assert post_customer_message(conversation) == 200
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent, conversation.snoozed_at) == (State.ACTIVE, dana, None)


def test_resuming_early_cancels_the_snooze(dana: Agent) -> None:
    conversation = create_snoozed_conversation(dana)
    resume_conversation(conversation, dana)
    conversation.refresh_from_db()
    assert (conversation.state, conversation.snoozed_at, conversation.snoozed_until) == (State.ACTIVE, None, None)
    events = conversation.events.count()
    with time_machine.travel(timezone.now() + ONE_HOUR, tick=False):
        assert run_snooze_lane(lease_for(conversation)) is None
    assert conversation.events.count() == events


def test_a_snoozed_conversation_is_snoozed_until_another_time(dana: Agent) -> None:
    conversation = create_snoozed_conversation(dana)
    later = timezone.now() + 3 * ONE_HOUR
    snooze_conversation(conversation, dana, until=later)
    with time_machine.travel(timezone.now() + 2 * ONE_HOUR, tick=False):
        assert run_snooze_lane(lease_for(conversation)) == later
        assert is_hidden(conversation)


def test_snoozed_conversation_is_not_closed_for_inactivity(dana: Agent) -> None:
    stream = builders.update_work_stream(auto_close_after=timedelta(minutes=30))
    conversation = create_snoozed_conversation(dana)
    with time_machine.travel(timezone.now() + ONE_HOUR, tick=False):
        assert close_stale_conversations() == 0
        run_snooze_lane(lease_for(conversation))
        assert close_stale_conversations() == 0
    with time_machine.travel(timezone.now() + ONE_HOUR + stream.auto_close_after + timedelta(minutes=1), tick=False):
        assert close_stale_conversations() == 1


@pytest.mark.parametrize("hours", [-1, 24 * 91])
def test_invalid_snooze_time_is_refused(dana: Agent, hours: int) -> None:
    conversation = builders.create_conversation(agent=dana)
    with pytest.raises(TransitionError, match="Choose a time"):
        snooze_conversation(conversation, dana, until=timezone.now() + timedelta(hours=hours))


def test_only_the_assigned_agent_can_snooze_a_read_conversation(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana)
    with pytest.raises(TransitionError, match="Only the assigned agent"):
        snooze_conversation(conversation, builders.create_agent("Omar"), until=None)
    Conversation.objects.update(unread_count=1)
    with pytest.raises(TransitionError, match="sent a new message"):
        snooze_conversation(conversation, dana, until=None)
    assert not Lane.objects.filter(kind=LaneKind.SNOOZE).exists()


@pytest.mark.django_db(transaction=True)
def test_concurrent_message_is_not_hidden_by_a_snooze(dana: Agent) -> None:
    builders.update_work_stream(keep_same_agent=True)
    for _ in range(5):
        conversation = builders.create_conversation(agent=dana)
        answers = run_concurrently(
            partial(post_customer_message, conversation),
            partial(
                snooze_conversation, Conversation.objects.get(pk=conversation.pk), dana, until=timezone.now() + ONE_HOUR
            ),
        )
        assert answers[0] == 200
        conversation.refresh_from_db()
        # Back with its agent, or open if that agent has no capacity left.
        assert conversation.state in {State.ACTIVE, State.OPEN}
        assert (conversation.unread_count, conversation.snoozed_at) == (1, None)
