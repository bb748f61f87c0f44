"""Offer waiting conversations to agents: on request, and every few seconds while something waits."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    F,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils import timezone

from omnichannel.conversations import timeline
from omnichannel.conversations.access import active_agents
from omnichannel.conversations.assignment.pending import exclude_unrouted
from omnichannel.conversations.lanes import request_assignment, request_offer_check
from omnichannel.conversations.live_events import LiveEventKind, publish_event, publish_events, publish_presence
from omnichannel.conversations.models import (
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    Offer,
    OfferOutcome,
    RequiredSkill,
    TimelineEventKind,
)
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.jobs.lanes import Lease
from routing.agents import base_presences
from routing.assignment.assign_waiting import (
    MAX_WORK_ITEMS,
    Decision,
    WorkItemFacts,
    assign_waiting,
    filter_unoffered_push_work,
)
from routing.assignment.engine import Choice, get_presence_obstacle
from routing.models import Agent, BasePresence, QueueMembership

logger = logging.getLogger(__name__)

# An agent who declined a conversation may be offered it again after this time, if nobody else can take it.
REOFFER_AFTER = timedelta(minutes=10)
RETRY_DELAY = timedelta(milliseconds=500)
# Runs while something waits, because time alone frees capacity in wrap-up and lets declined offers be repeated.
SWEEP_INTERVAL = timedelta(seconds=5)
DECLINED_OUTCOMES = (OfferOutcome.REJECTED, OfferOutcome.TIMED_OUT)
MAX_FAULT_LENGTH = 400  # characters of an error that the timeline shows


def offer_ending_presences() -> list[BasePresence]:
    """Return the base statuses that end an agent's offers."""
    return base_presences(lambda base: not base.follows_load)


def request_assignment_if_waiting() -> None:
    """Request an assignment run if something waits: a safety net for missed wake-ups."""
    if filter_unoffered_push_work(exclude_unrouted(Conversation.objects.unclosed().order_by())).exists():
        request_assignment()


def run_assign_lane(lease: Lease) -> datetime | None:
    """Offer waiting conversations to agents.

    Returns:
        Time of the next run: soon if some conversations were locked, later while something waits; else None.
    """
    offered = Conversation.objects.filter(offered_to__isnull=False)
    if offered.filter(offered_to__presence__base_status__in=offer_ending_presences()).exists():
        request_offer_check(timezone.now())
    _, has_locked = offer_waiting_conversations(timezone.now())
    if has_locked:
        return timezone.now() + RETRY_DELAY
    has_waiting = filter_unoffered_push_work(Conversation.objects.unclosed().order_by()).exists()
    return timezone.now() + SWEEP_INTERVAL if has_waiting else None


def offer_waiting_conversations(now: datetime, *, limit: int | None = None) -> tuple[int, bool]:
    """Offer waiting conversations; return how many, and whether some were locked by other transactions."""
    return assign_waiting(
        filter_unoffered_push_work(conversations_in_offer_order()),
        all_work=Conversation.objects.unclosed(),
        agents=agents_to_lock(),
        now=now,
        get_facts=make_facts_loader(now),
        on_decisions=record_decisions,
        on_failure=record_assignment_fault,
        on_unassignable=record_no_agent_reasons,
        limit=limit,
    )


def conversations_in_offer_order() -> ConversationQuerySet:
    """Return conversations in the order in which they are offered; those not routed yet are left out.

    By priority of the queue, their own priority, end of the service window if the queue says so, and waiting time.
    """
    window = Case(When(queue__closing_windows_first=True, then="window_closes_at"), output_field=DateTimeField())
    return exclude_unrouted(Conversation.objects.unclosed()).order_by(
        "queue__priority", "priority", window.asc(nulls_last=True), "queued_at", "pk"
    )


def agents_to_lock() -> QuerySet[Agent]:
    """Return the active agents without related rows, for locking and counting."""
    return active_agents().select_related(None).order_by()


# -- Facts of conversations -------------------------------------------------------------------------------------------


def make_facts_loader(now: datetime) -> Any:
    """Return a function that loads required skills and previous agents of conversations in one query."""

    def load_facts(pks: Sequence[int]) -> Mapping[int, WorkItemFacts]:
        rows_by_pk: dict[int, list[tuple[Any, ...]]] = {}
        for pk, *row in _required_skill_rows(pks).union(_declined_offer_rows(pks), _released_rows(pks), all=True):
            rows_by_pk.setdefault(pk, []).append(tuple(row))
        return {pk: _build_facts(rows, now) for pk, rows in rows_by_pk.items()}

    return load_facts


