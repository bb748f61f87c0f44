"""The “try it” box: what would become of a customer's first message, and why, without anything being done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from routing import hours, overflow
from routing.conditions import explain, holds
from routing.fields import CONTEXT_FACT, Facts, Known, known_in
from routing.models import OperatingHours, OverflowAction, OverflowCondition, Queue, RoutingRule, WorkStream
from routing.rules import Need, Route, combined, fallback, moment, needs, route
from routing.values import found_in, shown


@dataclass(frozen=True)
class Sample:
    """A sample of a conversation's beginning: what is known, when, and by whose clock; without one, UTC."""

    facts: Facts
    at: datetime
    clock: OperatingHours | None = None


@dataclass(frozen=True)
class Trial:
    """What would become of the sample, and why, line by line."""

    rule: RoutingRule | None
    queue: Queue
    skills: list[Need] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    # What the queue's overflow management does at that moment.
    overflow: list[str] = field(default_factory=list)


class DryRunContext:
    """Supply what a dry run needs to know from above this package: the numbers and the conversations.

    `settings.DRY_RUN_CONTEXT` names the subclass that is used.
    """

    def operating_hours_of(self, stream: WorkStream) -> Sequence[OperatingHours | None]:
        """Return the operating hours that rules about days and times can refer to; None stands for UTC."""
        return [None, *OperatingHours.objects.all()]

    def count_waiting(self, queue: Queue) -> int:
        """Return how many conversations wait in the queue now."""
        return 0


def dry_run_context() -> DryRunContext:
    """Return an instance of the class that `settings.DRY_RUN_CONTEXT` names."""
    return cast(DryRunContext, import_string(settings.DRY_RUN_CONTEXT)())


def try_it(stream: WorkStream, sample: Sample, waiting_in: Callable[[Queue], int] = lambda queue: 0) -> Trial:
    """Return which rule the sample would match, and why.

    Args:
        waiting_in: Returns how many conversations wait in a queue now.
    """
    known = known_in(stream)
    learned = _learned(stream, sample.facts)
    zone = hours.zone_named(sample.clock.time_zone if sample.clock else "UTC")
    clock = f"{sample.clock} ({zone.key})" if sample.clock else zone.key
    facts = {**sample.facts, **learned, **moment(sample.at, zone)}
    routed = route(stream, facts, known)
    lines = [
        f"The moment is {sample.at.astimezone(zone):%A, %H:%M} on the clock of {clock}.",
        *(f"{known[name].label} is found in the first message: “{shown(value)}”." for name, value in learned.items()),
        *_routing_lines(stream, routed, facts, known),
        *_skill_lines(stream, facts, known),
    ]
    told = list(_overflow_lines(stream, routed.queue, waiting_in, sample.at))
    return Trial(routed.rule, routed.queue, needs(stream, facts, known), lines, told)


def _learned(stream: WorkStream, facts: Facts) -> Facts:
    """The context variables that nobody typed, as a conversation would learn them."""
    told = found_in(str(facts.get("first_message", "")), stream.context_variables.all())
    return {CONTEXT_FACT + name: value for name, value in told.items() if not facts.get(CONTEXT_FACT + name)}


def _routing_lines(stream: WorkStream, routed: Route, facts: Facts, known: Known) -> Iterator[str]:
    for rule in stream.routingrules.all():
        yield f"Rule “{rule}”: {explain(rule.condition, facts, known)}"
        if rule == routed.rule:
            yield f"Goes to {routed.queue}. Rules after this one are not asked."
            return
    yield f"Goes to {routed.queue}: no rule holds."


def _skill_lines(stream: WorkStream, facts: Facts, known: Known) -> Iterator[str]:
    for rule in stream.skillrules.prefetch_related("needs__skill"):
        added = ", ".join(str(need) for need in combined([rule])) or "nothing"
        adds = f" Adds {added}." if holds(rule.condition, facts, known) else ""
        yield f"Skill rule “{rule}”: {explain(rule.condition, facts, known)}{adds}"


def _overflow_lines(
    stream: WorkStream, queue: Queue, waiting_in: Callable[[Queue], int], at: datetime
) -> Iterator[str]:
    """What happens at the queue's door, and what after waiting there."""
    if queue == fallback(stream):
        yield f"{queue} is the fallback queue: whether it is open or full is not asked."
        last = None
    else:
        waiting = waiting_in(queue)
        last = overflow.at_the_door(queue, waiting, at)
        yield str(overflow.outcome(last)) if last else f"{queue} is open and has room: {_waiting(waiting)} there now."
    if last is None or last.action == OverflowAction.ASSIGN_ANYWAY:
        for rule in queue.overflow_rules.filter(condition=OverflowCondition.WAITING_TIME).select_related("target"):
            time = overflow.minutes(rule.limit or 0)
            yield f"If nobody in {queue} is free for {time}: {overflow.effect(rule)}"


def _waiting(count: int) -> str:
    return "1 conversation waits" if count == 1 else f"{count or 'no'} conversations wait"
