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
    missed: float = 0.03  # of the offers
    needs_skills: float = 0.3  # of the conversations
    equal: bool = False


@dataclass
class SimulatedAgent:
    """An agent: when they are there, what they can, what they have."""

    candidate: Candidate
    queues: tuple[int, ...]
    begins: float = 0.0
    ends: float = float(OPEN_SECONDS)
    given: int = 0
    worked: float = 0.0  # seconds of conversations

    def add(self, conversations: int) -> None:
        one = self.candidate
        self.candidate = replace(
            one,
            free=one.free - conversations * CONVERSATION_CAPACITY,
            sessions_in_stream=one.sessions_in_stream + conversations,
        )

    def is_there(self, at: float) -> bool:
        return self.begins <= at < self.ends


@dataclass(eq=False)
class SimulatedConversation:
    """A conversation: when it came, what it needs, who passed it over."""

    arrived: float
    queue: int
    skills: dict[int, int]
    passed_over: set[int] = field(default_factory=set)


@dataclass
class SimulationReport:
    """What became of the day."""

    waits: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    left: dict[int, int] = field(default_factory=dict)
    given: list[int] = field(default_factory=list)
    utilisation: float = 0.0
    needed: int = 0
    matched: int = 0
    missed: int = 0

    @property
    def match_rate(self) -> float:
        """How much of the work that needs skills went to somebody who has them all."""
        return self.matched / self.needed if self.needed else 1.0

    @property
    def busiest_to_mean(self) -> float:
        return max(self.given) / mean(self.given)


