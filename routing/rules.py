"""Apply a work stream's rules: the queue a conversation goes to, and the skills it requires."""

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
    """The queue a conversation goes to, and the rule that sent it; None for the fallback queue."""

    queue: Queue
    rule: RoutingRule | None = None


@dataclass(frozen=True)
class SkillRequirement:
    """A skill that a conversation requires, with the minimum proficiency."""

    skill: Skill
    rating: int

    def __str__(self) -> str:
        return f"{self.skill} ({self.rating})"


def get_time_facts(at: datetime, zone: tzinfo) -> dict[str, object]:
    """Return the weekday and the time of day in this time zone."""
    local = at.astimezone(zone)
    return {"weekday": local.weekday(), "time": local.time()}


def find_matching_rule(rules: Iterable[RuleT], facts: Facts, fields: AvailableFields = STANDARD_FIELDS) -> RuleT | None:
    """Return the first rule that holds; None if there is none."""
    return next((rule for rule in rules if is_condition_met(rule.condition, facts, fields)), None)


def get_fallback_queue(stream: WorkStream) -> Queue:
    """Return the queue for the work stream's conversations that no rule sends elsewhere."""
    return stream.fallback_queue or Queue.objects.get_default()


def find_route(stream: WorkStream, facts: Facts, fields: AvailableFields | None = None) -> Route:
    """Return the route to the queue of the first rule that holds, else to the fallback queue."""
    rules = stream.routingrules.select_related("queue")
    rule = find_matching_rule(rules, facts, fields or get_available_fields(stream))
    return Route(rule.queue, rule) if rule else Route(get_fallback_queue(stream))


def get_skill_requirements(
    stream: WorkStream, facts: Facts, fields: AvailableFields | None = None
) -> list[SkillRequirement]:
    """Return the skills required by all rules that hold; of two ratings of a skill the higher counts."""
    rules = stream.skillrules.prefetch_related("skill_requirements__skill")
    fields = fields or get_available_fields(stream)
    return combine_skill_requirements(rule for rule in rules if is_condition_met(rule.condition, facts, fields))


def combine_skill_requirements(rules: Iterable[SkillRule]) -> list[SkillRequirement]:
    """Return the skills required by these rules together, in the order of their names."""
    ratings: dict[Skill, int] = {}
    for rule in rules:
        for requirement in rule.skill_requirements.all():
            ratings[requirement.skill] = max(requirement.rating, ratings.get(requirement.skill, 0))
    return [SkillRequirement(skill, ratings[skill]) for skill in sorted(ratings, key=lambda skill: skill.name)]
