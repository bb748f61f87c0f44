"""Viewers of a conversation and typing indicators, so that two agents do not answer at once.

A page reports itself repeatedly while it is visible; a viewer who has not been reported for a while is gone. Changes
are published at once, but only to agents who view the same conversation, because no other page shows them.
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
from omnichannel.events.publish import publish
from omnichannel.live.topics import agent_topic
from routing.models import Agent

VIEWER_TIMEOUT = timedelta(seconds=30)
TYPING_TIMEOUT = timedelta(seconds=15)
RENEW_INTERVAL = timedelta(seconds=10)


@dataclass(frozen=True)
class ActiveViewer:
    """Another agent who views the conversation."""

    agent: Agent
    is_typing: bool


def other_viewers(conversation: Conversation, agent: Agent, now: datetime) -> Sequence[ActiveViewer]:
    """Return the other current viewers, those who are typing first; monitoring supervisors stay hidden."""
    participation = Participation.objects.filter(conversation=conversation, agent=OuterRef("agent"), left_at=None)
    rows: QuerySet[Any] = _current_viewers(conversation, now).exclude(agent=agent).select_related("agent__user")
    rows = rows.annotate(
        kind=Subquery(participation.values("kind")[:1]), is_supervisor=Exists(supervisors_with_pk(OuterRef("agent")))
    )
    viewers = [
        ActiveViewer(row.agent, _is_typing(row, now))
        for row in rows.order_by("pk")
        if not _is_hidden(conversation, row.agent_id, kind=row.kind, is_supervisor=row.is_supervisor)
    ]
    return sorted(viewers, key=lambda viewer: not viewer.is_typing)


def _is_hidden(conversation: Conversation, agent_id: int, *, kind: str | None, is_supervisor: bool) -> bool:
    # A supervisor opens a colleague's conversation before choosing to monitor it, so they stay hidden until they join.
    is_colleagues = conversation.agent_id not in {None, agent_id}
    return kind == ParticipationKind.MONITOR or (is_supervisor and is_colleagues and kind != ParticipationKind.CONSULT)


def record_viewing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """Record that the agent views the conversation; written at most once in RENEW_INTERVAL."""
    seen_at = _viewer_rows_of(conversation, agent).values_list("seen_at", flat=True).first()
    if seen_at is not None and seen_at > now - RENEW_INTERVAL:
        return
    with transaction.atomic():
        _upsert_viewer(conversation, agent, ["seen_at"], seen_at=now)
        if seen_at is None or seen_at < now - VIEWER_TIMEOUT:
            _notify_other_viewers(LiveEventKind.VIEWING, conversation, agent, now)


def record_typing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """Record that the agent is typing a reply or a note; written at most once in RENEW_INTERVAL."""
    typed_at = _viewer_rows_of(conversation, agent).values_list("typing_at", flat=True).first()
    if typed_at is not None and typed_at > now - RENEW_INTERVAL:
        return
    with transaction.atomic():
        _upsert_viewer(conversation, agent, ["seen_at", "typing_at"], seen_at=now, typing_at=now)
        if typed_at is None or typed_at < now - TYPING_TIMEOUT:
            _notify_other_viewers(LiveEventKind.TYPING, conversation, agent, now)


def stop_typing(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """Record that the agent has sent the message or stopped typing."""
    typing = _viewer_rows_of(conversation, agent).filter(typing_at__isnull=False)
    if not typing.exists():
        return
    with transaction.atomic():
        if typing.update(typing_at=None):
            _notify_other_viewers(LiveEventKind.TYPING, conversation, agent, now)


def remove_viewer(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """Record that the agent has left the conversation's page."""
    with transaction.atomic():
        if _viewer_rows_of(conversation, agent).delete()[0]:
            _notify_other_viewers(LiveEventKind.VIEWING, conversation, agent, now)


def delete_stale_viewers() -> None:
    """Delete the rows of pages that closed without reporting it."""
    Viewer.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()


def _current_viewers(conversation: Conversation, now: datetime) -> QuerySet[Viewer]:
    return Viewer.objects.filter(conversation=conversation, seen_at__gte=now - VIEWER_TIMEOUT)


def _viewer_rows_of(conversation: Conversation, agent: Agent) -> QuerySet[Viewer]:
    return Viewer.objects.filter(conversation=conversation, agent=agent)


def _is_typing(row: Viewer, now: datetime) -> bool:
    return row.typing_at is not None and row.typing_at > now - TYPING_TIMEOUT


def _upsert_viewer(conversation: Conversation, agent: Agent, fields: Iterable[str], **values: datetime) -> None:
    # Upsert, because two tabs of one agent may create the row at the same time.
    row = Viewer(conversation=conversation, agent=agent, **values)
    Viewer.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["conversation", "agent"], update_fields=list(fields)
    )


def _notify_other_viewers(kind: LiveEventKind, conversation: Conversation, agent: Agent, now: datetime) -> None:
    if _is_hidden(conversation, agent.pk, kind=conversation.participation_kind, is_supervisor=can_supervise(agent)):
        return
    others = _current_viewers(conversation, now).exclude(agent=agent).values("agent")
    recipients = agents_with_access(conversation).filter(pk__in=others).values_list("pk", flat=True)
    if topics := [agent_topic(pk) for pk in recipients.order_by()]:
        publish(kind, conversation.pk, topics=topics)
