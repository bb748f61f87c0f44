"""Hand out waiting work: lock the agents, count what they have, then claim.

Any number of processes may do so at once, and no agent gets more than their capacity: whoever decides holds the rows of
all agents who come into question, and counts only after that. Locks are always taken in this order: work, then agents
by key. Work that somebody else is just changing is left for the next time, so that nobody waits for it.
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

BATCH_SIZE = 50  # pieces of work in one transaction
MAX_AGENT_IDS_IN_QUERY = 50  # agents; for more it is quicker to count what everybody has
MAX_WORK_ITEMS = 20_000  # pieces of work of which one call knows the order
MAX_FAILURES_PER_WORK_STREAM = 10  # of one work stream in one call: after so many, the stream itself is at fault


@dataclass(frozen=True)
class WorkItemFacts:
    """What only the owner of a piece of work knows about it: what it needs, and who has passed it over."""

    skills: Mapping[int, int] = field(default_factory=dict)
    skill_names: Mapping[int, str] = field(default_factory=dict)
    excluded_agents: frozenset[int] = frozenset()
    deprioritized_agents: frozenset[int] = frozenset()
    disconnected_agents: frozenset[int] = frozenset()


EMPTY_WORK_ITEM_FACTS = WorkItemFacts()


@dataclass(frozen=True)
class Decision:
    """A piece of work and who it is offered to until when; or nobody, and why."""

    item: Any
    choice: Choice
    assigned_at: datetime | None = None
    expires_at: datetime | None = None


GetFacts = Callable[[Sequence[int]], Mapping[int, WorkItemFacts]]
OnDecisions = Callable[[list[Decision]], None]
OnFailure = Callable[[int, Exception], None]
WorkItemKey = tuple[int, int, int]  # of work: its key, its queue, its work stream
OnUnassignable = Callable[[Mapping[tuple[int, int], Choice]], None]  # by queue and work stream


@dataclass
class AgentLoad:
    """What an agent has: units of capacity, and conversations by work stream."""

    units: int = 0
    count_by_work_stream: dict[int, int] = field(default_factory=dict)

    def add(self, stream_id: int, capacity: int, count: int = 1) -> None:
        self.units += capacity * count
        self.count_by_work_stream[stream_id] = self.count_by_work_stream.get(stream_id, 0) + count


def get_load_by_agent(work: RoutableQuerySet[Any], agent_ids: Iterable[int], *, now: datetime) -> dict[int, AgentLoad]:
    """What these agents have: active work, wrap-up for as long as it counts, and what is offered to them; one query."""
    ids = set(agent_ids)
    held = work.order_by().filter(Q(state__in=CAPACITY_STATES) | Q(offered_to__isnull=False))
    if len(ids) <= MAX_AGENT_IDS_IN_QUERY:
        held = held.filter(Q(agent__in=ids) | Q(offered_to__in=ids))
    grouped = held.annotate(
        holder=Coalesce("agent_id", "offered_to_id", output_field=IntegerField()),
        wrap_up_since=Case(When(state=State.WRAP_UP, then="state_since"), output_field=DateTimeField()),
    ).values_list("holder", "work_stream_id", "work_stream__capacity", "work_stream__wrap_up_seconds", "wrap_up_since")
    loads: dict[int, AgentLoad] = {pk: AgentLoad() for pk in ids}
    for holder, stream_id, capacity, seconds, since, count in grouped.annotate(count=Count("pk")):
        counts = since is None or seconds is None or now < since + timedelta(seconds=seconds)
        if counts and holder in loads:
            loads[holder].add(stream_id, capacity, count)
    return loads


def filter_unoffered_push_work(work: RoutableQuerySet[Any]) -> RoutableQuerySet[Any]:
    """What the system offers to agents and has not offered yet."""
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
    """Offer waiting work to these agents, in the order of its queryset; how much, and whether some was left out.

    What agents have is counted in `work`, all the work there is. `facts_of` and `on_decisions` are called with a
    batch at a time, in its transaction. Left out is what somebody else was changing at that moment. Work that can't be
    decided goes to `on_failure`, and the rest goes on; why nobody can take the work of some queue and work stream goes
    to `on_hopeless`, at the end and all at once.
    """
    going = AssignmentRun(
        partial(LockedBatch.lock, all_work=all_work, agents=agents, get_facts=get_facts, now=now), waiting, on_decisions
    )
    turn = list(waiting.values_list("pk", "queue_id", "work_stream_id")[:MAX_WORK_ITEMS])
    place = 0
    while place < len(turn) and (limit is None or going.offered_count < limit):
        size = BATCH_SIZE if limit is None else min(BATCH_SIZE, limit - going.offered_count)
        batch: list[WorkItemKey] = []
        while place < len(turn) and len(batch) < size:
            batch += [turn[place]] if going.should_try(*turn[place]) else []
            place += 1
        going.process(batch, on_failure)
    if going.unassignable:
        on_unassignable(going.unassignable)
    return going.offered_count, going.has_skipped_work


@dataclass
class AssignmentRun:
    """One way through all that waits: what was offered, what nobody can take, and what could not be decided."""

    lock: Callable[[RoutableQuerySet[Any]], "LockedBatch"]
    waiting: RoutableQuerySet[Any]
    on_decisions: OnDecisions
    offered_count: int = 0
    has_skipped_work: bool = False
    unassignable: dict[tuple[int, int], Choice] = field(default_factory=dict)
    failures_by_work_stream: Counter[int] = field(default_factory=Counter)  # by work stream

    def should_try(self, pk: int, queue_id: int, stream_id: int) -> bool:
        """Whether somebody may have room for it, as far as is known by now."""
        return (queue_id, stream_id) not in self.unassignable and self.failures_by_work_stream[
            stream_id
        ] < MAX_FAILURES_PER_WORK_STREAM

    def process(self, pieces: Sequence[WorkItemKey], on_failure: OnFailure) -> None:
        """Decide about these together; where that fails, about each half, down to the one that is at fault."""
        fault = self._try_batch([pk for pk, _, _ in pieces]) if pieces else None
        if fault is not None and len(pieces) > 1:
            middle = len(pieces) // 2
            self.process(pieces[:middle], on_failure)
            self.process(pieces[middle:], on_failure)
        elif fault is not None:
            ((pk, _, stream_id),) = pieces
            self.failures_by_work_stream[stream_id] += 1
            on_failure(pk, fault)

    def _try_batch(self, keys: Sequence[int]) -> Exception | None:
        try:
            self._process_batch(keys)
        except (OperationalError, InterfaceError):  # it is the database: all of it is tried again later
            raise
        except Exception as error:  # whatever is wrong with one of them, the others must go out
            return error
        return None

    def _process_batch(self, keys: Sequence[int]) -> None:
        with transaction.atomic():
            batch = self.lock(self.waiting.filter(pk__in=keys))
            decisions = list(batch.decide())
            batch.save_offers(decisions)
            self.on_decisions(decisions)
        self.unassignable = {**batch.unassignable, **self.unassignable}
        self.offered_count += sum(decision.choice.agent_id is not None for decision in decisions)
        self.has_skipped_work = self.has_skipped_work or len(batch.items) < len(keys)


@dataclass
class LockedBatch:
    """Some work and all agents who come into question for it, held until the end of the transaction."""

    work: RoutableQuerySet[Any]
    items: list[Any]
    facts: Mapping[int, WorkItemFacts]
    now: datetime
    agents: dict[int, Candidate]
    loads: dict[int, AgentLoad]
    members_by_queue: dict[int, set[int]]  # by queue; the default queue has none: everybody works there
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
        """Lock, then count: what is counted before the lock may be wrong when it is used."""
        free = waiting.select_related("work_stream", "queue")
        items = list(free.select_for_update(of=("self",), skip_locked=True, no_key=True))
        facts = get_facts([item.pk for item in items]) if items else {}
        found = _lock_agents(items, agents)
        members, skills = _get_members_and_skills(items, facts, found)
        for pk, known in skills.items():
            found[pk] = replace(found[pk], skills=known)
        loads = get_load_by_agent(all_work, found, now=now) if found else {}
        return cls(all_work, items, facts, now, found, loads, members)

    def decide(self) -> Iterator[Decision]:
        """An offer for each piece of work, or nobody and why; every offer counts for those after it."""
        for place, item in enumerate(self.items):
            facts = self.facts.get(item.pk, EMPTY_WORK_ITEM_FACTS)
            need, kind = build_requirements(item, facts), (item.queue_id, item.work_stream_id)
            choice = choose_agent(need, list(self._get_candidates(*kind).values()))
            if choice.agent_id is None:
                if need.accepts_any_agent:
                    self.unassignable.setdefault(kind, choice)
                yield Decision(item, choice)
            else:
                at = self.now + timedelta(microseconds=place)
                self._record_offer(choice.agent_id, item.work_stream, at)
                yield Decision(item, choice, at, self.now + timedelta(seconds=item.work_stream.offer_seconds))

    def save_offers(self, decisions: Sequence[Decision]) -> None:
        """Write the offers down: what is locked is still free."""
        chosen = [one for one in decisions if one.choice.agent_id is not None]
        if chosen:
            free = self.work.model._default_manager.filter(state=State.OPEN, offered_to=None)
            free.filter(pk__in=[one.item.pk for one in chosen]).order_by().update(
                offered_to=Case(*(When(pk=one.item.pk, then=Value(one.choice.agent_id)) for one in chosen)),
                offer_expires_at=Case(
                    *(When(pk=one.item.pk, then=Value(one.expires_at)) for one in chosen), output_field=DateTimeField()
                ),
            )

    def _get_candidates(self, queue_id: int, stream_id: int) -> dict[int, Candidate]:
        """The queue's agents, with what they have of this work stream; kept up to date by `_give`."""
        kind = (queue_id, stream_id)
        if kind not in self._candidates_by_queue_and_stream:
            here = self.members_by_queue.get(queue_id, self.agents.keys())
            self._candidates_by_queue_and_stream[kind] = {
                pk: self._build_candidate(pk, stream_id) for pk in self.agents if pk in here
            }
        return self._candidates_by_queue_and_stream[kind]

    def _build_candidate(self, pk: int, stream_id: int) -> Candidate:
        agent, load = self.agents[pk], self.loads[pk]
        return Candidate(
            pk,
            agent.free_capacity - load.units,
            agent.presence,
            load.count_by_work_stream.get(stream_id, 0),
            agent.last_assigned_at,
            agent.skills,
        )

    def _record_offer(self, pk: int, stream: WorkStream, at: datetime) -> None:
        self.loads[pk].add(stream.pk, stream.capacity)
        self.agents[pk] = replace(self.agents[pk], last_assigned_at=at)
        for (_, stream_id), group in self._candidates_by_queue_and_stream.items():
            if pk in group:
                group[pk] = self._build_candidate(pk, stream_id)


