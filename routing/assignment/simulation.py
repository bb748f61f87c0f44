"""Simulate a day at the desk with the real engine, without a database and a clock.

The same seed gives the same day. Times are seconds since the opening. Conversations arrive at random, are offered
to the agent the engine chooses, accepted after a moment or missed, worked on, and make room for the next.
"""

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
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
HANDLE_TIME_SIGMA = 0.35  # spread of the handle time; its mean stays that of the settings
SKILLS, RATINGS = range(1, 7), range(1, 11)

# Called with the time of the event, in seconds since the opening.
EventHandler = Callable[[float], None]


@dataclass(frozen=True)
class SimulationSettings:
    """The settings of a day.

    With `has_identical_agents` all agents are on shift all day, in the same queues and without skills.
    """

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
    """An agent: their shift, their queues, and the candidate the engine sees."""

    candidate: Candidate
    queues: tuple[int, ...]
    shift_start: float = 0.0
    shift_end: float = float(OPEN_SECONDS)
    assigned_count: int = 0
    worked_seconds: float = 0.0  # seconds of conversations

    def add_conversations(self, conversations: int) -> None:
        """Add to the agent's conversations, or remove some if the number is negative."""
        candidate = self.candidate
        self.candidate = replace(
            candidate,
            free_capacity=candidate.free_capacity - conversations * CONVERSATION_CAPACITY,
            conversations_in_work_stream=candidate.conversations_in_work_stream + conversations,
        )

    def is_on_shift(self, at: float) -> bool:
        """Return whether the agent is on shift at this time."""
        return self.shift_start <= at < self.shift_end


@dataclass(eq=False)
class SimulatedConversation:
    """A conversation: when it arrived, the skills it needs, and the agents who missed it."""

    arrived_at: float
    queue: int
    skills: dict[int, int]
    excluded_agents: set[int] = field(default_factory=set)


@dataclass
class SimulationReport:
    """The figures of a simulated day."""

    waits_by_queue: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    unassigned_by_queue: dict[int, int] = field(default_factory=dict)
    assigned_per_agent: list[int] = field(default_factory=list)
    utilization: float = 0.0
    skilled_count: int = 0
    matched_count: int = 0
    missed_count: int = 0

    @property
    def skill_match_rate(self) -> float:
        """The share of conversations with required skills that went to an agent who has all of them."""
        return self.matched_count / self.skilled_count if self.skilled_count else 1.0

    @property
    def max_to_mean_ratio(self) -> float:
        return max(self.assigned_per_agent) / mean(self.assigned_per_agent)