def _build_facts(rows: list[tuple[Any, ...]], now: datetime) -> WorkItemFacts:
    # Sorted by time, so that the dict keeps the latest time of each agent.
    declines = sorted((at, agent_id) for fact, agent_id, _, _, at in rows if fact == DECLINED_FACT)
    latest = {agent_id: at for at, agent_id in declines}
    return WorkItemFacts(
        skills={skill: rating for fact, skill, rating, _, _ in rows if fact == SKILL_FACT},
        skill_names={skill: name for fact, skill, _, name, _ in rows if fact == SKILL_FACT},
        excluded_agents=frozenset(agent_id for agent_id, at in latest.items() if at > now - REOFFER_AFTER),
        deprioritized_agents=frozenset(agent_id for agent_id, at in latest.items() if at <= now - REOFFER_AFTER),
        disconnected_agents=frozenset(agent_id for fact, agent_id, _, _, _ in rows if fact == DISCONNECTED_FACT),
    )


FACT_COLUMNS = ("conversation_id", "fact", "subject_id", "rating_", "name_", "at")
SKILL_FACT, DECLINED_FACT, DISCONNECTED_FACT = "skill", "declined", "disconnected"


def _fact_rows(rows: QuerySet[Any], kind: str, **columns: Any) -> QuerySet[Any, Any]:
    defaults = {
        "fact": Value(kind, output_field=CharField()),
        "rating_": Value(0, output_field=IntegerField()),
        "name_": Value("", output_field=CharField()),
        "at": Cast(Value(None), DateTimeField()),
    }
    facts: QuerySet[Any, Any] = rows.order_by().annotate(**{**defaults, **columns}).values_list(*FACT_COLUMNS)
    return facts


def _required_skill_rows(pks: Sequence[int]) -> QuerySet[Any, Any]:
    required = RequiredSkill.objects.filter(conversation__in=pks)
    return _fact_rows(
        required, SKILL_FACT, subject_id=F("skill_id"), rating_=Cast("rating", IntegerField()), name_=F("skill__name")
    )


def _declined_offer_rows(pks: Sequence[int]) -> QuerySet[Any, Any]:
    """Return the agents who rejected or missed an offer since the conversation entered its queue."""
    offers = Offer.objects.filter(conversation__in=pks, outcome__in=DECLINED_OUTCOMES)
    current = offers.filter(decided_at__gte=F("conversation__queued_at"))
    return _fact_rows(current, DECLINED_FACT, subject_id=F("agent_id"), at=F("decided_at"))


def _released_rows(pks: Sequence[int]) -> QuerySet[Any, Any]:
    """Return the agents who released, or were disconnected from, a conversation now in its queue."""
    released = Conversation.objects.filter(
        pk__in=pks, released_by__isnull=False, released_at__gte=F("queued_at")
    ).annotate(conversation_id=F("pk"))
    kind = Case(
        When(is_released_by_disconnect=True, then=Value(DISCONNECTED_FACT)),
        default=Value(DECLINED_FACT),
        output_field=CharField(),
    )
    return _fact_rows(released, DECLINED_FACT, fact=kind, subject_id=F("released_by_id"), at=F("released_at"))


# -- Records of decisions ---------------------------------------------------------------------------------------------


def record_decisions(decisions: list[Decision]) -> None:
    """Create offers and timeline events for the decisions of an assignment run, and publish them."""
    offered = [(decision, decision.choice.agent_id) for decision in decisions if decision.choice.agent_id is not None]
    unavailable = _count_unavailable_agents(decisions)
    _set_last_assigned(offered)
    Offer.objects.bulk_create(
        [
            Offer(conversation=decision.item, agent_id=agent_id, offered_at=timezone.now())
            for decision, agent_id in offered
        ]
    )
    recorded = _create_decision_events(decisions, unavailable)
    if expiries := [decision.expires_at for decision, _ in offered if decision.expires_at is not None]:
        request_offer_check(min(expiries))
    publish_events(LiveEventKind.CONVERSATION, [(decision.item, decision.choice.agent_id) for decision in recorded])
    publish_presence(*sorted({agent_id for _, agent_id in offered}))


def record_assignment_fault(pk: int, error: Exception) -> None:
    """Log that a conversation could not be assigned, and record it once in its timeline."""
    conversation = Conversation.objects.filter(pk=pk).exclude(assignment_fault_reported_at__gte=F("queued_at")).first()
    if conversation is None:
        return
    logger.error("Conversation %s could not be assigned.", pk, exc_info=error)
    with transaction.atomic():
        text = localized("Assignment failed: %(error)s.", error=str(error or type(error).__name__)[:MAX_FAULT_LENGTH])
        timeline.record(conversation, TimelineEventKind.ASSIGNMENT_FAULT, text, actor=None)
        Conversation.objects.filter(pk=pk).update(assignment_fault_reported_at=timezone.now())
        publish_event(LiveEventKind.CONVERSATION, conversation)