def build_requirements(item: Any, facts: WorkItemFacts) -> AssignmentRequirements:
    """What this piece of work asks of its agent."""
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


def _lock_agents(items: Sequence[Any], agents: QuerySet[Agent]) -> dict[int, Candidate]:
    """Who works in one of these queues and shows what one of the work streams allows, locked; `free` is all of it."""
    allowed = {presence for item in items for presence in item.work_stream.allowed_presences}
    there = agents.filter(presence__in=Presence.objects.filter(base_status__in=allowed).values("pk"))
    if not any(item.queue.is_default for item in items):
        queues = {item.queue_id for item in items}
        there = there.filter(pk__in=QueueMembership.objects.filter(queue__in=queues).values("agent"))
    base = Presence.objects.filter(pk=OuterRef("presence")).values("base_status")
    # Weak enough for others to refer to the agent meanwhile, strong enough to keep out whoever else decides.
    rows = there.order_by("pk").select_for_update(no_key=True).annotate(base=Subquery(base))
    values = rows.values_list("pk", "capacity", "base", "last_assigned_at")
    return {pk: Candidate(pk, capacity, shown, 0, at) for pk, capacity, shown, at in (values if items else ())}


def _get_members_and_skills(
    items: Sequence[Any], facts: Mapping[int, WorkItemFacts], agents: Mapping[int, Candidate]
) -> tuple[dict[int, set[int]], dict[int, dict[int, int]]]:
    """Who works in which queue, and who has which of the skills that are asked for; one query for both."""
    queues = {item.queue_id for item in items if not item.queue.is_default}
    skills = {skill for one in facts.values() for skill in one.skills}
    unrated = Value(-1, output_field=IntegerField())
    rows = QueueMembership.objects.filter(queue__in=queues).annotate(of=F("queue_id"), rating=unrated)
    rated = AgentSkill.objects.filter(skill__in=skills).annotate(of=F("skill_id"))
    members: dict[int, set[int]] = {pk: set() for pk in queues}
    known: dict[int, dict[int, int]] = {}
    both = rows.values_list("agent_id", "of", "rating").union(rated.values_list("agent_id", "of", "rating"), all=True)
    for agent_id, of, rating in both if agents and (queues or skills) else ():
        if agent_id in agents and rating >= 0:
            known.setdefault(agent_id, {})[of] = rating
        elif agent_id in agents:
            members[of].add(agent_id)
    return members, known
