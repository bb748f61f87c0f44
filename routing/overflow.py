"""What happens to work that a queue is closed for, too full for or too slow for.

Decisions are made from values; `asked_before` and `asked_meanwhile` read a queue's rules.
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
    """How a queue stands at the moment somebody is to enter: is it open, and how many wait there already."""

    is_open: bool
    waiting: int


def match_entry_rule(rules: Iterable[OverflowRule], crowd: QueueStatus) -> OverflowRule | None:
    """The rule that applies to who is about to enter: out of hours first, then in order; None where none does."""
    asked = [rule for rule in rules if rule.condition in ENTRY_CONDITIONS]
    in_order = sorted(asked, key=lambda rule: rule.condition != OverflowCondition.OUT_OF_HOURS)
    return next((rule for rule in in_order if _is_exceeded(rule, crowd)), None)


def _is_exceeded(rule: OverflowRule, crowd: QueueStatus) -> bool:
    if rule.condition == OverflowCondition.OUT_OF_HOURS:
        return not crowd.is_open
    return rule.limit is not None and crowd.waiting >= rule.limit  # one more would exceed it


def match_waiting_rule(rules: Iterable[OverflowRule], *, since: datetime, now: datetime) -> OverflowRule | None:
    """The first rule whose time somebody who waits since then has exceeded; None where none does."""
    asked = (rule for rule in rules if rule.condition == OverflowCondition.WAITING_TIME and rule.limit is not None)
    return next((rule for rule in asked if now - since > timedelta(minutes=rule.limit or 0)), None)


def get_entry_rules(queue: Queue) -> list[OverflowRule]:
    """The queue's rules for those who are about to enter."""
    return list(queue.overflow_rules.filter(condition__in=ENTRY_CONDITIONS).select_related("target"))


def get_waiting_rules_by_queue() -> dict[Queue, list[OverflowRule]]:
    """The rules for those who wait, by queue; queues without such rules are left out."""
    found: dict[Queue, list[OverflowRule]] = {}
    rules = OverflowRule.objects.filter(condition=OverflowCondition.WAITING_TIME).select_related("queue", "target")
    for rule in rules:
        found.setdefault(rule.queue, []).append(rule)
    return found


def is_queue_closed(queue: Queue, at: datetime) -> bool:
    """Whether the queue is out of its operating hours."""
    return not operating_hours.is_open(operating_hours.build_schedule(queue.operating_hours), at)


def describe_reason(rule: OverflowRule) -> LocalizedText:
    """Why the rule applies, as the beginning of a sentence."""
    match OverflowCondition(rule.condition):
        case OverflowCondition.OUT_OF_HOURS:
            return localized("%(queue)s is out of its operating hours", queue=rule.queue)
        case OverflowCondition.WORK_ITEM_LIMIT:
            items = localized_plural("%(count)s work item", "%(count)s work items", rule.limit or 0)
            return localized("%(queue)s is full (%(items)s)", queue=rule.queue, items=items)
        case OverflowCondition.WAITING_TIME:
            time = format_minutes(rule.limit or 0)
            return localized("Nobody in %(queue)s was free for %(time)s", queue=rule.queue, time=time)


def describe_outcome(rule: OverflowRule) -> LocalizedText:
    """Why the rule applies and what it does, as a sentence."""
    return localized("%(reason)s: %(effect)s", reason=describe_reason(rule), effect=describe_effect(rule))


def describe_effect(rule: OverflowRule) -> LocalizedText:
    """What the rule does, as the end of a sentence."""
    match OverflowAction(rule.action):
        case OverflowAction.ASSIGN_ANYWAY:
            return localized("it waits there anyway.")
        case OverflowAction.TRANSFER:
            return localized("transferred to %(queue)s.", queue=rule.target)
        case OverflowAction.END:
            return localized("the conversation is ended.")


def lock_limited_queue(queue: Queue) -> None:
    """Before those who wait in a queue with a limit are counted: until this transaction ends, nobody else enters it."""
    if queue.overflow_rules.filter(condition=OverflowCondition.WORK_ITEM_LIMIT).exists():
        Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)


def find_entry_rule(queue: Queue, waiting: int, at: datetime) -> OverflowRule | None:
    """The rule that applies to who is about to enter at this moment; None where they just wait there."""
    is_open = not is_queue_closed(queue, at)
    rule = match_entry_rule(get_entry_rules(queue), QueueStatus(is_open, waiting))
    return build_default_closed_rule(queue) if rule is None and not is_open else rule


def build_default_closed_rule(queue: Queue) -> OverflowRule:
    """What happens out of hours where the queue has no rule for it."""
    closed, stays = OverflowCondition.OUT_OF_HOURS, OverflowAction.ASSIGN_ANYWAY
    return OverflowRule(queue=queue, condition=closed, action=stays)


def format_minutes(number: int) -> LocalizedText:
    """`1 minute`, `5 minutes`."""
    return localized_plural("%(count)s minute", "%(count)s minutes", number)
