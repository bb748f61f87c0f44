"""Queues that are closed, full or slow transfer conversations or end them."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from omnichannel.conversations.assignment.classify import apply_waiting_time_overflow, classify_conversation
from omnichannel.conversations.automated_messages.triggers import send_due_messages
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import AutomatedMessage, Conversation
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from routing.models import Queue, State
from tests import builders
from tests.concurrency import run_concurrently
from tests.conversations.routing_fixtures import (
    classify_and_refresh,
    close_permanently,
    create_new_conversation,
    create_orders_queue,
    create_overflow_rule,
    timeline_texts,
)

pytestmark = pytest.mark.django_db

MONDAY_NIGHT = dt.datetime(2026, 11, 23, 22, 30, tzinfo=dt.UTC)


@pytest.fixture
def orders() -> Queue:
    return create_orders_queue()


# -- Before entering the queue


def test_a_closed_queue_passes_on_to_another(orders: Queue) -> None:
    night = builders.create_queue("Night")
    close_permanently(orders)
    create_overflow_rule(orders, "out_of_hours", "transfer", target=night)
    conversation = classify_and_refresh(create_new_conversation())
    assert (conversation.queue, conversation.state) == (night, State.OPEN)
    assert timeline_texts(conversation)[-1] == "Orders is outside its operating hours: transferred to Night."


def test_transferred_conversation_does_not_overflow_again_on_entry(orders: Queue) -> None:
    night = builders.create_queue("Night")
    for queue, to in ((orders, night), (night, orders)):
        create_overflow_rule(queue, "work_item_limit", "transfer", target=to, limit=1)
        builders.create_conversation(queue=queue)
    assert classify_and_refresh(create_new_conversation()).queue == night


def test_closed_queue_without_rule_keeps_the_conversation_and_records_it(orders: Queue) -> None:
    close_permanently(orders)
    conversation = classify_and_refresh(create_new_conversation())
    assert conversation.queue == orders
    assert timeline_texts(conversation)[-1] == "Orders is outside its operating hours: assigned to the queue anyway."


def test_a_full_queue_ends_the_conversation(orders: Queue) -> None:
    create_overflow_rule(orders, "work_item_limit", "end", limit=1)
    first = classify_and_refresh(create_new_conversation())
    second = classify_and_refresh(create_new_conversation())
    assert (first.state, second.state, second.queue) == (State.OPEN, State.CLOSED, orders)
    assert timeline_texts(second)[-2:] == [
        "Orders is full (1 work item): conversation ended.",
        "Closed due to overflow.",
    ]
    assert second.closed_at is not None


def test_customer_is_told_when_an_overflow_ends_the_conversation(orders: Queue) -> None:
    AutomatedMessage.objects.create(trigger="overflow", text="{QueueName} is busy today. Please write tomorrow.")
    create_overflow_rule(orders, "work_item_limit", "end", limit=1)
    builders.create_conversation(queue=orders)
    conversation = classify_and_refresh(create_new_conversation())
    for lease in claim_lanes([LaneKind.AUTOMATE], 10):
        lease.finish(send_due_messages(lease))
    assert conversation.messages.get(direction="outbound").body == "Orders is busy today. Please write tomorrow."


def test_customer_gets_no_closing_message_when_an_overflow_transfers(orders: Queue) -> None:
    AutomatedMessage.objects.create(trigger="overflow", text="Please write tomorrow.")
    close_permanently(orders)
    create_overflow_rule(orders, "out_of_hours", "transfer", target=builders.create_queue("Night"))
    classify_conversation(create_new_conversation().pk)
    assert not Lane.objects.filter(kind=LaneKind.AUTOMATE).exists()


def test_only_open_work_counts_against_the_limit(orders: Queue) -> None:
    create_overflow_rule(orders, "work_item_limit", "end", limit=1)
    builders.create_conversation(queue=orders, agent=builders.create_agent("Dana"))
    assert classify_and_refresh(create_new_conversation()).state == State.OPEN


def test_the_fallback_queue_takes_everything(orders: Queue) -> None:
    builders.update_work_stream(fallback_queue=orders)
    create_overflow_rule(orders, "work_item_limit", "end", limit=1)
    close_permanently(orders)
    assert [classify_and_refresh(create_new_conversation(text)).state for text in ("My order", "Hello", "Hi")] == [
        State.OPEN
    ] * 3


# -- Waiting -----------------------------------------------------------------------------------------------------------


def create_waiting_conversation(queue: Queue, minutes: float, **fields: Any) -> Conversation:
    since = timezone.now() - dt.timedelta(minutes=minutes)
    return builders.create_conversation(queue=queue, queued_at=since, **fields)


@time_machine.travel(MONDAY_NIGHT, tick=False)
def test_conversation_waiting_too_long_is_transferred_and_restarts_its_wait(orders: Queue) -> None:
    night = builders.create_queue("Night")
    create_overflow_rule(orders, "waiting_time", "transfer", target=night, limit=5)
    late, early = create_waiting_conversation(orders, 6), create_waiting_conversation(orders, 5)
    assert apply_waiting_time_overflow() == 1
    late.refresh_from_db()
    early.refresh_from_db()
    assert (late.queue, late.queued_at, early.queue) == (night, MONDAY_NIGHT, orders)
    assert timeline_texts(late) == ["No agent in Orders was available for 5 minutes: transferred to Night."]
    assert Lane.objects.filter(kind=LaneKind.ASSIGN).exists()


def test_conversation_does_not_bounce_between_queues(orders: Queue) -> None:
    night = builders.create_queue("Night")
    create_overflow_rule(orders, "waiting_time", "transfer", target=night, limit=1)
    create_overflow_rule(night, "waiting_time", "transfer", target=orders, limit=1)
    create_waiting_conversation(orders, 2)
    later = timezone.now() + dt.timedelta(hours=1)
    assert (apply_waiting_time_overflow(), apply_waiting_time_overflow(later)) == (1, 0)


def test_conversation_waiting_too_long_can_be_ended(orders: Queue) -> None:
    create_overflow_rule(orders, "waiting_time", "end", limit=5)
    conversation = create_waiting_conversation(orders, 6)
    assert apply_waiting_time_overflow() == 1
    conversation.refresh_from_db()
    assert conversation.state == State.CLOSED


def test_offered_or_assigned_conversations_do_not_overflow(orders: Queue) -> None:
    create_overflow_rule(orders, "waiting_time", "end", limit=5)
    dana = builders.create_agent("Dana")
    create_waiting_conversation(orders, 6, offered_to=dana, offer_expires_at=timezone.now() + dt.timedelta(minutes=1))
    create_waiting_conversation(orders, 6, agent=dana)
    assert apply_waiting_time_overflow() == 0


def test_queues_without_rules_are_not_checked_for_overflow(orders: Queue) -> None:
    create_overflow_rule(builders.create_queue("Night"), "waiting_time", "end", limit=5)
    create_waiting_conversation(orders, 600)
    assert apply_waiting_time_overflow() == 0


@pytest.mark.django_db(transaction=True)
def test_many_at_once_overflow_each_conversation_once(orders: Queue) -> None:
    create_overflow_rule(orders, "waiting_time", "transfer", target=builders.create_queue("Night"), limit=5)
    for _ in range(5):
        create_waiting_conversation(orders, 6)
    assert sum(run_concurrently(*[apply_waiting_time_overflow] * 4)) == 5
