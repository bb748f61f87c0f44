"""Who has a conversation before their eyes, and who is writing in it: so that two do not answer at once.

A page says so again while it is looked at; who has not said so for a while has gone. Colleagues are told at once of
what changes, and only those of them who look at the same conversation: elsewhere nobody would see it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from omnichannel.conversations.access import agents_who_may_see, may_supervise, supervisors
from omnichannel.conversations.live_events import EventKind
from omnichannel.conversations.models import Conversation, Part, Participation, Viewer
from omnichannel.live.publish import publish
from routing.models import Agent

GONE_AFTER = timedelta(seconds=30)
STILL_AFTER = timedelta(seconds=15)  # without another word, who was writing has stopped
RENEWED_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Looking:
    """A colleague who looks at the conversation too."""

    agent: Agent
    is_typing: bool


def who_else_looks(conversation: Conversation, agent: Agent, now: datetime) -> Sequence[Looking]:
    """The colleagues who look at it now, who writes first; whoever looks in silently is shown to nobody."""
    part = Participation.objects.filter(conversation=conversation, agent=OuterRef("agent"), left_at=None)
    found: QuerySet[Any] = _looking(conversation, now).exclude(agent=agent).select_related("agent__user")
    found = found.annotate(part=Subquery(part.values("part")[:1]), supervises=Exists(supervisors(OuterRef("agent"))))
    looking = [
        Looking(row.agent, _types(row, now))
        for row in found.order_by("pk")
        if not _is_silent(conversation, row.agent_id, part=row.part, supervises=row.supervises)
    ]
    return sorted(looking, key=lambda one: not one.is_typing)


def _is_silent(conversation: Conversation, agent_id: int, *, part: str | None, supervises: bool) -> bool:
    # A supervisor opens a conversation before choosing to monitor it: they are silent until they take part in it.
    is_somebody_elses = conversation.agent_id not in {None, agent_id}
    return part == Part.MONITOR or (supervises and is_somebody_elses and part != Part.CONSULT)


def look(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent has the conversation before their eyes; written every ten seconds at most."""
    seen_at = _own(conversation, agent).values_list("seen_at", flat=True).first()
    if seen_at is not None and seen_at > now - RENEWED_EVERY:
        return
    with transaction.atomic():
        _write(conversation, agent, ["seen_at"], seen_at=now)
        if seen_at is None or seen_at < now - GONE_AFTER:
            _tell_the_others(EventKind.VIEWING, conversation, agent, now)


def type_in(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent is writing, to the customer or to colleagues; written every ten seconds at most."""
    typed_at = _own(conversation, agent).values_list("typing_at", flat=True).first()
    if typed_at is not None and typed_at > now - RENEWED_EVERY:
        return
    with transaction.atomic():
        _write(conversation, agent, ["seen_at", "typing_at"], seen_at=now, typing_at=now)
        if typed_at is None or typed_at < now - STILL_AFTER:
            _tell_the_others(EventKind.TYPING, conversation, agent, now)


def stop_typing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent has sent what they wrote, or writes no more."""
    typing = _own(conversation, agent).filter(typing_at__isnull=False)
    if not typing.exists():
        return
    with transaction.atomic():
        if typing.update(typing_at=None):
            _tell_the_others(EventKind.TYPING, conversation, agent, now)


def go(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent has left the conversation's page."""
    with transaction.atomic():
        if _own(conversation, agent).delete()[0]:
            _tell_the_others(EventKind.VIEWING, conversation, agent, now)


def forget_who_looked() -> None:
    """Delete what pages left behind that ended without a word."""
    Viewer.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()


def _looking(conversation: Conversation, now: datetime) -> QuerySet[Viewer]:
    return Viewer.objects.filter(conversation=conversation, seen_at__gte=now - GONE_AFTER)


def _own(conversation: Conversation, agent: Agent) -> QuerySet[Viewer]:
    return Viewer.objects.filter(conversation=conversation, agent=agent)


def _types(row: Viewer, now: datetime) -> bool:
    return row.typing_at is not None and row.typing_at > now - STILL_AFTER


def _write(conversation: Conversation, agent: Agent, fields: Iterable[str], **values: datetime) -> None:
    # Two tabs of one agent may be first at once: one statement for both cases.
    row = Viewer(conversation=conversation, agent=agent, **values)
    Viewer.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["conversation", "agent"], update_fields=list(fields)
    )


def _tell_the_others(kind: EventKind, conversation: Conversation, agent: Agent, now: datetime) -> None:
    if _is_silent(conversation, agent.pk, part=conversation.part, supervises=may_supervise(agent)):
        return
    others = _looking(conversation, now).exclude(agent=agent).values("agent")
    told = agents_who_may_see(conversation).filter(pk__in=others).values_list("pk", flat=True)
    topics = [f"agent:{pk}" for pk in told.order_by()]
    if topics:
        publish(kind, conversation.pk, topics=topics)
