"""Overflow rules of queues that are closed, full or slow, and their order."""

import datetime as dt
from typing import Any

import pytest

from routing.models import OperatingHours, OverflowRule, Queue
from routing.overflow import (
    QueueStatus,
    build_default_closed_rule,
    describe_reason,
    get_entry_rules,
    get_waiting_rules_by_queue,
    is_queue_closed,
    match_entry_rule,
    match_waiting_rule,
)
from tests import builders

NIGHT_QUEUE, ORDERS_QUEUE = Queue(pk=-1, name="Night"), Queue(pk=-2, name="Orders")
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def make_overflow_rule(condition: str, action: str = "end", limit: int | None = None, **fields: Any) -> OverflowRule:
    target = NIGHT_QUEUE if action == "transfer" else None
    return OverflowRule(
        condition=condition, action=action, limit=limit, **{"queue": ORDERS_QUEUE, "target": target, **fields}
    )


OUT_OF_HOURS_RULE, FULL_RULE, SLOW_RULE = (
    make_overflow_rule("out_of_hours"),
    make_overflow_rule("work_item_limit", limit=3),
    make_overflow_rule("waiting_time", limit=5),
)


def test_out_of_hours_is_asked_first_whatever_the_order() -> None:
    rules = [FULL_RULE, OUT_OF_HOURS_RULE]
    assert match_entry_rule(rules, QueueStatus(is_open=False, waiting=3)) is OUT_OF_HOURS_RULE
    assert match_entry_rule(rules, QueueStatus(is_open=True, waiting=3)) is FULL_RULE


def test_then_the_rules_are_asked_in_order() -> None:
    strict = make_overflow_rule("work_item_limit", limit=1)
    assert match_entry_rule([FULL_RULE, strict], QueueStatus(is_open=True, waiting=5)) is FULL_RULE
    assert match_entry_rule([FULL_RULE, strict], QueueStatus(is_open=True, waiting=1)) is strict


@pytest.mark.parametrize(("waiting", "overflows"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_queue_is_full_when_one_more_would_exceed_its_limit(waiting: int, overflows: bool) -> None:
    assert (match_entry_rule([FULL_RULE], QueueStatus(is_open=True, waiting=waiting)) is FULL_RULE) is overflows


def test_waiting_time_rule_applies_only_while_waiting() -> None:
    assert match_entry_rule([SLOW_RULE], QueueStatus(is_open=False, waiting=100)) is None
    assert match_waiting_rule([OUT_OF_HOURS_RULE, FULL_RULE], since=NOON - dt.timedelta(days=9), now=NOON) is None


@pytest.mark.parametrize(("minutes", "overflows"), [(4, False), (5, False), (5.01, True), (600, True)])
def test_waiting_overflows_when_it_takes_longer_than_the_limit(minutes: float, overflows: bool) -> None:
    since = NOON - dt.timedelta(minutes=minutes)
    assert (match_waiting_rule([SLOW_RULE], since=since, now=NOON) is SLOW_RULE) is overflows


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (OUT_OF_HOURS_RULE, "Orders is outside its operating hours"),
        (FULL_RULE, "Orders is full (3 work items)"),
        (SLOW_RULE, "No agent in Orders was available for 5 minutes"),
        (make_overflow_rule("waiting_time", "transfer", 1), "No agent in Orders was available for 1 minute"),
    ],
)
def test_the_reason_is_told_in_words(rule: OverflowRule, text: str) -> None:
    assert str(describe_reason(rule)) == text


def test_out_of_hours_without_a_rule_means_waiting_there_anyway() -> None:
    assert (build_default_closed_rule(ORDERS_QUEUE).condition, build_default_closed_rule(ORDERS_QUEUE).action) == (
        "out_of_hours",
        "assign_anyway",
    )


@pytest.mark.django_db
def test_a_queue_without_hours_is_never_closed() -> None:
    orders = builders.create_queue("Orders")
    assert not is_queue_closed(orders, NOON)
    orders.operating_hours = OperatingHours.objects.create(name="Never")
    assert is_queue_closed(orders, NOON)


@pytest.mark.django_db
def test_the_rules_of_a_queue_are_found_in_their_order() -> None:
    orders, night = builders.create_queue("Orders"), builders.create_queue("Night")
    rules = OverflowRule.objects
    late = rules.create(queue=orders, position=2, condition="waiting_time", limit=60, action="end")
    soon = rules.create(queue=orders, position=1, condition="waiting_time", limit=5, action="transfer", target=night)
    full = rules.create(queue=orders, position=1, condition="work_item_limit", limit=5, action="end")
    closed = rules.create(queue=orders, condition="out_of_hours", action="assign_anyway")
    rules.create(queue=night, condition="out_of_hours", action="end")
    assert get_entry_rules(orders) == [closed, full]
    assert get_waiting_rules_by_queue() == {orders: [soon, late]}
