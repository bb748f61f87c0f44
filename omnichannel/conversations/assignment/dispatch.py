"""Hand out waiting conversations: when somebody says there is work or room, and every few seconds as a net."""

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
from routing.assignment.engine import Choice
from routing.models import Agent, BasePresence, QueueMembership

logger = logging.getLogger(__name__)

# Somebody who passed a conversation over is asked again after this long, before it waits for nobody.
REOFFER_AFTER = timedelta(minutes=10)
RETRY_DELAY = timedelta(milliseconds=500)
# While something waits: wrap-up stops using capacity, and who passed it over is asked again, without anybody's doing.
SWEEP_INTERVAL = timedelta(seconds=5)
DECLINED_OUTCOMES = (OfferOutcome.REJECTED, OfferOutcome.TIMED_OUT)
MAX_FAULT_LENGTH = 400  # characters of an error that the timeline shows


def offer_ending_presences() -> list[BasePresence]:
    """Return the base statuses that end an agent's offers."""
    return base_presences(lambda base: not base.follows_load)


def request_assignment_if_waiting() -> None:
    """A rare net: look whenever something waits, in case a moment was missed."""
    if filter_unoffered_push_work(exclude_unrouted(Conversation.objects.order_by())).exists():
        request_assignment()


def run_assign_lane(lease: Lease) -> datetime | None:
    """Offer what waits to the agents who should have it, and again and again while something still waits.

    Soon again when something was being changed just then.
    """
    if Conversation.objects.filter(offered_to__presence__base_status__in=offer_ending_presences()).exists():
        request_offer_check(timezone.now())
    _, left_out = offer_waiting_conversations(timezone.now())
    if left_out:
        return timezone.now() + RETRY_DELAY
    still_waits = filter_unoffered_push_work(Conversation.objects.order_by()).exists()
    return timezone.now() + SWEEP_INTERVAL if still_waits else None


def offer_waiting_conversations(now: datetime, *, limit: int | None = None) -> tuple[int, bool]:
    """Offer waiting conversations; how many, and whether some were being changed by somebody else."""
    return assign_waiting(
        filter_unoffered_push_work(conversations_in_offer_order()),
        all_work=Conversation.objects.all(),
        agents=agents_to_lock(),
        now=now,
        get_facts=make_facts_loader(now),
        on_decisions=record_decisions,
        on_failure=record_assignment_fault,
        on_unassignable=record_no_agent_reasons,
        limit=limit,
    )


def conversations_in_offer_order() -> ConversationQuerySet:
    """Conversations as they come: the queue's priority, their own, closing windows where the queue says so, longest
    waiting.

    Whose rules have not been asked yet is not among them.
    """
    window = Case(When(queue__closing_windows_first=True, then="window_closes_at"), output_field=DateTimeField())
    return exclude_unrouted(Conversation.objects.all()).order_by(
        "queue__priority", "priority", window.asc(nulls_last=True), "queued_at", "pk"
    )


def agents_to_lock() -> QuerySet[Agent]:
    """Everybody who works at the desk, bare: to be locked and counted, not to be shown."""
    return active_agents().select_related(None).order_by()


# -- What a conversation needs ----------------------------------------------------------------------------------------


def make_facts_loader(now: datetime) -> Any:
    """A function that finds out, with one query, what these conversations need and who has passed them over."""

    def facts_of(pks: Sequence[int]) -> Mapping[int, WorkItemFacts]:
        found: dict[int, list[tuple[Any, ...]]] = {}
        for pk, *row in _required_skill_rows(pks).union(_declined_offer_rows(pks), _released_rows(pks), all=True):
            found.setdefault(pk, []).append(tuple(row))
        return {pk: _build_facts(rows, now) for pk, rows in found.items()}

    return facts_of


