"""Where a conversation goes and what it needs: the work stream's rules, asked in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from routing.conditions.evaluation import is_condition_met
from routing.conditions.fields import STANDARD_FIELDS, AvailableFields, Facts, get_available_fields
from routing.models import Queue, RoutingRule, Skill, SkillRule, WorkStream
from routing.models.rules import Rule

RuleT = TypeVar("RuleT", bound=Rule)


@dataclass(frozen=True)
class Route:
    """The queue a conversation goes to, and the rule that sent it; without one it goes to the fallback queue."""

    queue: Queue
    rule: RoutingRule | None = None


@dataclass(frozen=True)
class SkillRequirement:
    """A skill a conversation needs, and how well an agent has to have it."""

    skill: Skill
    rating: int

    def __str__(self) -> str:
        return f"{self.skill} ({self.rating})"


def get_time_facts(at: datetime, zone: tzinfo) -> dict[str, object]:
    """The facts that the clock in this time zone tells."""
    local = at.astimezone(zone)
    return {"weekday": local.weekday(), "time": local.time()}


def find_matching_rule(rules: Iterable[RuleT], facts: Facts, known: AvailableFields = STANDARD_FIELDS) -> RuleT | None:
    """The first rule that holds; None where none does."""
    return next((rule for rule in rules if is_condition_met(rule.condition, facts, known)), None)


def get_fallback_queue(stream: WorkStream) -> Queue:
    """Where the work stream's conversations go that no rule sends elsewhere."""
    return stream.fallback_queue or Queue.objects.get_default()


def find_route(stream: WorkStream, facts: Facts, known: AvailableFields | None = None) -> Route:
    """The queue of the first rule that holds, else the work stream's fallback queue, else the default one."""
    rules = stream.routingrules.select_related("queue")
    rule = find_matching_rule(rules, facts, known or get_available_fields(stream))
    return Route(rule.queue, rule) if rule else Route(get_fallback_queue(stream))


def get_skill_requirements(
    stream: WorkStream, facts: Facts, known: AvailableFields | None = None
) -> list[SkillRequirement]:
    """The skills of all rules that hold; where two ask for the same, the higher rating wins."""
    rules, known = (
        stream.skillrules.prefetch_related("skill_requirements__skill"),
        known or get_available_fields(stream),
    )
    return combine_skill_requirements(rule for rule in rules if is_condition_met(rule.condition, facts, known))


def combine_skill_requirements(rules: Iterable[SkillRule]) -> list[SkillRequirement]:
    """What these rules ask for together."""
    wanted: dict[Skill, int] = {}
    for rule in rules:
        for one in rule.skill_requirements.all():
            wanted[one.skill] = max(one.rating, wanted.get(one.skill, 0))
    return [SkillRequirement(skill, wanted[skill]) for skill in sorted(wanted, key=lambda skill: skill.name)]
