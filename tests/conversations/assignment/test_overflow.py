"""Queues that are closed, full or slow pass conversations on, or end them."""

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
from tests.concurrency import at_once
from tests.conversations.initiate_fixtures import (
    classified,
    closed_at_all_times,
    lines,
    new,
    orders_queue,
    overflows,
)

pytestmark = pytest.mark.django_db

MONDAY_NIGHT = dt.datetime(2026, 11, 23, 22, 30, tzinfo=dt.UTC)


@pytest.fixture
def orders() -> Queue:
    return orders_queue()


# -- Before it enters -------------------------------------------------------------------------------------------------


def test_a_closed_queue_passes_on_to_another(orders: Queue) -> None:
    night = builders.queue("Night")
    closed_at_all_times(orders)
    overflows(orders, "out_of_hours", "transfer", to=night)
    conversation = classified(new())
    assert (conversation.queue, conversation.state) == (night, State.OPEN)
    assert lines(conversation)[-1] == "Orders is out of its operating hours: transferred to Night."


def test_who_comes_by_an_overflow_is_not_asked_again(orders: Queue) -> None:
    night = builders.queue("Night")
    for queue, to in ((orders, night), (night, orders)):
        overflows(queue, "work_item_limit", "transfer", to=to, limit=1)
        builders.conversation(in_queue=queue)
    assert classified(new()).queue == night


def test_a_closed_queue_without_a_rule_lets_it_wait_and_says_so(orders: Queue) -> None:
    closed_at_all_times(orders)
    conversation = classified(new())
    assert conversation.queue == orders
    assert lines(conversation)[-1] == "Orders is out of its operating hours: it waits there anyway."


def test_a_full_queue_ends_the_conversation(orders: Queue) -> None:
    overflows(orders, "work_item_limit", "end", limit=1)
    first = classified(new())
    second = classified(new())
    assert (first.state, second.state, second.queue) == (State.OPEN, State.CLOSED, orders)
    assert lines(second)[-2:] == ["Orders is full (1 work item): the conversation is ended.", "Closed: overflow."]
    assert second.closed_at is not None


def test_who_is_ended_by_an_overflow_is_told_so(orders: Queue) -> None:
    AutomatedMessage.objects.create(trigger="overflow", text="{QueueName} is busy today. Please write tomorrow.")
    overflows(orders, "work_item_limit", "end", limit=1)
    builders.conversation(in_queue=orders)
    conversation = classified(new())
    for lease in claim_lanes([LaneKind.AUTOMATE], 10):
        lease.finish(send_due_messages(lease))
    assert conversation.messages.get(direction="outbound").body == "Orders is busy today. Please write tomorrow."


def test_who_is_transferred_by_an_overflow_is_not_told_of_an_end(orders: Queue) -> None:
    AutomatedMessage.objects.create(trigger="overflow", text="Please write tomorrow.")
    closed_at_all_times(orders)
    overflows(orders, "out_of_hours", "transfer", to=builders.queue("Night"))
    classify_conversation(new().pk)
    assert not Lane.objects.filter(kind=LaneKind.AUTOMATE).exists()


def test_only_open_work_counts_against_the_limit(orders: Queue) -> None:
    overflows(orders, "work_item_limit", "end", limit=1)
    builders.conversation(in_queue=orders, with_agent=builders.agent("Dana"))
    assert classified(new()).state == State.OPEN


def test_the_fallback_queue_takes_everything(orders: Queue) -> None:
    builders.work_stream(fallback_queue=orders)
    overflows(orders, "work_item_limit", "end", limit=1)
    closed_at_all_times(orders)
    assert [classified(new(text)).state for text in ("My order", "Hello", "Hi")] == [State.OPEN] * 3


# -- While it waits ---------------------------------------------------------------------------------------------------


def waits(queue: Queue, minutes: float, **fields: Any) -> Conversation:
    since = timezone.now() - dt.timedelta(minutes=minutes)
    return builders.conversation(in_queue=queue, queued_at=since, **fields)


@time_machine.travel(MONDAY_NIGHT, tick=False)
def test_who_waits_too_long_is_transferred_and_waits_there_from_now_on(orders: Queue) -> None:
    night = builders.queue("Night")
    overflows(orders, "waiting_time", "transfer", to=night, limit=5)
    late, early = waits(orders, 6), waits(orders, 5)
    assert apply_waiting_time_overflow() == 1
    late.refresh_from_db()
    early.refresh_from_db()
    assert (late.queue, late.queued_at, early.queue) == (night, MONDAY_NIGHT, orders)
    assert lines(late) == ["Nobody in Orders was free for 5 minutes: transferred to Night."]
    assert Lane.objects.filter(kind=LaneKind.ASSIGN).exists()


def test_queues_do_not_play_ping_pong(orders: Queue) -> None:
    night = builders.queue("Night")
    overflows(orders, "waiting_time", "transfer", to=night, limit=1)
    overflows(night, "waiting_time", "transfer", to=orders, limit=1)
    waits(orders, 2)
    later = timezone.now() + dt.timedelta(hours=1)
    assert (apply_waiting_time_overflow(), apply_waiting_time_overflow(later)) == (1, 0)


def test_who_waits_too_long_may_be_ended(orders: Queue) -> None:
    overflows(orders, "waiting_time", "end", limit=5)
    conversation = waits(orders, 6)
    assert apply_waiting_time_overflow() == 1
    conversation.refresh_from_db()
    assert conversation.state == State.CLOSED


def test_who_is_being_offered_or_served_is_left_alone(orders: Queue) -> None:
    overflows(orders, "waiting_time", "end", limit=5)
    dana = builders.agent("Dana")
    waits(orders, 6, offered_to=dana, offer_expires_at=timezone.now() + dt.timedelta(minutes=1))
    waits(orders, 6, with_agent=dana)
    assert apply_waiting_time_overflow() == 0


def test_other_queues_are_not_looked_at(orders: Queue) -> None:
    overflows(builders.queue("Night"), "waiting_time", "end", limit=5)
    waits(orders, 600)
    assert apply_waiting_time_overflow() == 0


@pytest.mark.django_db(transaction=True)
def test_many_at_once_overflow_each_conversation_once(orders: Queue) -> None:
    overflows(orders, "waiting_time", "transfer", to=builders.queue("Night"), limit=5)
    for _ in range(5):
        waits(orders, 6)
    assert sum(at_once(*[apply_waiting_time_overflow] * 4)) == 5