def record_no_agent_reasons(reasons: Mapping[tuple[int, int], Choice]) -> None:
    """Record once in the timeline why nobody can take a conversation.

    No live event is published: pages show the timeline event when somebody opens the conversation.

    Args:
        reasons: By id of the queue and id of the work stream.
    """
    is_affected = reduce(or_, (Q(queue=queue, work_stream=stream) for queue, stream in reasons))
    unreported = (
        filter_unoffered_push_work(exclude_unrouted(Conversation.objects.unclosed().order_by()))
        .filter(is_affected)
        .exclude(no_agent_reported_at__gte=F("queued_at"))
    )
    if not unreported.exists():
        return
    with transaction.atomic():
        locked = unreported.select_related("queue", "work_stream").select_for_update(
            of=("self",), skip_locked=True, no_key=True
        )
        decisions = [
            Decision(conversation, reasons[conversation.queue_id, conversation.work_stream_id])
            for conversation in locked[:MAX_WORK_ITEMS]
        ]
        _create_no_agent_events(decisions, _count_unavailable_agents(decisions))


def _create_no_agent_events(
    decisions: list[Decision], unavailable: Mapping[tuple[int, int], dict[LocalizedText, int]]
) -> None:
    texts = {
        key: decision.choice.explain_refusal(unavailable[key])
        for decision in decisions
        for key in [_queue_and_stream(decision)]
    }
    ConversationEvent.objects.bulk_create(
        [
            ConversationEvent(
                conversation=decision.item, kind=TimelineEventKind.NO_AGENT, text=texts[_queue_and_stream(decision)]
            )
            for decision in decisions
        ]
    )
    _set_no_agent_reported([decision.item.pk for decision in decisions])


def _set_no_agent_reported(pks: Sequence[int]) -> None:
    Conversation.objects.filter(pk__in=pks).update(no_agent_reported_at=timezone.now())


def _queue_and_stream(decision: Decision) -> tuple[int, int]:
    return decision.item.queue_id, decision.item.work_stream_id


def _set_last_assigned(offered: list[tuple[Decision, int]]) -> None:
    """Store when each agent was last assigned work; times differ within a batch to keep its order."""
    latest = {agent_id: decision.assigned_at for decision, agent_id in offered}
    if latest:
        times = Case(*(When(pk=pk, then=Value(at)) for pk, at in latest.items()), output_field=DateTimeField())
        Agent.objects.filter(pk__in=latest).update(last_assigned_at=times)


def _create_decision_events(
    decisions: list[Decision], unavailable: Mapping[tuple[int, int], dict[LocalizedText, int]]
) -> list[Decision]:
    """Add a timeline event for each offer, and for each conversation the first time nobody can take it.

    Returns:
        The decisions with an event.
    """
    agents = Agent.objects.select_related("user").in_bulk({decision.choice.agent_id for decision in decisions} - {None})
    events, recorded = [], []
    for decision in decisions:
        conversation, agent_id = decision.item, decision.choice.agent_id
        obstacles = unavailable[_queue_and_stream(decision)]
        if agent_id is not None:
            events.append(_build_offer_event(decision, agents[agent_id], obstacles))
        elif not _is_no_agent_reported(conversation):
            text = decision.choice.explain_refusal(obstacles)
            events.append(ConversationEvent(conversation=conversation, kind=TimelineEventKind.NO_AGENT, text=text))
        else:
            continue
        recorded.append(decision)
    ConversationEvent.objects.bulk_create(events)
    _set_no_agent_reported([decision.item.pk for decision in recorded if decision.choice.agent_id is None])
    return recorded


def _build_offer_event(decision: Decision, agent: Agent, obstacles: Mapping[LocalizedText, int]) -> ConversationEvent:
    return ConversationEvent(
        conversation=decision.item,
        kind=TimelineEventKind.OFFERED,
        text=localized("Offered to %(agent)s (%(why)s)", agent=agent, why=decision.choice.reason),
        details=decision.choice.get_details(obstacles),
    )


def _is_no_agent_reported(conversation: Conversation) -> bool:
    reported_at = conversation.no_agent_reported_at
    return reported_at is not None and reported_at >= conversation.queued_at


def _count_unavailable_agents(decisions: list[Decision]) -> dict[tuple[int, int], dict[LocalizedText, int]]:
    """Return how many agents of the queue have a presence that is not allowed, by queue and work stream."""
    counts: dict[tuple[int, int], dict[LocalizedText, int]] = {}
    for decision in decisions:
        queue, stream = decision.item.queue, decision.item.work_stream
        if (queue.pk, stream.pk) not in counts:
            agents = agents_to_lock().exclude(presence__base_status__in=stream.allowed_presences)
            if not queue.is_default:
                agents = agents.filter(pk__in=QueueMembership.objects.filter(queue=queue).values("agent"))
            texts = agents.values_list("presence__text").annotate(count=Count("pk")).order_by("presence__text")
            counts[queue.pk, stream.pk] = {get_presence_obstacle(text): count for text, count in texts}
    return counts
