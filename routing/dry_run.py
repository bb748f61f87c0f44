"""Dry run a work stream's rules on a sample: its route and the explanation, without any effect."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from routing import operating_hours, overflow
from routing.conditions.evaluation import explain_condition, is_condition_met
from routing.conditions.fields import CONTEXT_PREFIX, AvailableFields, Facts, get_available_fields
from routing.models import OperatingHours, OverflowAction, OverflowCondition, Queue, RoutingRule, WorkStream
from routing.rules import (
    Route,
    SkillRequirement,
    combine_skill_requirements,
    find_route,
    get_fallback_queue,
    get_skill_requirements,
    get_time_facts,
)
from routing.variables.values import extract_values, format_value


@dataclass(frozen=True)
class DryRunInput:
    """A sample of a conversation's start: facts, time, and the operating hours of its time zone."""

    facts: Facts
    at: datetime
    operating_hours: OperatingHours | None = None


@dataclass(frozen=True)
class DryRunResult:
    """The route of the sample, explained line by line."""

    rule: RoutingRule | None
    queue: Queue
    skills: list[SkillRequirement] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    # The effect of the queue's overflow rules at that time.
    overflow_explanation: list[str] = field(default_factory=list)


class DryRunContext:
    """Supply a dry run with facts from above this package: the numbers and the conversations.

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


def run_dry_run(
    stream: WorkStream, sample: DryRunInput, count_waiting: Callable[[Queue], int] = lambda queue: 0
) -> DryRunResult:
    """Return which rule the sample would match, and why.

    Args:
        count_waiting: Returns how many conversations wait in a queue now.
    """
    fields = get_available_fields(stream)
    extracted = _extract_context_variables(stream, sample.facts)
    zone = operating_hours.get_time_zone(sample.operating_hours.time_zone if sample.operating_hours else "UTC")
    clock = f"{sample.operating_hours} ({zone.key})" if sample.operating_hours else zone.key
    facts = {**sample.facts, **extracted, **get_time_facts(sample.at, zone)}
    route = find_route(stream, facts, fields)
    lines = [
        f"Time: {sample.at.astimezone(zone):%A, %H:%M} in {clock}.",
        *(
            f"{fields[name].label} from the first message: “{format_value(value)}”."
            for name, value in extracted.items()
        ),
        *_explain_routing(stream, route, facts, fields),
        *_explain_skills(stream, facts, fields),
    ]
    overflow_lines = list(_explain_overflow(stream, route.queue, count_waiting, sample.at))
    skills = get_skill_requirements(stream, facts, fields)
    return DryRunResult(route.rule, route.queue, skills, lines, overflow_lines)


def _extract_context_variables(stream: WorkStream, facts: Facts) -> Facts:
    """Return the context variables that the first message contains and nobody typed."""
    extracted = extract_values(str(facts.get("first_message", "")), stream.context_variables.all())
    return {CONTEXT_PREFIX + name: value for name, value in extracted.items() if not facts.get(CONTEXT_PREFIX + name)}


def _explain_routing(stream: WorkStream, route: Route, facts: Facts, fields: AvailableFields) -> Iterator[str]:
    for rule in stream.routingrules.all():
        yield f"Rule “{rule}”: {explain_condition(rule.condition, facts, fields)}"
        if rule == route.rule:
            yield f"Routed to {route.queue}. Later rules are not checked."
            return
    yield f"Routed to {route.queue} (no rule matched, default queue)."


def _explain_skills(stream: WorkStream, facts: Facts, fields: AvailableFields) -> Iterator[str]:
    for rule in stream.skillrules.prefetch_related("skill_requirements__skill"):
        skills = ", ".join(str(requirement) for requirement in combine_skill_requirements([rule])) or "nothing"
        effect = f" Adds {skills}." if is_condition_met(rule.condition, facts, fields) else ""
        yield f"Skill rule “{rule}”: {explain_condition(rule.condition, facts, fields)}{effect}"


def _explain_overflow(
    stream: WorkStream, queue: Queue, count_waiting: Callable[[Queue], int], at: datetime
) -> Iterator[str]:
    """Yield what happens when the conversation enters the queue, and after waiting there."""
    if queue == get_fallback_queue(stream):
        yield f"{queue} is the fallback queue. Operating hours and limits are not checked."
        entry_rule = None
    else:
        waiting_count = count_waiting(queue)
        entry_rule = overflow.find_entry_rule(queue, waiting_count, at)
        yield (
            str(overflow.describe_outcome(entry_rule))
            if entry_rule
            else f"{queue} is open and below its limit: {_format_waiting_count(waiting_count)} now."
        )
    if entry_rule is None or entry_rule.action == OverflowAction.ASSIGN_ANYWAY:
        for rule in queue.overflow_rules.filter(condition=OverflowCondition.WAITING_TIME).select_related("target"):
            time = overflow.format_minutes(rule.limit or 0)
            yield f"If no agent in {queue} is available for {time}: {overflow.describe_effect(rule)}"


def _format_waiting_count(count: int) -> str:
    return "1 conversation waiting" if count == 1 else f"{count or 'no'} conversations waiting"
