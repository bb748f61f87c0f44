"""A day at the desk played with the real engine: no database, no clock, the same seed gives the same day.

Seconds count from the opening. Work arrives at random, is offered to whom the engine chooses, accepted after a moment
or missed, worked on, and makes room for the next.
"""

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import mean

from routing.assignment.engine import AssignmentRequirements, Candidate, choose_agent
from routing.models.agents import BasePresence
from routing.models.queues import AssignmentMethod
from routing.models.work_streams import SkillMatching

OPENING_TIME = datetime(2026, 1, 5, 8, tzinfo=UTC)
OPEN_SECONDS, SHIFT_SECONDS = 10 * 3600, 8 * 3600
AGENT_CAPACITY, CONVERSATION_CAPACITY = 100, 30
ACCEPT_DELAY_RANGE, OFFER_SECONDS = (2.0, 40.0), 120.0
HANDLE_TIME_SIGMA = 0.35  # of the length of conversations; their mean stays the day's
SKILLS, RATINGS = range(1, 7), range(1, 11)


@dataclass(frozen=True)
class SimulationSettings:
    """What kind of day it is. `equal`: all agents are there all day, with the same queues and the same skills."""

    seed: int = 1
    agents: int = 200
    queues: int = 20
    conversations: int = 10_000
    method: AssignmentMethod = AssignmentMethod.HIGHEST_CAPACITY
    matching: SkillMatching = SkillMatching.CLOSEST
    handle_minutes: float = 15.0
    missed_offer_rate: float = 0.03  # of the offers
    skilled_work_rate: float = 0.3  # of the conversations
    has_identical_agents: bool = False


@dataclass
class SimulatedAgent:
    """An agent: when they are there, what they can, what they have."""

    candidate: Candidate
    queues: tuple[int, ...]
    shift_start: float = 0.0
    shift_end: float = float(OPEN_SECONDS)
    assigned_count: int = 0
    worked_seconds: float = 0.0  # seconds of conversations

    def add_conversations(self, conversations: int) -> None:
        one = self.candidate
        self.candidate = replace(
            one,
            free_capacity=one.free_capacity - conversations * CONVERSATION_CAPACITY,
            conversations_in_work_stream=one.conversations_in_work_stream + conversations,
        )

    def is_on_shift(self, at: float) -> bool:
        return self.shift_start <= at < self.shift_end


@dataclass(eq=False)
class SimulatedConversation:
    """A conversation: when it came, what it needs, who passed it over."""

    arrived_at: float
    queue: int
    skills: dict[int, int]
    excluded_agents: set[int] = field(default_factory=set)


@dataclass
class SimulationReport:
    """What became of the day."""

    waits_by_queue: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    unassigned_by_queue: dict[int, int] = field(default_factory=dict)
    assigned_per_agent: list[int] = field(default_factory=list)
    utilisation: float = 0.0
    skilled_count: int = 0
    matched_count: int = 0
    missed_count: int = 0

    @property
    def skill_match_rate(self) -> float:
        """How much of the work that needs skills went to somebody who has them all."""
        return self.matched_count / self.skilled_count if self.skilled_count else 1.0

    @property
    def max_to_mean_ratio(self) -> float:
        return max(self.assigned_per_agent) / mean(self.assigned_per_agent)


