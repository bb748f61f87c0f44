"""Overflow management: decide on work for a queue that is closed, full or slow.

Decisions are made from values; `get_entry_rules` and `get_waiting_rules_by_queue` read the rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from omnichannel.core.localized_text import LocalizedText, localized, localized_plural
from routing import operating_hours
from routing.models import OverflowAction, OverflowCondition, OverflowRule, Queue

ENTRY_CONDITIONS = (OverflowCondition.OUT_OF_HOURS, OverflowCondition.WORK_ITEM_LIMIT)


@dataclass(frozen=True)
class QueueStatus:
    """The status of a queue when a conversation is about to enter: open or not, and how many wait."""

    is_open: bool
    waiting: int


def match_entry_rule(rules: Iterable[OverflowRule], status: QueueStatus) -> OverflowRule | None:
    """Return the rule for a conversation about to enter: out of hours first, then in order; else None."""
    entry_rules = [rule for rule in rules if rule.condition in ENTRY_CONDITIONS]
    in_order = sorted(entry_rules, key=lambda rule: rule.condition != OverflowCondition.OUT_OF_HOURS)
    return next((rule for rule in in_order if _is_exceeded(rule, status)), None)


def _is_exceeded(rule: OverflowRule, status: QueueStatus) -> bool:
    if rule.condition == OverflowCondition.OUT_OF_HOURS:
        return not status.is_open
    return rule.limit is not None and status.waiting >= rule.limit  # one more would exceed it


def match_waiting_rule(rules: Iterable[OverflowRule], *, since: datetime, now: datetime) -> OverflowRule | None:
    """Return the first rule whose waiting time is exceeded by work waiting since then; else None."""
    waiting_rules = (
        rule for rule in rules if rule.condition == OverflowCondition.WAITING_TIME and rule.limit is not None
    )
    return next((rule for rule in waiting_rules if now - since > timedelta(minutes=rule.limit or 0)), None)


def get_entry_rules(queue: Queue) -> list[OverflowRule]:
    """Return the queue's rules for conversations about to enter."""
    return list(queue.overflow_rules.filter(condition__in=ENTRY_CONDITIONS).select_related("target"))


def get_waiting_rules_by_queue() -> dict[Queue, list[OverflowRule]]:
    """Return the rules for waiting conversations by queue, without queues that have none."""
    rules_by_queue: dict[Queue, list[OverflowRule]] = {}
    rules = OverflowRule.objects.filter(condition=OverflowCondition.WAITING_TIME).select_related("queue", "target")
    for rule in rules:
        rules_by_queue.setdefault(rule.queue, []).append(rule)
    return rules_by_queue


def is_queue_closed(queue: Queue, at: datetime) -> bool:
    """Return whether the queue is outside its operating hours."""
    return not operating_hours.is_open(operating_hours.build_schedule(queue.operating_hours), at)


def describe_reason(rule: OverflowRule) -> LocalizedText:
    """Return why the rule applies, as the beginning of a sentence."""
    match OverflowCondition(rule.condition):
        case OverflowCondition.OUT_OF_HOURS:
            return localized("%(queue)s is outside its operating hours", queue=rule.queue)
        case OverflowCondition.WORK_ITEM_LIMIT:
            items = localized_plural("%(count)s work item", "%(count)s work items", rule.limit or 0)
            return localized("%(queue)s is full (%(items)s)", queue=rule.queue, items=items)
        case OverflowCondition.WAITING_TIME:
            time = format_minutes(rule.limit or 0)
            return localized("No agent in %(queue)s was available for %(time)s", queue=rule.queue, time=time)


def describe_outcome(rule: OverflowRule) -> LocalizedText:
    """Return why the rule applies and what it does, as a sentence."""
    return localized("%(reason)s: %(effect)s", reason=describe_reason(rule), effect=describe_effect(rule))


def describe_effect(rule: OverflowRule) -> LocalizedText:
    """Return what the rule does, as the end of a sentence."""
    match OverflowAction(rule.action):
        case OverflowAction.ASSIGN_ANYWAY:
            return localized("assigned to the queue anyway.")
        case OverflowAction.TRANSFER:
            return localized("transferred to %(queue)s.", queue=rule.target)
        case OverflowAction.END:
            return localized("conversation ended.")


def lock_limited_queue(queue: Queue) -> None:
    """Lock a queue with a work item limit, so that nothing else enters it until this transaction ends.

    Lock before counting the waiting conversations.
    """
    if queue.overflow_rules.filter(condition=OverflowCondition.WORK_ITEM_LIMIT).exists():
        Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)


def find_entry_rule(queue: Queue, waiting_count: int, at: datetime) -> OverflowRule | None:
    """Return the rule for a conversation about to enter now; None if it just waits there."""
    is_open = not is_queue_closed(queue, at)
    rule = match_entry_rule(get_entry_rules(queue), QueueStatus(is_open, waiting_count))
    return build_default_closed_rule(queue) if rule is None and not is_open else rule


def build_default_closed_rule(queue: Queue) -> OverflowRule:
    """Return the rule for closed queues without an out-of-hours rule: the work waits there."""
    condition, action = OverflowCondition.OUT_OF_HOURS, OverflowAction.ASSIGN_ANYWAY
    return OverflowRule(queue=queue, condition=condition, action=action)


def format_minutes(number: int) -> LocalizedText:
    """Format a number of minutes: `1 minute`, `5 minutes`."""
    return localized_plural("%(count)s minute", "%(count)s minutes", number)
