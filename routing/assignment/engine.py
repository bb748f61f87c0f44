"""Choose the agent for a work item, with the reason as text: pure functions without database access."""

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
NO_AGENTS_TEXT = gettext_noop("This queue has no agents.")
ONLY_SUITABLE_TEXT = gettext_noop("only agent available")
BEST_TEXT = gettext_noop("%(criterion)s of %(suitable)s available agents")
CAPACITY_TEXT = gettext_noop("%(free)s units free")
CAPACITY_AND_OTHERS_TEXT = gettext_noop("%(free)s units free; not considered: %(others)s")
NEVER_ASSIGNED = datetime.min.replace(tzinfo=UTC)
# Closest match: an equal rating counts 0, a higher one a little, a lower one more than any number of higher ones.
HIGHER_RATING_PENALTY, LOWER_RATING_PENALTY = 1.0, 100.0


@dataclass(frozen=True)
class AssignmentRequirements:
    """Requirements of a work item for its agent."""

    capacity: int
    skills: Mapping[int, int] = field(default_factory=dict)  # skill: rating
    matching: SkillMatching = SkillMatching.NONE
    method: AssignmentMethod = AssignmentMethod.HIGHEST_CAPACITY
    allowed_presences: frozenset[str] = frozenset({BasePresence.AVAILABLE, BasePresence.BUSY})
    excluded_agents: frozenset[int] = frozenset()  # rejected it, let it time out or gave it back
    # The same, but so long ago that they get it before nobody does.
    deprioritized_agents: frozenset[int] = frozenset()
    disconnected_agents: frozenset[int] = frozenset()  # had it and lost the connection
    skill_names: Mapping[int, str] = field(default_factory=dict)

    @property
    def accepts_any_agent(self) -> bool:
        """Return whether any agent with free capacity suits.

        If nobody can take such an item, nobody can take a more demanding one.
        """
        return self.matching != SkillMatching.EXACT and not self.excluded_agents


@dataclass(frozen=True)
class Candidate:
    """An agent of the queue, with the values on which the choice depends."""

    agent_id: int
    free_capacity: int
    presence: str = BasePresence.AVAILABLE
    conversations_in_work_stream: int = 0
    last_assigned_at: datetime | None = None
    skills: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The result of a choice.

    Attributes:
        agent_id: The chosen agent; None if nobody is suitable.
        criterion: The criterion that decided.
        free_capacity: Free units of the chosen agent.
        suitable_count: Number of suitable agents.
        obstacle_counts: Number of unsuitable agents, by obstacle.
    """

    agent_id: int | None
    criterion: LocalizedText = EMPTY_TEXT
    free_capacity: int = 0
    suitable_count: int = 0
    obstacle_counts: Mapping[LocalizedText, int] = field(default_factory=dict)

    @property
    def reason(self) -> LocalizedText:
        """Return why the agent was chosen, in a few words."""
        if self.suitable_count == 1:
            return LocalizedText(ONLY_SUITABLE_TEXT)
        return localized(BEST_TEXT, criterion=self.criterion, suitable=self.suitable_count)

    def get_details(self, more: Mapping[LocalizedText, int] = NO_OBSTACLES) -> LocalizedText:
        """Return the capacity of the chosen agent, and why other agents were not considered.

        Args:
            more: Counts of agents who were never candidates, by obstacle.
        """
        if others := self._list_obstacles(more):
            return localized(CAPACITY_AND_OTHERS_TEXT, free=self.free_capacity, others=others)
        return localized(CAPACITY_TEXT, free=self.free_capacity)

    def explain_refusal(self, more: Mapping[LocalizedText, int] = NO_OBSTACLES) -> LocalizedText:
        """Return why no agent was chosen.

        Args:
            more: Counts of agents who were never candidates, by obstacle.
        """
        others = self._list_obstacles(more)
        return localized("No agent available: %(others)s.", others=others) if others else LocalizedText(NO_AGENTS_TEXT)

    def _list_obstacles(self, more: Mapping[LocalizedText, int]) -> list[LocalizedText]:
        counts = Counter(self.obstacle_counts) + Counter(more)
        return [
            localized("%(count)s %(obstacle)s", count=count, obstacle=obstacle)
            for obstacle, count in sorted(counts.items(), key=lambda item: item[0].msgid)
        ]


RankFunction = Callable[[Candidate], float]


def choose_agent(need: AssignmentRequirements, candidates: Sequence[Candidate]) -> Choice:
    """Choose the best suitable candidate: filter by the requirements, then order by the queue's method."""
    obstacle_counts: Counter[LocalizedText] = Counter()
    suitable: list[Candidate] = []
    for candidate in candidates:
        obstacle = _find_obstacle(need, candidate)
        if obstacle:
            obstacle_counts[obstacle] += 1
        else:
            suitable.append(candidate)
    if not suitable:
        return Choice(None, obstacle_counts=obstacle_counts)
    best, criterion = _choose_best(need, suitable)
    return Choice(best.agent_id, criterion, best.free_capacity, len(suitable), obstacle_counts)


