"""Hand out waiting conversations: when somebody says there is work or room, and every few seconds as a net."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, DateTimeField, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

from omnichannel.conversations.access import agents_at_work
from omnichannel.conversations.being_routed import routed
from omnichannel.conversations.hints import CONVERSATION, tell, tell_pages_of
from omnichannel.conversations.models import (
    Conversation,
    ConversationEvent,
    ConversationQuerySet,
    Offer,
    OfferOutcome,
    RequiredSkill,
)
from omnichannel.jobs.lanes import Lease, enqueue
from routing.assignment import Decision, Facts, assign_waiting, to_hand_out
from routing.models import Agent, BasePresence, QueueMembership, State

ASSIGN_LANE = "assign"
# Somebody who passed a conversation over is asked again after this long, before it waits for nobody.
ASKED_AGAIN_AFTER = timedelta(minutes=10)
LOOK_AGAIN_AFTER = timedelta(milliseconds=500)
PASSED_OVER = (OfferOutcome.REJECTED, OfferOutcome.TIMED_OUT)
OFFERED, NOBODY = "offered", "nobody"


def look_for_agents() -> None:
    """Say that there is work to hand out, or room for it: a worker looks as soon as the transaction is done.

    Call it after everything else that locks, and before the hint: whoever has this lane must not wait for others.
    """
    enqueue(ASSIGN_LANE, 0)


def look_regularly() -> None:
    """The net: look whenever something waits, in case a moment was missed."""
    if to_hand_out(routed(Conversation.objects.order_by())).exists():
        look_for_agents()


def assign_waiting_conversations(lease: Lease) -> datetime | None:
    """Offer what waits to the agents who should have it; soon again when something was being changed just then."""
    _, left_out = hand_out(timezone.now())
    return timezone.now() + LOOK_AGAIN_AFTER if left_out else None


def hand_out(now: datetime, *, limit: int | None = None) -> tuple[int, bool]:
    """Offer waiting conversations; how many, and whether some were being changed by somebody else."""
    return assign_waiting(
        to_hand_out(in_turn()),
        work=Conversation.objects.all(),
        agents=who_works(),
        now=now,
        facts_of=facts_at(now),
        on_decisions=write_down,
        limit=limit,
    )


def in_turn() -> ConversationQuerySet:
    """Conversations as they come: the queue's priority, their own, closing windows where the queue says so, longest
    waiting.

    Whose rules have not been asked yet is not among them.
    """
    window = Case(When(queue__window_first=True, then="window_closes_at"), output_field=DateTimeField())
    return routed(Conversation.objects.all()).order_by(
        "queue__priority", "priority", window.asc(nulls_last=True), "queued_at", "pk"
    )


def who_works() -> QuerySet[Agent]:
    """Everybody who works at the desk, bare: to be locked and counted, not to be shown."""
    return agents_at_work().select_related(None).order_by()


# -- What a conversation needs ----------------------------------------------------------------------------------------


def facts_at(now: datetime) -> Any:
    """A function that finds out, with one query, what these conversations need and who has passed them over."""

    def facts_of(pks: Sequence[int]) -> Mapping[int, Facts]:
        found: dict[int, list[tuple[Any, ...]]] = {}
        for pk, *row in _needs(pks).union(_passed_over(pks), _gave_back(pks), all=True):
            found.setdefault(pk, []).append(tuple(row))
        return {pk: _facts(rows, now) for pk, rows in found.items()}

    return facts_of


def _facts(rows: list[tuple[Any, ...]], now: datetime) -> Facts:
    # In the order of their moments, so that the latest of each is the one that is kept.
    passed = sorted((at, who) for who, _, name, at in rows if not name)
    latest = {who: at for at, who in passed}
    return Facts(
        skills={skill: rating for skill, rating, name, _ in rows if name},
        skill_names={skill: name for skill, _, name, _ in rows if name},
        passed_over=frozenset(who for who, at in latest.items() if at > now - ASKED_AGAIN_AFTER),
        last_resort=frozenset(who for who, at in latest.items() if at <= now - ASKED_AGAIN_AFTER),
    )


COLUMNS = ("conversation_id", "who", "rating_", "name_", "at")


def _rows(rows: QuerySet[Any], **columns: Any) -> QuerySet[Any, Any]:
    blank = {
        "rating_": Value(0, output_field=IntegerField()),
        "name_": Value("", output_field=CharField()),
        "at": Cast(Value(None), DateTimeField()),
    }
    listed: QuerySet[Any, Any] = rows.order_by().annotate(**{**blank, **columns}).values_list(*COLUMNS)
    return listed


def _needs(pks: Sequence[int]) -> QuerySet[Any, Any]:
    needed = RequiredSkill.objects.filter(conversation__in=pks)
    return _rows(needed, who=F("skill_id"), rating_=Cast("rating", IntegerField()), name_=F("skill__name"))


def _passed_over(pks: Sequence[int]) -> QuerySet[Any, Any]:
    """Whoever rejected it or let it time out since it came into its queue."""
    offers = Offer.objects.filter(conversation__in=pks, outcome__in=PASSED_OVER)
    return _rows(offers.filter(decided_at__gte=F("conversation__queued_at")), who=F("agent_id"), at=F("decided_at"))


def _gave_back(pks: Sequence[int]) -> QuerySet[Any, Any]:
    """Whoever put it into its queue: gave it back, or transferred it there."""
    events = ConversationEvent.objects.filter(conversation__in=pks, kind=State.OPEN, actor__agent__isnull=False)
    since = events.filter(created_at__gte=F("conversation__queued_at"))
    return _rows(since, who=F("actor__agent__pk"), at=F("created_at"))


# -- What is written down ---------------------------------------------------------------------------------------------


def write_down(decisions: list[Decision]) -> None:
    """Offers and the timeline, in words a supervisor understands; then the pages are told."""
    offered = [(one, one.choice.agent_id) for one in decisions if one.choice.agent_id is not None]
    absent = _absent(decisions)
    _stamp(offered)
    Offer.objects.bulk_create(
        [Offer(conversation=one.item, agent_id=pk, offered_at=timezone.now()) for one, pk in offered]
    )
    for one in _write_events(decisions, absent):
        tell(CONVERSATION, one.item, also_agents=[one.choice.agent_id])
    for pk in {pk for _, pk in offered}:
        tell_pages_of(pk)


def _stamp(offered: list[tuple[Decision, int]]) -> None:
    """When each agent last got work; within a batch in its order, so that turns stay turns."""
    latest = {pk: one.assigned_at for one, pk in offered}
    if latest:
        times = Case(*(When(pk=pk, then=Value(at)) for pk, at in latest.items()), output_field=DateTimeField())
        Agent.objects.filter(pk__in=latest).update(last_assigned_at=times)


def _write_events(decisions: list[Decision], absent: Mapping[tuple[int, int], dict[str, int]]) -> list[Decision]:
    """A line for each offer, and the first time nobody could take it; those that got a line."""
    names = Agent.objects.select_related("user").in_bulk({one.choice.agent_id for one in decisions} - {None})
    lost = [one.item.pk for one in decisions if one.choice.agent_id is None]
    told = _already_told(lost) if lost else set()
    events = []
    for one in decisions:
        pk, words = one.choice.agent_id, one.choice.in_words(absent[one.item.queue_id, one.item.work_stream_id])
        if pk is not None:
            events.append((one, OFFERED, f"Offered to {names[pk]}: {words}"))
        elif one.item.pk not in told:
            events.append((one, NOBODY, words))
    ConversationEvent.objects.bulk_create(
        [ConversationEvent(conversation=one.item, kind=kind, text=text[:500]) for one, kind, text in events]
    )
    return [one for one, _, _ in events]


def _already_told(pks: Sequence[int]) -> set[int]:
    """Those whose timeline says already, since they came into their queue, why nobody takes them."""
    told = ConversationEvent.objects.filter(conversation__in=pks, kind=NOBODY)
    since = told.filter(created_at__gte=F("conversation__queued_at"))
    return set(since.values_list("conversation_id", flat=True))


def _absent(decisions: list[Decision]) -> dict[tuple[int, int], dict[str, int]]:
    """By queue and work stream, how many of the queue's agents do not show an allowed presence."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    for one in decisions:
        queue, stream = one.item.queue, one.item.work_stream
        if (queue.pk, stream.pk) not in found:
            agents = who_works().exclude(presence__base_status__in=stream.allowed_presences)
            if not queue.is_default:
                agents = agents.filter(pk__in=QueueMembership.objects.filter(queue=queue).values("agent"))
            shown = " or ".join(BasePresence(one).label for one in stream.allowed_presences) or "an allowed presence"
            found[queue.pk, stream.pk] = {f"not showing {shown}": agents.count()}
    return found
