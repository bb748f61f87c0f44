"""Assign waiting work: lock the agents, count their load, then offer.

Any number of processes may do so at once without exceeding an agent's capacity: each locks the rows of all eligible
agents, and counts only after that. Locks are always taken in this order: work, then agents by key. Work locked by
another process is skipped until the next run, so that no process waits for it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from routing.assignment.engine import AssignmentRequirements, Candidate, Choice, choose_agent
from routing.models import (
    CAPACITY_STATES,
    Agent,
    AgentSkill,
    AssignmentMethod,
    DistributionMode,
    Presence,
    QueueMembership,
    RoutableQuerySet,
    SkillMatching,
    State,
    WorkStream,
)

ASSIGN_LANE = "assign"  # the kind of the lane that assigns waiting work; its key is 0
BATCH_SIZE = 50  # work items in one transaction
MAX_AGENT_IDS_IN_QUERY = 50  # for more agents it is quicker to count the load of all
MAX_WORK_ITEMS = 20_000  # work items in one call
MAX_FAILURES_PER_WORK_STREAM = 10  # in one call: after so many, the work stream itself is at fault


@dataclass(frozen=True)
class WorkItemFacts:
    """Facts about a work item that its owner knows: required skills, and agents who passed it over."""

    skills: Mapping[int, int] = field(default_factory=dict)
    skill_names: Mapping[int, str] = field(default_factory=dict)
    excluded_agents: frozenset[int] = frozenset()
    deprioritized_agents: frozenset[int] = frozenset()
    disconnected_agents: frozenset[int] = frozenset()


EMPTY_WORK_ITEM_FACTS = WorkItemFacts()


@dataclass(frozen=True)
class LockedAgent:
    """An agent whose row is locked; `capacity` is their whole capacity, whatever their load."""

    capacity: int
    presence: str
    last_assigned_at: datetime | None
    skills: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """A work item, the agent it is offered to and until when; or no agent, and the reason."""

    item: Any
    choice: Choice
    assigned_at: datetime | None = None
    expires_at: datetime | None = None


GetFacts = Callable[[Sequence[int]], Mapping[int, WorkItemFacts]]
OnDecisions = Callable[[list[Decision]], None]
OnFailure = Callable[[int, Exception], None]
WorkItemKey = tuple[int, int, int]  # keys of the work item, its queue and its work stream
OnUnassignable = Callable[[Mapping[tuple[int, int], Choice]], None]  # by queue and work stream


@dataclass
class AgentLoad:
    """An agent's load: units of capacity in use, and conversations by work stream."""

    units: int = 0
    count_by_work_stream: dict[int, int] = field(default_factory=dict)

    def add(self, stream_id: int, capacity: int, count: int = 1) -> None:
        """Add conversations of a work stream that take this capacity each."""
        self.units += capacity * count
        self.count_by_work_stream[stream_id] = self.count_by_work_stream.get(stream_id, 0) + count


def get_load_by_agent(work: RoutableQuerySet[Any], agent_ids: Iterable[int], *, now: datetime) -> dict[int, AgentLoad]:
    """Return the load of these agents, with one query.

    It counts active work, wrap-up for as long as it uses capacity, and open offers.
    """
    ids = set(agent_ids)
    counted = work.order_by().filter(Q(state__in=CAPACITY_STATES) | Q(offered_to__isnull=False))
    if len(ids) <= MAX_AGENT_IDS_IN_QUERY:
        counted = counted.filter(Q(agent__in=ids) | Q(offered_to__in=ids))
    grouped = counted.annotate(
        holder=Coalesce("agent_id", "offered_to_id", output_field=IntegerField()),
        wrap_up_since=Case(When(state=State.WRAP_UP, then="state_since"), output_field=DateTimeField()),
    ).values_list("holder", "work_stream_id", "work_stream__capacity", "work_stream__wrap_up_seconds", "wrap_up_since")
    loads: dict[int, AgentLoad] = {pk: AgentLoad() for pk in ids}
    for holder, stream_id, capacity, seconds, since, count in grouped.annotate(count=Count("pk")):
        uses_capacity = since is None or seconds is None or now < since + timedelta(seconds=seconds)
        if uses_capacity and holder in loads:
            loads[holder].add(stream_id, capacity, count)
    return loads