def _build_facts(rows: list[tuple[Any, ...]], now: datetime) -> WorkItemFacts:
    # In the order of their moments, so that the latest of each is the one that is kept.
    passed = sorted((at, who) for what, who, _, _, at in rows if what == DECLINED_FACT)
    latest = {who: at for at, who in passed}
    return WorkItemFacts(
        skills={skill: rating for what, skill, rating, _, _ in rows if what == SKILL_FACT},
        skill_names={skill: name for what, skill, _, name, _ in rows if what == SKILL_FACT},
        excluded_agents=frozenset(who for who, at in latest.items() if at > now - REOFFER_AFTER),
        deprioritized_agents=frozenset(who for who, at in latest.items() if at <= now - REOFFER_AFTER),
        disconnected_agents=frozenset(who for what, who, _, _, _ in rows if what == DISCONNECTED_FACT),
    )


FACT_COLUMNS = ("conversation_id", "fact", "subject_id", "rating_", "name_", "at")
SKILL_FACT, DECLINED_FACT, DISCONNECTED_FACT = "needed", "passed over", "lost"


def _fact_rows(rows: QuerySet[Any], kind: str, **columns: Any) -> QuerySet[Any, Any]:
    blank = {
        "fact": Value(kind, output_field=CharField()),
        "rating_": Value(0, output_field=IntegerField()),
        "name_": Value("", output_field=CharField()),
        "at": Cast(Value(None), DateTimeField()),
    }
    listed: QuerySet[Any, Any] = rows.order_by().annotate(**{**blank, **columns}).values_list(*FACT_COLUMNS)
    return listed


def _required_skill_rows(pks: Sequence[int]) -> QuerySet[Any, Any]:
    needed = RequiredSkill.objects.filter(conversation__in=pks)
    return _fact_rows(
        needed, SKILL_FACT, subject_id=F("skill_id"), rating_=Cast("rating", IntegerField()), name_=F("skill__name")
    )


def _declined_offer_rows(pks: Sequence[int]) -> QuerySet[Any, Any]:
    """Whoever rejected it or let it time out since it came into its queue."""
    offers = Offer.objects.filter(conversation__in=pks, outcome__in=DECLINED_OUTCOMES)
    since = offers.filter(decided_at__gte=F("conversation__queued_at"))
    return _fact_rows(since, DECLINED_FACT, subject_id=F("agent_id"), at=F("decided_at"))


def _released_rows(pks: Sequence[int]) -> QuerySet[Any, Any]:
    """Return the agents who gave a conversation back, or were disconnected from it, since it came into its queue."""
    released = Conversation.objects.filter(
        pk__in=pks, released_by__isnull=False, released_at__gte=F("queued_at")
    ).annotate(conversation_id=F("pk"))
    kind = Case(
        When(is_released_by_disconnect=True, then=Value(DISCONNECTED_FACT)),
        default=Value(DECLINED_FACT),
        output_field=CharField(),
    )
    return _fact_rows(released, DECLINED_FACT, fact=kind, subject_id=F("released_by_id"), at=F("released_at"))


# -- What is written down ---------------------------------------------------------------------------------------------


def record_decisions(decisions: list[Decision]) -> None:
    """Offers and the timeline, in words a supervisor understands; then the pages are told."""
    offered = [(one, one.choice.agent_id) for one in decisions if one.choice.agent_id is not None]
    absent = _count_unavailable_agents(decisions)
    _set_last_assigned(offered)
    Offer.objects.bulk_create(
        [Offer(conversation=one.item, agent_id=pk, offered_at=timezone.now()) for one, pk in offered]
    )
    told = _create_decision_events(decisions, absent)
    if ends := [one.expires_at for one, _ in offered if one.expires_at is not None]:
        request_offer_check(min(ends))
    publish_events(LiveEventKind.CONVERSATION, [(one.item, one.choice.agent_id) for one in told])
    publish_presence(*sorted({pk for _, pk in offered}))


def record_assignment_fault(pk: int, error: Exception) -> None:
    """Log that a conversation could not be assigned, and say so once in its timeline."""
    conversation = Conversation.objects.filter(pk=pk).exclude(assignment_fault_reported_at__gte=F("queued_at")).first()
    if conversation is None:
        return
    logger.error("Conversation %s could not be assigned.", pk, exc_info=error)
    with transaction.atomic():
        text = localized(
            "Could not be assigned: %(error)s.", error=str(error or type(error).__name__)[:MAX_FAULT_LENGTH]
        )
        timeline.record(conversation, TimelineEventKind.ASSIGNMENT_FAULT, text, actor=None)
        Conversation.objects.filter(pk=pk).update(assignment_fault_reported_at=timezone.now())
        publish_event(LiveEventKind.CONVERSATION, conversation)


