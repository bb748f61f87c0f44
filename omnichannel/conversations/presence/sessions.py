"""Agents come, go, and come back: what they show then, and what becomes of the work they were offered."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.access import WORK_PERMISSION, agent_for_user
from omnichannel.conversations.agent_load import refresh_agent_loads, schedule_load_refresh
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.live_events import publish_presence
from omnichannel.conversations.presence.disconnects import schedule_disconnect_check
from routing.agents import get_or_create_agent, set_presence_manually
from routing.models import Agent, BasePresence, Presence
from routing.presence import (
    ABSENCE_TIMEOUT,
    get_agents_without_open_pages,
    get_built_in_presence,
    is_present,
    record_last_seen,
    set_default_presence,
    set_offline,
    set_presence,
)
from routing.signals import agent_changed_by_admin


def choose_presence(agent: Agent, presence: Presence) -> None:
    """The agent chooses what to show."""
    with transaction.atomic():
        _update_last_seen(agent)
        set_presence_manually(agent, presence)
        if presence.base_status == BasePresence.OFFLINE:
            schedule_disconnect_check(agent)
        _publish_change(agent)


def return_from_absence(agent: Agent) -> None:
    """The agent is there again: their default presence, and from then on what their load says."""
    with transaction.atomic():
        _update_last_seen(agent)
        set_default_presence(agent)
        _publish_change(agent)


def handle_sign_in(user: User) -> None:
    """Somebody who works at the desk has signed in to it; who was neither Offline nor Inactive stays as they were."""
    agent = agent_for_user(user)
    if agent is None and user.is_active and user.has_perm(WORK_PERMISSION):
        agent = get_or_create_agent(user)
    if agent is not None and not is_present(agent):
        return_from_absence(agent)


def handle_sign_out(user: User) -> None:
    """Somebody has signed out."""
    agent = agent_for_user(user)
    if agent is not None:
        with transaction.atomic():
            Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())
            set_presence(agent, get_built_in_presence(BasePresence.OFFLINE), is_manual=False)
            schedule_disconnect_check(agent)
            _publish_change(agent)


def record_page_activity(user: User) -> None:
    """One of this person's pages is open; who was Offline only because all had been gone is there again."""
    agent = agent_for_user(user)
    if agent is None:
        return
    was_gone = record_last_seen(agent, timezone.now())
    if was_gone and agent.presence.base_status == BasePresence.OFFLINE and not agent.is_presence_manual:
        return_from_absence(agent)


def update_presences(now: datetime | None = None) -> None:
    """Set agents Offline all of whose pages are gone, and bring the others' presence up to their load."""
    at = now or timezone.now()
    for agent in get_agents_without_open_pages(at):
        with transaction.atomic():
            if set_offline(agent, unless_seen_since=at - ABSENCE_TIMEOUT):
                schedule_disconnect_check(agent, agent.last_seen_at)
                _publish_change(agent)
    refresh_agent_loads(at)


@receiver(agent_changed_by_admin)
def apply_admin_change(agent: Agent, **kwargs: Any) -> None:
    """Let a presence or capacity that an administrator has set take effect at once."""
    with transaction.atomic():
        if agent.presence.base_status == BasePresence.OFFLINE:
            schedule_disconnect_check(agent)
        _publish_change(agent)


def _update_last_seen(agent: Agent) -> None:
    """Who acts is there, though the page they act on may not have been seen yet after a night away."""
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())


def _publish_change(agent: Agent) -> None:
    """There may be work for them now, or theirs may be for others."""
    schedule_load_refresh(agent.pk)
    request_assignment()
    publish_presence(agent.pk)