def filter_unoffered_push_work(work: RoutableQuerySet[Any]) -> RoutableQuerySet[Any]:
    """Return open work of push work streams that is not offered to an agent."""
    return work.filter(state=State.OPEN, offered_to=None, work_stream__distribution_mode=DistributionMode.PUSH)


def assign_waiting(
    waiting: RoutableQuerySet[Any],
    *,
    all_work: RoutableQuerySet[Any],
    agents: QuerySet[Agent],
    now: datetime,
    get_facts: GetFacts,
    on_decisions: OnDecisions,
    on_failure: OnFailure,
    on_unassignable: OnUnassignable,
    limit: int | None = None,
) -> tuple[int, bool]:
    """Offer waiting work to these agents, in the order of its queryset.

    Args:
        waiting: The work to assign.
        all_work: All work there is; the agents' load is counted in it.
        get_facts: Returns the facts about work items by key; called once per batch, in its transaction.
        on_decisions: Receives the decisions of a batch, in its transaction.
        on_failure: Receives the key of a work item that could not be decided, and the error; the rest goes on.
        on_unassignable: Receives the reasons why no agent can take the work of some queues and work streams, by queue
            and work stream; called once, at the end.
        limit: The highest number of offers to make.

    Returns:
        The number of offers, and whether work was skipped because another process had locked it.
    """
    run = AssignmentRun(
        partial(LockedBatch.lock, all_work=all_work, agents=agents, get_facts=get_facts, now=now), waiting, on_decisions
    )
    keys = list(waiting.values_list("pk", "queue_id", "work_stream_id")[:MAX_WORK_ITEMS])
    position = 0
    while position < len(keys) and (limit is None or run.offered_count < limit):
        size = BATCH_SIZE if limit is None else min(BATCH_SIZE, limit - run.offered_count)
        batch: list[WorkItemKey] = []
        while position < len(keys) and len(batch) < size:
            batch += [keys[position]] if run.should_try(*keys[position]) else []
            position += 1
        run.process(batch, on_failure)
    if run.unassignable:
        on_unassignable(run.unassignable)
    return run.offered_count, run.has_skipped_work


@dataclass
class AssignmentRun:
    """The state of one run: offers made, queues without a suitable agent, and failures."""

    lock: Callable[[RoutableQuerySet[Any]], "LockedBatch"]
    waiting: RoutableQuerySet[Any]
    on_decisions: OnDecisions
    offered_count: int = 0
    has_skipped_work: bool = False
    unassignable: dict[tuple[int, int], Choice] = field(default_factory=dict)
    failures_by_work_stream: Counter[int] = field(default_factory=Counter)

    def should_try(self, pk: int, queue_id: int, stream_id: int) -> bool:
        """Return whether, as far as is known by now, an agent may have capacity for it."""
        has_failed = self.failures_by_work_stream[stream_id] >= MAX_FAILURES_PER_WORK_STREAM
        return (queue_id, stream_id) not in self.unassignable and not has_failed

    def process(self, keys: Sequence[WorkItemKey], on_failure: OnFailure) -> None:
        """Decide on these work items together; if that fails, on each half, down to the item at fault."""
        error = self._try_batch([pk for pk, _, _ in keys]) if keys else None
        if error is not None and len(keys) > 1:
            middle = len(keys) // 2
            self.process(keys[:middle], on_failure)
            self.process(keys[middle:], on_failure)
        elif error is not None:
            ((pk, _, stream_id),) = keys
            self.failures_by_work_stream[stream_id] += 1
            on_failure(pk, error)

    def _try_batch(self, ids: Sequence[int]) -> Exception | None:
        try:
            self._process_batch(ids)
        except (OperationalError, InterfaceError):  # the database failed: the whole run is repeated later
            raise
        except Exception as error:  # an error in one work item must not stop the others
            return error
        return None

    def _process_batch(self, ids: Sequence[int]) -> None:
        with transaction.atomic():
            batch = self.lock(self.waiting.filter(pk__in=ids))
            decisions = list(batch.decide())
            batch.save_offers(decisions)
            self.on_decisions(decisions)
        self.unassignable = {**batch.unassignable, **self.unassignable}
        self.offered_count += sum(decision.choice.agent_id is not None for decision in decisions)
        self.has_skipped_work = self.has_skipped_work or len(batch.items) < len(ids)