def record_no_agent_reasons(reasons: Mapping[tuple[int, int], Choice]) -> None:
    """Say once in the timelines of conversations that nobody can take why that is so.

    No live event is published: the line is there when somebody opens the conversation.

    Args:
        reasons: By ids of queue and work stream.
    """
    concerned = reduce(or_, (Q(queue=queue, work_stream=stream) for queue, stream in reasons))
    unreported = (
        filter_unoffered_push_work(exclude_unrouted(Conversation.objects.order_by()))
        .filter(concerned)
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
    decisions: list[Decision], absent: Mapping[tuple[int, int], dict[LocalizedText, int]]
) -> None:
    texts = {
        key: decision.choice.explain(absent[key]) for decision in decisions for key in [_queue_and_stream(decision)]
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


def _queue_and_stream(one: Decision) -> tuple[int, int]:
    return one.item.queue_id, one.item.work_stream_id


def _set_last_assigned(offered: list[tuple[Decision, int]]) -> None:
    """When each agent last got work; within a batch in its order, so that turns stay turns."""
    latest = {pk: one.assigned_at for one, pk in offered}
    if latest:
        times = Case(*(When(pk=pk, then=Value(at)) for pk, at in latest.items()), output_field=DateTimeField())
        Agent.objects.filter(pk__in=latest).update(last_assigned_at=times)


def _create_decision_events(
    decisions: list[Decision], absent: Mapping[tuple[int, int], dict[LocalizedText, int]]
) -> list[Decision]:
    """Add a line for each offer, and for each conversation the first time nobody can take it.

    Returns:
        The decisions that got a line.
    """
    agents = Agent.objects.select_related("user").in_bulk({decision.choice.agent_id for decision in decisions} - {None})
    events, recorded = [], []
    for decision in decisions:
        conversation, agent_id = decision.item, decision.choice.agent_id
        reasons = decision.choice.explain(absent[_queue_and_stream(decision)])
        if agent_id is not None:
            text = localized("Offered to %(agent)s: %(why)s", agent=agents[agent_id], why=reasons)
            events.append(ConversationEvent(conversation=conversation, kind=TimelineEventKind.OFFERED, text=text))
        elif not _is_no_agent_reported(conversation):
            events.append(ConversationEvent(conversation=conversation, kind=TimelineEventKind.NO_AGENT, text=reasons))
        else:
            continue
        recorded.append(decision)
    ConversationEvent.objects.bulk_create(events)
    _set_no_agent_reported([decision.item.pk for decision in recorded if decision.choice.agent_id is None])
    return recorded


def _is_no_agent_reported(conversation: Conversation) -> bool:
    reported_at = conversation.no_agent_reported_at
    return reported_at is not None and reported_at >= conversation.queued_at


def _presence_obstacle(presences: Sequence[str]) -> LocalizedText:
    names = [LocalizedText(BasePresence(one).label) for one in presences] or [localized("an allowed presence")]
    shown = reduce(lambda one, other: localized("%(one)s or %(other)s", one=one, other=other), names)
    return localized("not showing %(presences)s", presences=shown)


def _count_unavailable_agents(decisions: list[Decision]) -> dict[tuple[int, int], dict[LocalizedText, int]]:
    """By queue and work stream, how many of the queue's agents do not show an allowed presence."""
    found: dict[tuple[int, int], dict[LocalizedText, int]] = {}
    for one in decisions:
        queue, stream = one.item.queue, one.item.work_stream
        if (queue.pk, stream.pk) not in found:
            agents = agents_to_lock().exclude(presence__base_status__in=stream.allowed_presences)
            if not queue.is_default:
                agents = agents.filter(pk__in=QueueMembership.objects.filter(queue=queue).values("agent"))
            found[queue.pk, stream.pk] = {_presence_obstacle(stream.allowed_presences): agents.count()}
    return found