def _find_obstacle(need: AssignmentRequirements, candidate: Candidate) -> LocalizedText | None:
    """Return why this agent can't take it, as words that follow a number ("3 …"); None if they can."""
    if candidate.presence not in need.allowed_presences:
        return get_presence_obstacle(BasePresence(candidate.presence).label)
    if candidate.free_capacity < need.capacity:
        return localized("at capacity (%(needed)s units needed)", needed=need.capacity)
    if candidate.agent_id in need.excluded_agents:
        return localized("already rejected, missed or returned it")
    if need.matching == SkillMatching.EXACT:
        lacks = [skill for skill, rating in need.skills.items() if candidate.skills.get(skill, 0) < rating]
        if lacks:
            name = need.skill_names.get(lacks[0]) or localized("a skill")
            return localized("missing %(skill)s %(rating)s", skill=name, rating=need.skills[lacks[0]])
    return None


def get_presence_obstacle(presence: str) -> LocalizedText:
    """Return the obstacle of agents with a presence that the work stream does not allow, by the presence's text."""
    return localized("with presence %(presence)s", presence=LocalizedText(presence))


def _choose_best(need: AssignmentRequirements, suitable: Sequence[Candidate]) -> tuple[Candidate, LocalizedText]:
    """Return the first candidate in order, and the criterion that decided."""
    pool, criterion = list(suitable), EMPTY_TEXT
    for text, rank in _get_criteria(need):
        lowest = min(map(rank, pool))
        pool = [candidate for candidate in pool if rank(candidate) == lowest]
        criterion = text
        if len(pool) == 1:
            break
    return min(pool, key=lambda candidate: candidate.agent_id), criterion


def _get_criteria(need: AssignmentRequirements) -> list[tuple[LocalizedText, RankFunction]]:
    order: list[tuple[LocalizedText, RankFunction]] = []
    if need.deprioritized_agents:
        order.append(
            (localized("has not rejected it"), lambda candidate: candidate.agent_id in need.deprioritized_agents)
        )
    if need.matching == SkillMatching.CLOSEST and need.skills:
        order.append((localized("closest skills"), lambda candidate: get_skill_distance(need.skills, candidate.skills)))
    order += CRITERIA_BY_METHOD[need.method]
    if need.disconnected_agents:
        order.append(
            (localized("previous agent"), lambda candidate: candidate.agent_id not in need.disconnected_agents)
        )
    return order


def _rank_by_last_assignment(candidate: Candidate) -> float:
    # Whole microseconds: a float of so many seconds is too coarse to tell two turns of one batch apart.
    return ((candidate.last_assigned_at or NEVER_ASSIGNED) - NEVER_ASSIGNED) // timedelta(microseconds=1)


CRITERIA_BY_METHOD: dict[AssignmentMethod, list[tuple[LocalizedText, RankFunction]]] = {
    AssignmentMethod.HIGHEST_CAPACITY: [
        (localized("most free capacity"), lambda candidate: -candidate.free_capacity),
        (
            localized("fewest conversations in this work stream"),
            lambda candidate: candidate.conversations_in_work_stream,
        ),
        (localized("longest since last assignment"), _rank_by_last_assignment),
    ],
    AssignmentMethod.ROUND_ROBIN: [(localized("next in rotation"), _rank_by_last_assignment)],
}


def get_skill_distance(required: Mapping[int, int], skills: Mapping[int, int]) -> float:
    """Return the average distance of skills from the required ratings.

    An equal rating is closest, then a higher one, then a lower or missing one.
    """
    gaps = [skills.get(skill, 0) - rating for skill, rating in required.items()]
    distances = [
        0.0 if not gap else (HIGHER_RATING_PENALTY + gap / 100 if gap > 0 else LOWER_RATING_PENALTY - gap)
        for gap in gaps
    ]
    return sum(distances) / len(distances)