@dataclass
class LockedBatch:
    """Some work items and all agents eligible for them, locked until the end of the transaction."""

    work: RoutableQuerySet[Any]
    items: list[Any]
    facts: Mapping[int, WorkItemFacts]
    now: datetime
    agents: dict[int, LockedAgent]
    loads: dict[int, AgentLoad]
    members_by_queue: dict[int, set[int]]  # without the default queue, in which every agent works
    unassignable: dict[tuple[int, int], Choice] = field(default_factory=dict)
    _candidates_by_queue_and_stream: dict[tuple[int, int], dict[int, Candidate]] = field(default_factory=dict)

    @classmethod
    def lock(
        cls,
        waiting: RoutableQuerySet[Any],
        *,
        all_work: RoutableQuerySet[Any],
        agents: QuerySet[Agent],
        get_facts: GetFacts,
        now: datetime,
    ) -> "LockedBatch":
        """Lock, then count: a count made before the lock may be outdated when it is used."""
        rows = waiting.select_related("work_stream", "queue")
        items = list(rows.select_for_update(of=("self",), skip_locked=True, no_key=True))
        facts = get_facts([item.pk for item in items]) if items else {}
        locked_agents = _lock_agents(items, agents)
        members, skills = _get_members_and_skills(items, facts, locked_agents)
        for pk, agent_skills in skills.items():
            locked_agents[pk] = replace(locked_agents[pk], skills=agent_skills)
        loads = get_load_by_agent(all_work, locked_agents, now=now) if locked_agents else {}
        return cls(all_work, items, facts, now, locked_agents, loads, members)

    def decide(self) -> Iterator[Decision]:
        """Yield a decision for each work item; each offer adds to the load that later decisions see."""
        for index, item in enumerate(self.items):
            facts = self.facts.get(item.pk, EMPTY_WORK_ITEM_FACTS)
            requirements = build_requirements(item, facts)
            candidates = self._get_candidates(item)
            choice = choose_agent(requirements, list(candidates.values()))
            if choice.agent_id is None:
                if requirements.accepts_any_agent:
                    self.unassignable.setdefault((item.queue_id, item.work_stream_id), choice)
                yield Decision(item, choice)
            else:
                # A microsecond apart, so that the order within a batch counts for round robin.
                at = self.now + timedelta(microseconds=index)
                self._record_offer(choice.agent_id, item.work_stream, at)
                yield Decision(item, choice, at, self.now + timedelta(seconds=item.work_stream.offer_seconds))

    def save_offers(self, decisions: Sequence[Decision]) -> None:
        """Write the offers; the locked work items are still unoffered."""
        offers = [decision for decision in decisions if decision.choice.agent_id is not None]
        if offers:
            unoffered = self.work.model._default_manager.filter(state=State.OPEN, offered_to=None)
            unoffered.filter(pk__in=[offer.item.pk for offer in offers]).order_by().update(
                offered_to=Case(*(When(pk=offer.item.pk, then=Value(offer.choice.agent_id)) for offer in offers)),
                offer_expires_at=Case(
                    *(When(pk=offer.item.pk, then=Value(offer.expires_at)) for offer in offers),
                    output_field=DateTimeField(),
                ),
            )

    def _get_candidates(self, item: Any) -> dict[int, Candidate]:
        """Return the candidates of the item's queue and work stream; `_record_offer` keeps them up to date.

        The batch may hold agents whose presence only other work streams allow. They are not candidates.
        """
        key = (item.queue_id, item.work_stream_id)
        if key not in self._candidates_by_queue_and_stream:
            members = self.members_by_queue.get(item.queue_id, self.agents.keys())
            self._candidates_by_queue_and_stream[key] = {
                pk: self._build_candidate(pk, item.work_stream_id)
                for pk, agent in self.agents.items()
                if pk in members and agent.presence in item.work_stream.allowed_presences
            }
        return self._candidates_by_queue_and_stream[key]

    def _build_candidate(self, pk: int, stream_id: int) -> Candidate:
        agent, load = self.agents[pk], self.loads[pk]
        return Candidate(
            pk,
            agent.capacity - load.units,
            agent.presence,
            load.count_by_work_stream.get(stream_id, 0),
            agent.last_assigned_at,
            agent.skills,
        )

    def _record_offer(self, pk: int, stream: WorkStream, at: datetime) -> None:
        self.loads[pk].add(stream.pk, stream.capacity)
        self.agents[pk] = replace(self.agents[pk], last_assigned_at=at)
        for (_, stream_id), candidates in self._candidates_by_queue_and_stream.items():
            if pk in candidates:
                candidates[pk] = self._build_candidate(pk, stream_id)


