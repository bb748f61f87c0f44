"""Where a conversation goes and what it needs: the work stream's rules, asked in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from routing.conditions import holds
from routing.fields import FIELDS, Facts, Known, known_in
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


def moment(at: datetime, zone: tzinfo) -> dict[str, object]:
    """The facts that the clock in this time zone tells."""
    local = at.astimezone(zone)
    return {"weekday": local.weekday(), "time": local.time()}


def first_that_holds(rules: Iterable[AnyRule], facts: Facts, known: Known = FIELDS) -> AnyRule | None:
    """The first rule that holds; None where none does."""
    return next((rule for rule in rules if holds(rule.condition, facts, known)), None)


def fallback(stream: WorkStream) -> Queue:
    """Where the work stream's conversations go that no rule sends elsewhere."""
    return stream.fallback_queue or Queue.objects.default()


def route(stream: WorkStream, facts: Facts, known: Known | None = None) -> Route:
    """The queue of the first rule that holds, else the work stream's fallback queue, else the default one."""
    rules = stream.routingrules.select_related("queue")
    rule = first_that_holds(rules, facts, known or known_in(stream))
    return Route(rule.queue, rule) if rule else Route(fallback(stream))


def needs(stream: WorkStream, facts: Facts, known: Known | None = None) -> list[Need]:
    """The skills of all rules that hold; where two ask for the same, the higher rating wins."""
    rules, known = stream.skillrules.prefetch_related("needs__skill"), known or known_in(stream)
    return combined(rule for rule in rules if holds(rule.condition, facts, known))


def combined(rules: Iterable[SkillRule]) -> list[Need]:
    """What these rules ask for together."""
    wanted: dict[Skill, int] = {}
    for rule in rules:
        for one in rule.needs.all():
            wanted[one.skill] = max(one.rating, wanted.get(one.skill, 0))
    return [Need(skill, wanted[skill]) for skill in sorted(wanted, key=lambda skill: skill.name)]
