"""Where a conversation goes and what it needs: the work stream's rules, asked in order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TypeVar

from django.utils import timezone

from routing.conditions import Facts, explain, holds
from routing.models import Queue, RoutingRule, Skill, SkillRule, WorkStream
from routing.models.rules import Rule

AnyRule = TypeVar("AnyRule", bound=Rule)


@dataclass(frozen=True)
class Route:
    """The queue a conversation goes to, and the rule that sent it; without one it goes to the fallback queue."""

    queue: Queue
    rule: RoutingRule | None = None


@dataclass(frozen=True)
class Need:
    """A skill a conversation needs, and how well an agent has to have it."""

    skill: Skill
    rating: int

    def __str__(self) -> str:
        return f"{self.skill} ({self.rating})"


@dataclass(frozen=True)
class Trial:
    """What would become of a sample message, and why: a line for each rule."""

    rule: RoutingRule | None
    queue: Queue
    skills: list[Need] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def moment(at: datetime, zone: tzinfo) -> dict[str, object]:
    """The facts that the clock in this time zone tells."""
    local = at.astimezone(zone)
    return {"weekday": local.weekday(), "time": local.time()}


def first_that_holds(rules: Iterable[AnyRule], facts: Facts) -> AnyRule | None:
    """The first rule that holds; None where none does."""
    return next((rule for rule in rules if holds(rule.condition, facts)), None)


def fallback(stream: WorkStream) -> Queue:
    """Where the work stream's conversations go that no rule sends elsewhere."""
    return stream.fallback_queue or Queue.objects.default()


def route(stream: WorkStream, facts: Facts) -> Route:
    """The queue of the first rule that holds, else the work stream's fallback queue, else the default one."""
    rule = first_that_holds(stream.routingrules.select_related("queue"), facts)
    return Route(rule.queue, rule) if rule else Route(fallback(stream))


def needs(stream: WorkStream, facts: Facts) -> list[Need]:
    """The skills of all rules that hold; where two ask for the same, the higher rating wins."""
    rules = stream.skillrules.prefetch_related("needs__skill")
    return _combined(rule for rule in rules if holds(rule.condition, facts))


def _combined(rules: Iterable[SkillRule]) -> list[Need]:
    wanted: dict[Skill, int] = {}
    for rule in rules:
        for one in rule.needs.all():
            wanted[one.skill] = max(one.rating, wanted.get(one.skill, 0))
    return [Need(skill, wanted[skill]) for skill in sorted(wanted, key=lambda skill: skill.name)]


def try_it(stream: WorkStream, facts: Facts) -> Trial:
    """Which rule a message with these facts would hit, and why; the moment is now unless the facts say otherwise."""
    known = {**moment(timezone.now(), timezone.get_current_timezone()), **facts}
    routed, needed = route(stream, known), needs(stream, known)
    lines = [*_routing_lines(stream, routed, known), *_skill_lines(stream, known)]
    return Trial(routed.rule, routed.queue, needed, lines)


def _routing_lines(stream: WorkStream, routed: Route, facts: Facts) -> list[str]:
    lines = []
    for rule in stream.routingrules.all():
        lines.append(f"Rule “{rule}”: {explain(rule.condition, facts)}")
        if rule == routed.rule:
            return [*lines, f"Goes to {routed.queue}. Rules after this one are not asked."]
    return [*lines, f"Goes to {routed.queue}: no rule holds."]


def _skill_lines(stream: WorkStream, facts: Facts) -> list[str]:
    return [
        f"Skill rule “{rule}”: {explain(rule.condition, facts)}{_adds(rule) if holds(rule.condition, facts) else ''}"
        for rule in stream.skillrules.prefetch_related("needs__skill")
    ]


def _adds(rule: SkillRule) -> str:
    return f" Adds {', '.join(str(need) for need in _combined([rule])) or 'nothing'}."