def build_requirements(item: Any, facts: WorkItemFacts) -> AssignmentRequirements:
    """Return what the work item requires of its agent."""
    stream = item.work_stream
    return AssignmentRequirements(
        capacity=stream.capacity,
        skills=facts.skills,
        matching=SkillMatching(stream.skill_matching) if facts.skills else SkillMatching.NONE,
        method=AssignmentMethod(item.queue.assignment_method),
        allowed_presences=frozenset(stream.allowed_presences),
        excluded_agents=facts.excluded_agents,
        deprioritized_agents=facts.deprioritized_agents,
        disconnected_agents=facts.disconnected_agents,
        skill_names=facts.skill_names,
    )


def _lock_agents(items: Sequence[Any], agents: QuerySet[Agent]) -> dict[int, LockedAgent]:
    """Lock the agents of these items' queues whose presence one of the work streams allows."""
    allowed = {presence for item in items for presence in item.work_stream.allowed_presences}
    eligible = agents.filter(presence__in=Presence.objects.filter(base_status__in=allowed).values("pk"))
    if not any(item.queue.is_default for item in items):
        queues = {item.queue_id for item in items}
        eligible = eligible.filter(pk__in=QueueMembership.objects.filter(queue__in=queues).values("agent"))
    base = Presence.objects.filter(pk=OuterRef("presence")).values("base_status")
    # no_key is weak enough for others to insert rows that refer to the agent, and keeps out other assignment runs.
    rows = eligible.order_by("pk").select_for_update(no_key=True).annotate(base=Subquery(base))
    values = rows.values_list("pk", "capacity", "base", "last_assigned_at")
    return {
        pk: LockedAgent(capacity, presence, assigned_at)
        for pk, capacity, presence, assigned_at in (values if items else ())
    }


def _get_members_and_skills(
    items: Sequence[Any], facts: Mapping[int, WorkItemFacts], agents: Mapping[int, LockedAgent]
) -> tuple[dict[int, set[int]], dict[int, dict[int, int]]]:
    """Return the agents by queue, and the required skills by agent; one query for both."""
    queues = {item.queue_id for item in items if not item.queue.is_default}
    skills = {skill for item_facts in facts.values() for skill in item_facts.skills}
    # The negative rating tells memberships from skills in the union.
    no_rating = Value(-1, output_field=IntegerField())
    memberships = QueueMembership.objects.filter(queue__in=queues).annotate(target_id=F("queue_id"), rating=no_rating)
    agent_skills = AgentSkill.objects.filter(skill__in=skills).annotate(target_id=F("skill_id"))
    columns = ("agent_id", "target_id", "rating")
    rows = memberships.values_list(*columns).union(agent_skills.values_list(*columns), all=True)
    members_by_queue: dict[int, set[int]] = {pk: set() for pk in queues}
    skills_by_agent: dict[int, dict[int, int]] = {}
    for agent_id, target_id, rating in rows if agents and (queues or skills) else ():
        if agent_id in agents and rating >= 0:
            skills_by_agent.setdefault(agent_id, {})[target_id] = rating
        elif agent_id in agents:
            members_by_queue[target_id].add(agent_id)
    return members_by_queue, skills_by_agent
