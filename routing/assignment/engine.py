"""Who gets a piece of work: values in, a choice and its reason in words out, without a database or a clock."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from django.utils.translation import gettext_noop

from omnichannel.core.localized_text import LocalizedText, localized
from routing.models.agents import BasePresence
from routing.models.queues import AssignmentMethod
from routing.models.work_streams import SkillMatching

NO_OBSTACLES: Mapping[LocalizedText, int] = MappingProxyType({})
EMPTY_TEXT = LocalizedText("")
NO_AGENTS_TEXT = gettext_noop("Nobody works in this queue.")
ONLY_SUITABLE_TEXT = gettext_noop("the only one who can take it (%(free)s units free).")
ONLY_SUITABLE_WITH_OTHERS_TEXT = gettext_noop(
    "the only one who can take it (%(free)s units free); not considered: %(others)s."
)
BEST_TEXT = gettext_noop("%(criterion)s of %(suitable)s who can take it (%(free)s units free).")
BEST_WITH_OTHERS_TEXT = gettext_noop(
    "%(criterion)s of %(suitable)s who can take it (%(free)s units free); not considered: %(others)s."
)
NEVER_ASSIGNED = datetime.min.replace(tzinfo=UTC)
# Closest match: an equal rating counts 0, a higher one a little, a lower one more than any number of higher ones.
HIGHER_RATING_PENALTY, LOWER_RATING_PENALTY = 1.0, 100.0


@dataclass(frozen=True)
class AssignmentRequirements:
    """What a piece of work asks of the agent who gets it."""

    capacity: int
    skills: Mapping[int, int] = field(default_factory=dict)  # skill: rating
    matching: SkillMatching = SkillMatching.NONE
    method: AssignmentMethod = AssignmentMethod.HIGHEST_CAPACITY
    allowed_presences: frozenset[str] = frozenset({BasePresence.AVAILABLE, BasePresence.BUSY})
    excluded_agents: frozenset[int] = frozenset()  # rejected it, let it time out, gave it back
    deprioritized_agents: frozenset[int] = (
        frozenset()
    )  # the same, but long enough ago to be asked again before nobody is
    disconnected_agents: frozenset[int] = frozenset()  # had it and lost the connection
    skill_names: Mapping[int, str] = field(default_factory=dict)

    @property
    def accepts_any_agent(self) -> bool:
        """Whether any agent with room will do: if nobody can take this, nobody can take more demanding work either."""
        return self.matching != SkillMatching.EXACT and not self.excluded_agents


@dataclass(frozen=True)
class Candidate:
    """An agent of the queue, as far as a choice needs to know them."""

    agent_id: int
    free_capacity: int
    presence: str = BasePresence.AVAILABLE
    conversations_in_work_stream: int = 0
    last_assigned_at: datetime | None = None
    skills: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The agent who gets it and what decided; or None. And how many agents there were with which obstacle."""

    agent_id: int | None
    criterion: LocalizedText = EMPTY_TEXT
    free_capacity: int = 0
    suitable_count: int = 0
    obstacle_counts: Mapping[LocalizedText, int] = field(default_factory=dict)

    def explain(self, more: Mapping[LocalizedText, int] = NO_OBSTACLES) -> LocalizedText:
        """Why this agent, or why nobody, for the timeline; with `more` agents who were never candidates."""
        obstacle_counts = {**self.obstacle_counts, **more}
        others = [
            localized("%(count)s %(obstacle)s", count=count, obstacle=one)
            for one, count in sorted(obstacle_counts.items(), key=lambda item: item[0].msgid)
            if count
        ]
        if self.agent_id is not None:
            return self._explain_choice(others)
        return (
            localized("Nobody can take it now: %(others)s.", others=others) if others else LocalizedText(NO_AGENTS_TEXT)
        )

    def _explain_choice(self, others: Sequence[LocalizedText]) -> LocalizedText:
        known = {"free": self.free_capacity, "others": others}
        if self.suitable_count == 1:
            return localized(ONLY_SUITABLE_WITH_OTHERS_TEXT if others else ONLY_SUITABLE_TEXT, **known)
        known |= {"criterion": self.criterion, "suitable": self.suitable_count}
        return localized(BEST_WITH_OTHERS_TEXT if others else BEST_TEXT, **known)


