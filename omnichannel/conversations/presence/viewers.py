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

from omnichannel.conversations.access import agents_with_access, can_supervise, supervisors_with_pk
from omnichannel.conversations.live_events import LiveEventKind
from omnichannel.conversations.models import Conversation, Participation, ParticipationKind, Viewer
from omnichannel.live.publish import publish
from routing.models import Agent

VIEWER_TIMEOUT = timedelta(seconds=30)
TYPING_TIMEOUT = timedelta(seconds=15)  # without another word, who was writing has stopped
RENEW_INTERVAL = timedelta(seconds=10)


@dataclass(frozen=True)
class ActiveViewer:
    """A colleague who looks at the conversation too."""

    agent: Agent
    is_typing: bool


def other_viewers(conversation: Conversation, agent: Agent, now: datetime) -> Sequence[ActiveViewer]:
    """The colleagues who look at it now, who writes first; whoever looks in silently is shown to nobody."""
    part = Participation.objects.filter(conversation=conversation, agent=OuterRef("agent"), left_at=None)
    found: QuerySet[Any] = _current_viewers(conversation, now).exclude(agent=agent).select_related("agent__user")
    found = found.annotate(
        kind=Subquery(part.values("kind")[:1]), supervises=Exists(supervisors_with_pk(OuterRef("agent")))
    )
    looking = [
        ActiveViewer(row.agent, _is_typing(row, now))
        for row in found.order_by("pk")
        if not _is_hidden(conversation, row.agent_id, kind=row.kind, is_supervisor=row.supervises)
    ]
    return sorted(looking, key=lambda one: not one.is_typing)


def _is_hidden(conversation: Conversation, agent_id: int, *, kind: str | None, is_supervisor: bool) -> bool:
    # A supervisor opens a conversation before choosing to monitor it: they are silent until they take part in it.
    is_somebody_elses = conversation.agent_id not in {None, agent_id}
    return kind == ParticipationKind.MONITOR or (
        is_supervisor and is_somebody_elses and kind != ParticipationKind.CONSULT
    )


def record_viewing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent has the conversation before their eyes; written every ten seconds at most."""
    seen_at = _viewer_rows_of(conversation, agent).values_list("seen_at", flat=True).first()
    if seen_at is not None and seen_at > now - RENEW_INTERVAL:
        return
    with transaction.atomic():
        _upsert_viewer(conversation, agent, ["seen_at"], seen_at=now)
        if seen_at is None or seen_at < now - VIEWER_TIMEOUT:
            _notify_other_viewers(LiveEventKind.VIEWING, conversation, agent, now)


def record_typing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent is writing, to the customer or to colleagues; written every ten seconds at most."""
    typed_at = _viewer_rows_of(conversation, agent).values_list("typing_at", flat=True).first()
    if typed_at is not None and typed_at > now - RENEW_INTERVAL:
        return
    with transaction.atomic():
        _upsert_viewer(conversation, agent, ["seen_at", "typing_at"], seen_at=now, typing_at=now)
        if typed_at is None or typed_at < now - TYPING_TIMEOUT:
            _notify_other_viewers(LiveEventKind.TYPING, conversation, agent, now)


def stop_typing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent has sent what they wrote, or writes no more."""
    typing = _viewer_rows_of(conversation, agent).filter(typing_at__isnull=False)
    if not typing.exists():
        return
    with transaction.atomic():
        if typing.update(typing_at=None):
            _notify_other_viewers(LiveEventKind.TYPING, conversation, agent, now)


def remove_viewer(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """The agent has left the conversation's page."""
    with transaction.atomic():
        if _viewer_rows_of(conversation, agent).delete()[0]:
            _notify_other_viewers(LiveEventKind.VIEWING, conversation, agent, now)


def delete_stale_viewers() -> None:
    """Delete what pages left behind that ended without a word."""
    Viewer.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()


def _current_viewers(conversation: Conversation, now: datetime) -> QuerySet[Viewer]:
    return Viewer.objects.filter(conversation=conversation, seen_at__gte=now - VIEWER_TIMEOUT)


def _viewer_rows_of(conversation: Conversation, agent: Agent) -> QuerySet[Viewer]:
    return Viewer.objects.filter(conversation=conversation, agent=agent)


def _is_typing(row: Viewer, now: datetime) -> bool:
    return row.typing_at is not None and row.typing_at > now - TYPING_TIMEOUT


def _upsert_viewer(conversation: Conversation, agent: Agent, fields: Iterable[str], **values: datetime) -> None:
    # Two tabs of one agent may be first at once: one statement for both cases.
    row = Viewer(conversation=conversation, agent=agent, **values)
    Viewer.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["conversation", "agent"], update_fields=list(fields)
    )


def _notify_other_viewers(kind: LiveEventKind, conversation: Conversation, agent: Agent, now: datetime) -> None:
    if _is_hidden(conversation, agent.pk, kind=conversation.participation_kind, is_supervisor=can_supervise(agent)):
        return
    others = _current_viewers(conversation, now).exclude(agent=agent).values("agent")
    told = agents_with_access(conversation).filter(pk__in=others).values_list("pk", flat=True)
    topics = [f"agent:{pk}" for pk in told.order_by()]
    if topics:
        publish(kind, conversation.pk, topics=topics)