class Simulation:
    """Plays one day, event by event."""

    def __init__(self, day: SimulationSettings) -> None:
        self.day, self.chance, self.report = day, random.Random(day.seed), SimulationReport()  # noqa: S311 (no secret)
        self.people = {pk: self._person(pk) for pk in range(1, day.agents + 1)}
        self.members = {queue: [one for one in self.people.values() if queue in one.queues] for queue in self.queues}
        self.waiting: dict[int, deque[SimulatedConversation]] = {queue: deque() for queue in self.queues}
        self.events: list[tuple[float, int, str, SimulatedConversation | None, int]] = []
        self._order = count()

    @property
    def queues(self) -> range:
        return range(1, self.day.queues + 1)

    def run(self) -> SimulationReport:
        """Until everything that was accepted is finished; nothing is handed out after closing time."""
        for new in self._arrivals():
            self._later(new.arrived, "arrives", new)
        for pk, person in self.people.items():
            self._later(person.begins, "comes", None, pk)
        while self.events:
            at, _, what, item, pk = heapq.heappop(self.events)
            getattr(self, f"_{what}")(at, item, pk)
        return self._close()

    # -- What happens -------------------------------------------------------------------------------------------------

    def _arrives(self, at: float, item: SimulatedConversation, pk: int) -> None:
        self.waiting[item.queue].append(item)
        self._hand_out(at, [item.queue])

    def _comes(self, at: float, item: None, pk: int) -> None:
        self._hand_out(at, self.people[pk].queues)

    def _accepts(self, at: float, item: SimulatedConversation, pk: int) -> None:
        person, known = self.people[pk], self.people[pk].candidate.skills
        person.given += 1
        self.report.waits[item.queue].append(at - item.arrived)
        self.report.needed += bool(item.skills)
        has_all = all(known.get(skill, 0) >= rating for skill, rating in item.skills.items())
        self.report.matched += bool(item.skills) and has_all
        takes = (
            self.chance.lognormvariate(-HANDLE_TIME_SIGMA * HANDLE_TIME_SIGMA / 2, HANDLE_TIME_SIGMA)
            * self.day.handle_minutes
            * 60
        )
        person.worked += takes
        self._later(at + takes, "finishes", item, pk)

    def _misses(self, at: float, item: SimulatedConversation, pk: int) -> None:
        self.report.missed += 1
        item.passed_over.add(pk)
        self.people[pk].add(-1)
        self.waiting[item.queue].appendleft(item)  # it keeps its place
        self._hand_out(at, self.people[pk].queues)

    def _finishes(self, at: float, item: SimulatedConversation, pk: int) -> None:
        self.people[pk].add(-1)
        self._hand_out(at, self.people[pk].queues)

    def _hand_out(self, at: float, queues: Iterable[int]) -> None:
        """Offer what waits in these queues, the smallest number first, as far as somebody can take it."""
        if at >= OPEN_SECONDS:
            return
        for queue in sorted(queues):
            kept: deque[SimulatedConversation] = deque()
            while self.waiting[queue]:
                item = self.waiting[queue].popleft()
                if not self._offer(at, item):
                    kept.append(item)
                    if not item.skills and not item.passed_over:
                        break  # nobody has room
            kept.extend(self.waiting[queue])
            self.waiting[queue] = kept

    def _offer(self, at: float, item: SimulatedConversation) -> bool:
        there = [one.candidate for one in self.members[item.queue] if one.is_there(at)]
        choice = choose_agent(self._need(item), there)
        if choice.agent_id is None:
            return False
        person = self.people[choice.agent_id]
        person.add(1)
        moment = OPENING_TIME + timedelta(seconds=at, microseconds=next(self._order))
        person.candidate = replace(person.candidate, last_assigned_at=moment)
        if self.chance.random() < self.day.missed:
            self._later(at + OFFER_SECONDS, "misses", item, choice.agent_id)
        else:
            self._later(at + self.chance.uniform(*ACCEPT_DELAY_RANGE), "accepts", item, choice.agent_id)
        return True

    # -- What there is ------------------------------------------------------------------------------------------------

    def _need(self, item: SimulatedConversation) -> AssignmentRequirements:
        matching = self.day.matching if item.skills else SkillMatching.NONE
        return AssignmentRequirements(
            CONVERSATION_CAPACITY, item.skills, matching, self.day.method, passed_over=frozenset(item.passed_over)
        )

    def _person(self, pk: int) -> SimulatedAgent:
        """Each works in two queues, or in all of them on an equal day."""
        if self.day.equal:
            return SimulatedAgent(Candidate(pk, AGENT_CAPACITY, BasePresence.AVAILABLE), tuple(self.queues))
        home = (pk - 1) % self.day.queues + 1
        skills = {skill: self.chance.choice(RATINGS) for skill in self.chance.sample(SKILLS, 3)}
        begins = self.chance.choice((0, 0, 3600, 7200))
        capacity = self.chance.choice((AGENT_CAPACITY, AGENT_CAPACITY, 2 * AGENT_CAPACITY // 3))
        queues = (home, home % self.day.queues + 1)
        return SimulatedAgent(Candidate(pk, capacity, skills=skills), queues, begins, begins + SHIFT_SECONDS)

    def _arrivals(self) -> Iterator[SimulatedConversation]:
        """More in the middle of the day than at its ends."""
        for _ in range(self.day.conversations):
            needed = {}
            if not self.day.equal and self.chance.random() < self.day.needs_skills:
                needed = {skill: self.chance.randint(2, 6) for skill in self.chance.sample(SKILLS, 1)}
            at = self.chance.triangular(0, OPEN_SECONDS, OPEN_SECONDS / 2)
            yield SimulatedConversation(at, self.chance.choice(self.queues), needed)

    def _later(self, at: float, what: str, item: SimulatedConversation | None, pk: int = 0) -> None:
        heapq.heappush(self.events, (at, next(self._order), what, item, pk))

    def _close(self) -> SimulationReport:
        report = self.report
        report.left = {queue: len(items) for queue, items in self.waiting.items()}
        report.given = [person.given for person in self.people.values()]
        seats = sum(
            (one.candidate.free // CONVERSATION_CAPACITY) * (one.ends - one.begins) for one in self.people.values()
        )
        report.utilisation = sum(one.worked for one in self.people.values()) / seats
        return report


def run_simulation(day: SimulationSettings) -> SimulationReport:
    """Play this day."""
    return Simulation(day).run()