RankFunction = Callable[[Candidate], float]


def choose_agent(need: AssignmentRequirements, candidates: Sequence[Candidate]) -> Choice:
    """The best of those who can take it: filtered as documented, then ordered as the queue says."""
    reasons: Counter[LocalizedText] = Counter()
    suitable: list[Candidate] = []
    for candidate in candidates:
        obstacle = _find_obstacle(need, candidate)
        if obstacle:
            reasons[obstacle] += 1
        else:
            suitable.append(candidate)
    if not suitable:
        return Choice(None, obstacle_counts=reasons)
    best, criterion = _choose_best(need, suitable)
    return Choice(best.agent_id, criterion, best.free_capacity, len(suitable), reasons)


def _find_obstacle(need: AssignmentRequirements, candidate: Candidate) -> LocalizedText | None:
    """Why this agent can't have it, in words that follow a number; None where nothing is in the way."""
    if candidate.presence not in need.allowed_presences:
        return localized("not showing an allowed presence")
    if candidate.free_capacity < need.capacity:
        return localized("without %(needed)s units of free capacity", needed=need.capacity)
    if candidate.agent_id in need.excluded_agents:
        return localized("who rejected it, missed it or gave it back")
    if need.matching == SkillMatching.EXACT:
        lacks = [skill for skill, rating in need.skills.items() if candidate.skills.get(skill, 0) < rating]
        if lacks:
            name = need.skill_names.get(lacks[0]) or localized("a skill")
            return localized("lacking %(skill)s %(rating)s", skill=name, rating=need.skills[lacks[0]])
    return None


def _choose_best(need: AssignmentRequirements, suitable: Sequence[Candidate]) -> tuple[Candidate, LocalizedText]:
    """The first in order, and the criterion that decided."""
    pool, criterion = list(suitable), EMPTY_TEXT
    for words, rank in _get_criteria(need):
        least = min(map(rank, pool))
        pool = [candidate for candidate in pool if rank(candidate) == least]
        criterion = words
        if len(pool) == 1:
            break
    return min(pool, key=lambda candidate: candidate.agent_id), criterion


def _get_criteria(need: AssignmentRequirements) -> list[tuple[LocalizedText, RankFunction]]:
    order: list[tuple[LocalizedText, RankFunction]] = []
    if need.deprioritized_agents:
        order.append((localized("has not passed it over"), lambda one: one.agent_id in need.deprioritized_agents))
    if need.matching == SkillMatching.CLOSEST and need.skills:
        order.append((localized("closest skills"), lambda one: get_skill_distance(need.skills, one.skills)))
    order += CRITERIA_BY_METHOD[need.method]
    if need.disconnected_agents:
        order.append((localized("had it before"), lambda one: one.agent_id not in need.disconnected_agents))
    return order


def _rank_by_last_assignment(candidate: Candidate) -> float:
    # A whole number: a float of so many seconds can't tell two turns in one batch apart.
    return ((candidate.last_assigned_at or NEVER_ASSIGNED) - NEVER_ASSIGNED) // timedelta(microseconds=1)


CRITERIA_BY_METHOD: dict[AssignmentMethod, list[tuple[LocalizedText, RankFunction]]] = {
    AssignmentMethod.HIGHEST_CAPACITY: [
        (localized("most free capacity"), lambda one: -one.free_capacity),
        (localized("fewest conversations of this work stream"), lambda one: one.conversations_in_work_stream),
        (localized("longest without new work"), _rank_by_last_assignment),
    ],
    AssignmentMethod.ROUND_ROBIN: [(localized("next in turn"), _rank_by_last_assignment)],
}


def get_skill_distance(required: Mapping[int, int], skills: Mapping[int, int]) -> float:
    """How far somebody's skills are from what is required, averaged: equal, then higher, then lower or lacking."""
    gaps = [skills.get(skill, 0) - rating for skill, rating in required.items()]
    away = [
        0.0 if not gap else (HIGHER_RATING_PENALTY + gap / 100 if gap > 0 else LOWER_RATING_PENALTY - gap)
        for gap in gaps
    ]
    return sum(away) / len(away)