class Simulation:
    """One simulated day, played event by event."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings, self.report = settings, SimulationReport()
        self.rng = random.Random(settings.seed)  # noqa: S311 (no secret)
        self.agents = {pk: self._build_agent(pk) for pk in range(1, settings.agents + 1)}
        self.agents_by_queue = {
            queue: [agent for agent in self.agents.values() if queue in agent.queues] for queue in self.queues
        }
        self.waiting: dict[int, deque[SimulatedConversation]] = {queue: deque() for queue in self.queues}
        self.events: list[tuple[float, int, EventHandler]] = []
        # The number breaks ties between events of the same time, so that handlers are never compared.
        self._sequence = count()

    @property
    def queues(self) -> range:
        return range(1, self.settings.queues + 1)

    def run(self) -> SimulationReport:
        """Run until every accepted conversation is finished; nothing is assigned after closing time."""
        for conversation in self._generate_arrivals():
            self._schedule(conversation.arrived_at, partial(self._handle_arrival, conversation))
        for agent in self.agents.values():
            self._schedule(agent.shift_start, partial(self._handle_shift_start, agent))
        while self.events:
            at, _, handler = heapq.heappop(self.events)
            handler(at)
        return self._build_report()

    # -- Events -------------------------------------------------------------------------------------------------------

    def _schedule(self, at: float, handler: EventHandler) -> None:
        heapq.heappush(self.events, (at, next(self._sequence), handler))

    def _handle_arrival(self, conversation: SimulatedConversation, at: float) -> None:
        self.waiting[conversation.queue].append(conversation)
        self._assign_waiting(at, [conversation.queue])

    def _handle_shift_start(self, agent: SimulatedAgent, at: float) -> None:
        self._assign_waiting(at, agent.queues)

    def _handle_acceptance(self, conversation: SimulatedConversation, agent: SimulatedAgent, at: float) -> None:
        skills = agent.candidate.skills
        agent.assigned_count += 1
        self.report.waits_by_queue[conversation.queue].append(at - conversation.arrived_at)
        self.report.skilled_count += bool(conversation.skills)
        has_all = all(skills.get(skill, 0) >= rating for skill, rating in conversation.skills.items())
        self.report.matched_count += bool(conversation.skills) and has_all
        handle_seconds = (
            self.rng.lognormvariate(-HANDLE_TIME_SIGMA * HANDLE_TIME_SIGMA / 2, HANDLE_TIME_SIGMA)
            * self.settings.handle_minutes
            * 60
        )
        agent.worked_seconds += handle_seconds
        self._schedule(at + handle_seconds, partial(self._handle_completion, agent))

    def _handle_missed_offer(self, conversation: SimulatedConversation, agent: SimulatedAgent, at: float) -> None:
        self.report.missed_count += 1
        conversation.excluded_agents.add(agent.candidate.agent_id)
        agent.add_conversations(-1)
        self.waiting[conversation.queue].appendleft(conversation)  # it keeps its place
        self._assign_waiting(at, agent.queues)

    def _handle_completion(self, agent: SimulatedAgent, at: float) -> None:
        agent.add_conversations(-1)
        self._assign_waiting(at, agent.queues)

    # -- Assignment ---------------------------------------------------------------------------------------------------

    def _assign_waiting(self, at: float, queues: Iterable[int]) -> None:
        """Offer conversations waiting in these queues, lowest number first, while agents have capacity."""
        if at >= OPEN_SECONDS:
            return
        for queue in sorted(queues):
            unassigned: deque[SimulatedConversation] = deque()
            while self.waiting[queue]:
                conversation = self.waiting[queue].popleft()
                if not self._offer(at, conversation):
                    unassigned.append(conversation)
                    if not conversation.skills and not conversation.excluded_agents:
                        break  # no agent has capacity, so the rest can't be assigned either
            unassigned.extend(self.waiting[queue])
            self.waiting[queue] = unassigned

    def _offer(self, at: float, conversation: SimulatedConversation) -> bool:
        candidates = [agent.candidate for agent in self.agents_by_queue[conversation.queue] if agent.is_on_shift(at)]
        choice = choose_agent(self._build_requirements(conversation), candidates)
        if choice.agent_id is None:
            return False
        agent = self.agents[choice.agent_id]
        agent.add_conversations(1)
        assigned_at = OPENING_TIME + timedelta(seconds=at, microseconds=next(self._sequence))
        agent.candidate = replace(agent.candidate, last_assigned_at=assigned_at)
        if self.rng.random() < self.settings.missed_offer_rate:
            self._schedule(at + OFFER_SECONDS, partial(self._handle_missed_offer, conversation, agent))
        else:
            accepted_at = at + self.rng.uniform(*ACCEPT_DELAY_RANGE)
            self._schedule(accepted_at, partial(self._handle_acceptance, conversation, agent))
        return True

    def _build_requirements(self, conversation: SimulatedConversation) -> AssignmentRequirements:
        matching = self.settings.matching if conversation.skills else SkillMatching.NONE
        return AssignmentRequirements(
            CONVERSATION_CAPACITY,
            conversation.skills,
            matching,
            self.settings.method,
            excluded_agents=frozenset(conversation.excluded_agents),
        )

    # -- Agents, arrivals and the report ------------------------------------------------------------------------------

    def _build_agent(self, pk: int) -> SimulatedAgent:
        """Build an agent of two queues, or of all queues if all agents are identical."""
        if self.settings.has_identical_agents:
            return SimulatedAgent(Candidate(pk, AGENT_CAPACITY, BasePresence.AVAILABLE), tuple(self.queues))
        home = (pk - 1) % self.settings.queues + 1
        skills = {skill: self.rng.choice(RATINGS) for skill in self.rng.sample(SKILLS, 3)}
        shift_start = self.rng.choice((0, 0, 3600, 7200))
        capacity = self.rng.choice((AGENT_CAPACITY, AGENT_CAPACITY, 2 * AGENT_CAPACITY // 3))
        queues = (home, home % self.settings.queues + 1)
        candidate = Candidate(pk, capacity, skills=skills)
        return SimulatedAgent(candidate, queues, shift_start, shift_start + SHIFT_SECONDS)

    def _generate_arrivals(self) -> Iterator[SimulatedConversation]:
        """Yield the day's conversations: more in the middle of the day than at its ends."""
        for _ in range(self.settings.conversations):
            skills = {}
            if not self.settings.has_identical_agents and self.rng.random() < self.settings.skilled_work_rate:
                skills = {skill: self.rng.randint(2, 6) for skill in self.rng.sample(SKILLS, 1)}
            at = self.rng.triangular(0, OPEN_SECONDS, OPEN_SECONDS / 2)
            yield SimulatedConversation(at, self.rng.choice(self.queues), skills)

    def _build_report(self) -> SimulationReport:
        report = self.report
        agents = self.agents.values()
        report.unassigned_by_queue = {queue: len(conversations) for queue, conversations in self.waiting.items()}
        report.assigned_per_agent = [agent.assigned_count for agent in agents]
        available_seconds = sum(
            (agent.candidate.free_capacity // CONVERSATION_CAPACITY) * (agent.shift_end - agent.shift_start)
            for agent in agents
        )
        report.utilization = sum(agent.worked_seconds for agent in agents) / available_seconds
        return report


def run_simulation(settings: SimulationSettings) -> SimulationReport:
    """Simulate one day and return its figures."""
    return Simulation(settings).run()