class Simulation:
    """Plays one day, event by event."""

    def __init__(self, day: SimulationSettings) -> None:
        self.settings, self.rng, self.report = day, random.Random(day.seed), SimulationReport()  # noqa: S311 (no secret)
        self.agents = {pk: self._build_agent(pk) for pk in range(1, day.agents + 1)}
        self.agents_by_queue = {
            queue: [one for one in self.agents.values() if queue in one.queues] for queue in self.queues
        }
        self.waiting: dict[int, deque[SimulatedConversation]] = {queue: deque() for queue in self.queues}
        self.events: list[tuple[float, int, str, SimulatedConversation | None, int]] = []
        self._order = count()

    @property
    def queues(self) -> range:
        return range(1, self.settings.queues + 1)

    def run(self) -> SimulationReport:
        """Until everything that was accepted is finished; nothing is handed out after closing time."""
        for new in self._generate_arrivals():
            self._schedule(new.arrived_at, "arrives", new)
        for pk, person in self.agents.items():
            self._schedule(person.shift_start, "comes", None, pk)
        while self.events:
            at, _, what, item, pk = heapq.heappop(self.events)
            getattr(self, f"_{what}")(at, item, pk)
        return self._build_report()

    # -- What happens -------------------------------------------------------------------------------------------------

    def _handle_arrival(self, at: float, item: SimulatedConversation, pk: int) -> None:
        self.waiting[item.queue].append(item)
        self._assign_waiting(at, [item.queue])

    def _handle_shift_start(self, at: float, item: None, pk: int) -> None:
        self._assign_waiting(at, self.agents[pk].queues)

    def _handle_acceptance(self, at: float, item: SimulatedConversation, pk: int) -> None:
        person, known = self.agents[pk], self.agents[pk].candidate.skills
        person.assigned_count += 1
        self.report.waits_by_queue[item.queue].append(at - item.arrived_at)
        self.report.skilled_count += bool(item.skills)
        has_all = all(known.get(skill, 0) >= rating for skill, rating in item.skills.items())
        self.report.matched_count += bool(item.skills) and has_all
        takes = (
            self.rng.lognormvariate(-HANDLE_TIME_SIGMA * HANDLE_TIME_SIGMA / 2, HANDLE_TIME_SIGMA)
            * self.settings.handle_minutes
            * 60
        )
        person.worked_seconds += takes
        self._schedule(at + takes, "finishes", item, pk)

    def _handle_missed_offer(self, at: float, item: SimulatedConversation, pk: int) -> None:
        self.report.missed_count += 1
        item.excluded_agents.add(pk)
        self.agents[pk].add_conversations(-1)
        self.waiting[item.queue].appendleft(item)  # it keeps its place
        self._assign_waiting(at, self.agents[pk].queues)

    def _handle_completion(self, at: float, item: SimulatedConversation, pk: int) -> None:
        self.agents[pk].add_conversations(-1)
        self._assign_waiting(at, self.agents[pk].queues)

    def _assign_waiting(self, at: float, queues: Iterable[int]) -> None:
        """Offer what waits in these queues, the smallest number first, as far as somebody can take it."""
        if at >= OPEN_SECONDS:
            return
        for queue in sorted(queues):
            kept: deque[SimulatedConversation] = deque()
            while self.waiting[queue]:
                item = self.waiting[queue].popleft()
                if not self._offer(at, item):
                    kept.append(item)
                    if not item.skills and not item.excluded_agents:
                        break  # nobody has room
            kept.extend(self.waiting[queue])
            self.waiting[queue] = kept

    def _offer(self, at: float, item: SimulatedConversation) -> bool:
        there = [one.candidate for one in self.agents_by_queue[item.queue] if one.is_on_shift(at)]
        choice = choose_agent(self._build_requirements(item), there)
        if choice.agent_id is None:
            return False
        person = self.agents[choice.agent_id]
        person.add_conversations(1)
        moment = OPENING_TIME + timedelta(seconds=at, microseconds=next(self._order))
        person.candidate = replace(person.candidate, last_assigned_at=moment)
        if self.rng.random() < self.settings.missed_offer_rate:
            self._schedule(at + OFFER_SECONDS, "misses", item, choice.agent_id)
        else:
            self._schedule(at + self.rng.uniform(*ACCEPT_DELAY_RANGE), "accepts", item, choice.agent_id)
        return True

    # -- What there is ------------------------------------------------------------------------------------------------

    def _build_requirements(self, item: SimulatedConversation) -> AssignmentRequirements:
        matching = self.settings.matching if item.skills else SkillMatching.NONE
        return AssignmentRequirements(
            CONVERSATION_CAPACITY,
            item.skills,
            matching,
            self.settings.method,
            excluded_agents=frozenset(item.excluded_agents),
        )

    def _build_agent(self, pk: int) -> SimulatedAgent:
        """Each works in two queues, or in all of them on an equal day."""
        if self.settings.has_identical_agents:
            return SimulatedAgent(Candidate(pk, AGENT_CAPACITY, BasePresence.AVAILABLE), tuple(self.queues))
        home = (pk - 1) % self.settings.queues + 1
        skills = {skill: self.rng.choice(RATINGS) for skill in self.rng.sample(SKILLS, 3)}
        begins = self.rng.choice((0, 0, 3600, 7200))
        capacity = self.rng.choice((AGENT_CAPACITY, AGENT_CAPACITY, 2 * AGENT_CAPACITY // 3))
        queues = (home, home % self.settings.queues + 1)
        return SimulatedAgent(Candidate(pk, capacity, skills=skills), queues, begins, begins + SHIFT_SECONDS)

    def _generate_arrivals(self) -> Iterator[SimulatedConversation]:
        """More in the middle of the day than at its ends."""
        for _ in range(self.settings.conversations):
            needed = {}
            if not self.settings.has_identical_agents and self.rng.random() < self.settings.skilled_work_rate:
                needed = {skill: self.rng.randint(2, 6) for skill in self.rng.sample(SKILLS, 1)}
            at = self.rng.triangular(0, OPEN_SECONDS, OPEN_SECONDS / 2)
            yield SimulatedConversation(at, self.rng.choice(self.queues), needed)

    def _schedule(self, at: float, what: str, item: SimulatedConversation | None, pk: int = 0) -> None:
        heapq.heappush(self.events, (at, next(self._order), what, item, pk))

    def _build_report(self) -> SimulationReport:
        report = self.report
        report.unassigned_by_queue = {queue: len(items) for queue, items in self.waiting.items()}
        report.assigned_per_agent = [person.assigned_count for person in self.agents.values()]
        seats = sum(
            (one.candidate.free_capacity // CONVERSATION_CAPACITY) * (one.shift_end - one.shift_start)
            for one in self.agents.values()
        )
        report.utilisation = sum(one.worked_seconds for one in self.agents.values()) / seats
        return report


def run_simulation(day: SimulationSettings) -> SimulationReport:
    """Play this day."""
    return Simulation(day).run()
