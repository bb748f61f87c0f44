"""Timers leave conversations alone whose customers may have written meanwhile."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from omnichannel.conversations.assignment.classify import apply_waiting_time_overflow
from omnichannel.conversations.automated_messages.queue_position import send_queue_positions
from omnichannel.conversations.automated_messages.triggers import send_due_messages
from omnichannel.conversations.lanes import request_automated_message
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.models import AutomatedMessage, Conversation, Message, MessageTrigger
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from routing.models import OverflowRule, Queue, State
from tests import builders

pytestmark = pytest.mark.django_db


def create_late_delivery(number: WhatsAppNumber, seconds: float) -> None:
    due_at = timezone.now() - dt.timedelta(seconds=seconds)
    builders.create_delivery(number.account, state=DeliveryState.STORED, attempts=0, next_attempt_at=due_at)


def close_stale(number: WhatsAppNumber) -> int:
    long_ago = timezone.now() - dt.timedelta(days=31)
    builders.create_conversation(number=number, state_since=long_ago)
    return close_stale_conversations()


def overflow(number: WhatsAppNumber) -> int:
    queue = Queue.objects.get_default()
    OverflowRule.objects.create(queue=queue, condition="waiting_time", action="end", limit=5)
    builders.create_conversation(number=number, queued_at=timezone.now() - dt.timedelta(minutes=6))
    return apply_waiting_time_overflow()


def send_positions(number: WhatsAppNumber) -> int:
    AutomatedMessage.objects.create(trigger=MessageTrigger.QUEUE_POSITION, text="You are number {Position}.")
    builders.create_conversation(number=number, queued_at=timezone.now() - dt.timedelta(minutes=1))
    return send_queue_positions()


def greet(number: WhatsAppNumber) -> int:
    AutomatedMessage.objects.create(trigger=MessageTrigger.GREETING, text="Welcome!")
    request_automated_message(builders.create_conversation(number=number), MessageTrigger.GREETING)
    [lease] = claim_lanes(["automate"], 1)
    lease.finish(send_due_messages(lease))
    return Message.objects.count()


@pytest.mark.parametrize("run_timer", [close_stale, overflow, send_positions, greet])
@pytest.mark.parametrize(("seconds", "count"), [(4, 1), (6, 0)], ids=["in time", "late"])
def test_timers_skip_accounts_that_are_more_than_five_seconds_behind(
    number: WhatsAppNumber, run_timer: Callable[[WhatsAppNumber], int], seconds: float, count: int
) -> None:
    create_late_delivery(number, seconds)
    create_late_delivery(builders.create_number(), 60)
    assert run_timer(number) == count


def test_a_greeting_is_sent_once_the_account_has_caught_up(number: WhatsAppNumber) -> None:
    create_late_delivery(number, 6)
    assert greet(number) == 0
    WebhookDelivery.objects.update(next_attempt_at=None, state=DeliveryState.APPLIED)
    Lane.objects.update(due_at=timezone.now())  # a second later
    [lease] = claim_lanes(["automate"], 1)
    lease.finish(send_due_messages(lease))
    assert Message.objects.get().body == "Welcome!"
    assert Conversation.objects.get().state == State.OPEN
