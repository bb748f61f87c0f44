"""The dry run explains rules, operating hours and overflow without any change."""

import datetime as dt
from typing import Any

import pytest

from routing.dry_run import DryRunInput, DryRunResult, run_dry_run
from routing.models import (
    ContactField,
    ContextVariable,
    OperatingHours,
    OverflowRule,
    Queue,
    RoutingRule,
    SkillRule,
    VariableType,
    WorkStream,
)
from tests import builders
from tests.routing.test_rules import contains_condition, create_rule, create_skill_rule

pytestmark = pytest.mark.django_db

SATURDAY_NIGHT = dt.datetime(2026, 11, 28, 23, 30, tzinfo=dt.UTC)


def dry_run_at_night(
    stream: WorkStream,
    *,
    clock: OperatingHours | None = None,
    waiting: int = 0,
    facts: dict[str, Any] | None = None,
    **more_facts: Any,
) -> DryRunResult:
    values = {**(facts or {}), **more_facts}
    return run_dry_run(stream, DryRunInput(values, SATURDAY_NIGHT, clock), lambda queue: waiting)


def create_catch_all_queue(stream: WorkStream, **fields: Any) -> Queue:
    """Create a queue with a rule that always matches."""
    queue = create_rule(stream, "Orders", {}).queue
    Queue.objects.filter(pk=queue.pk).update(**fields)
    return queue


def test_dry_run_explains_each_rule(stream: WorkStream) -> None:
    create_rule(stream, "Numbers", {"field": "customer_number", "operator": "starts_with", "value": "+1"})
    matching_rule = create_rule(stream, "Order number in first message", contains_condition("order"), queue="Orders")
    create_rule(stream, "Everything", {})
    create_skill_rule(stream, "German", contains_condition("bitte"), German=7)
    create_skill_rule(stream, "Everybody", {}, Patience=1)
    trial = dry_run_at_night(stream, first_message="My order", customer_number="+49151")
    assert (trial.rule, trial.queue.name, [str(need) for need in trial.skills]) == (
        matching_rule,
        "Orders",
        ["Patience (1)"],
    )
    assert trial.explanation == [
        "Time: Saturday, 23:30 in UTC.",
        "Rule “Numbers”: Does not match because the customer number (“+49151”) does not start with “+1”.",
        "Rule “Order number in first message”: Matches because the first message (“My order”) contains “order”.",
        "Routed to Orders. Later rules are not checked.",
        "Skill rule “German”: Does not match because the first message (“My order”) does not contain “bitte”.",
        "Skill rule “Everybody”: Matches because there is no condition. Adds Patience (1).",
    ]


def test_without_a_rule_that_holds_it_goes_to_the_fallback_queue(stream: WorkStream) -> None:
    trial = dry_run_at_night(stream)
    assert trial.explanation[1:] == ["Routed to Default messaging queue (no rule matched, default queue)."]
    assert trial.overflow_explanation == [
        "Default messaging queue is the fallback queue. Operating hours and limits are not checked."
    ]


def test_days_and_times_are_asked_on_the_clock_of_the_numbers_hours(stream: WorkStream) -> None:
    sundays = create_rule(stream, "Sundays", {"field": "weekday", "operator": "equals", "value": 6})
    india = OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata")
    assert dry_run_at_night(stream).rule is None
    trial = dry_run_at_night(stream, clock=india)
    assert trial.rule == sundays
    assert trial.explanation[0] == "Time: Sunday, 05:00 in India (Asia/Kolkata)."


def test_a_context_variable_is_found_in_the_message_unless_it_is_typed(stream: WorkStream) -> None:
    ContextVariable.objects.create(
        work_stream=stream, display_name="Amount", name="amount", type=VariableType.NUMBER, found_after="Amount:"
    )
    big = create_rule(stream, "Big", {"field": "context.amount", "operator": "greater_than", "value": "100"})
    trial = dry_run_at_night(stream, first_message="Amount: 250")
    assert trial.rule == big
    assert trial.explanation[1:3] == [
        "Amount from the first message: “250”.",
        "Rule “Big”: Matches because the amount (250) is greater than 100.",
    ]
    assert dry_run_at_night(stream, first_message="Amount: 250", facts={"context.amount": "99"}).rule is None


def test_fields_of_contacts_can_be_tried(stream: WorkStream) -> None:
    ContactField.objects.create(display_name="VIP", name="vip", type=VariableType.TEXT)
    create_rule(stream, "VIPs", {"field": "contact.vip", "operator": "equals", "value": "yes"})
    assert (
        "Rule “VIPs”: Matches because the VIP (“Yes”) equals “yes”."
        in dry_run_at_night(stream, facts={"contact.vip": "Yes"}).explanation
    )


def test_dry_run_reports_a_queue_below_its_limit(stream: WorkStream) -> None:
    create_catch_all_queue(stream)
    assert dry_run_at_night(stream).overflow_explanation == [
        "Orders is open and below its limit: no conversations waiting now."
    ]
    assert dry_run_at_night(stream, waiting=1).overflow_explanation == [
        "Orders is open and below its limit: 1 conversation waiting now."
    ]


def test_dry_run_reports_the_overflow_at_that_time(stream: WorkStream) -> None:
    queue = create_catch_all_queue(stream, operating_hours=OperatingHours.objects.create(name="Never"))
    assert dry_run_at_night(stream).overflow_explanation == [
        "Orders is outside its operating hours: assigned to the queue anyway."
    ]
    returns = builders.create_queue("Returns")
    OverflowRule.objects.create(queue=queue, condition="out_of_hours", action="transfer", target=returns)
    OverflowRule.objects.create(queue=queue, condition="waiting_time", action="end", limit=10)
    assert dry_run_at_night(stream).overflow_explanation == [
        "Orders is outside its operating hours: transferred to Returns."
    ]


def test_dry_run_reports_the_waiting_time_overflow(stream: WorkStream) -> None:
    queue = create_catch_all_queue(stream)
    OverflowRule.objects.create(queue=queue, condition="work_item_limit", action="end", limit=5)
    OverflowRule.objects.create(queue=queue, condition="waiting_time", action="end", limit=10)
    assert dry_run_at_night(stream, waiting=5).overflow_explanation == [
        "Orders is full (5 work items): conversation ended."
    ]
    assert dry_run_at_night(stream, waiting=4).overflow_explanation == [
        "Orders is open and below its limit: 4 conversations waiting now.",
        "If no agent in Orders is available for 10 minutes: conversation ended.",
    ]


def test_dry_run_changes_nothing(stream: WorkStream) -> None:
    create_catch_all_queue(stream)
    SkillRule.objects.create(work_stream=stream, name="Nothing")
    before = [list(model.objects.values()) for model in (RoutingRule, SkillRule, Queue, WorkStream)]
    dry_run_at_night(stream, first_message="My order")
    assert [list(model.objects.values()) for model in (RoutingRule, SkillRule, Queue, WorkStream)] == before
