"""Presence changes of agents: by choice, at sign-in and sign-out, and as pages open and close."""

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
    """Set the presence that the agent chose."""
    with transaction.atomic():
        _update_last_seen(agent)
        set_presence_manually(agent, presence)
        if presence.base_status == BasePresence.OFFLINE:
            schedule_disconnect_check(agent)
        _publish_change(agent)


def return_from_absence(agent: Agent) -> None:
    """Set the default presence of an agent who is back; from then on it follows their load."""
    with transaction.atomic():
        _update_last_seen(agent)
        set_default_presence(agent)
        _publish_change(agent)


def handle_sign_in(user: User) -> None:
    """Set the default presence of an Offline or Inactive agent at sign-in; create the agent if needed."""
    agent = agent_for_user(user)
    if agent is None and user.is_active and user.has_perm(WORK_PERMISSION):
        agent = get_or_create_agent(user)
    if agent is not None and not is_present(agent):
        return_from_absence(agent)


def handle_sign_out(user: User) -> None:
    """Set the agent Offline at sign-out."""
    agent = agent_for_user(user)
    if agent is not None:
        with transaction.atomic():
            Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())
            set_presence(agent, get_built_in_presence(BasePresence.OFFLINE), is_manual=False)
            schedule_disconnect_check(agent)
            _publish_change(agent)


def record_page_activity(user: User) -> None:
    """Record that a page of the user is open; end an Offline that was set because no page was open."""
    agent = agent_for_user(user)
    if agent is None:
        return
    was_absent = record_last_seen(agent, timezone.now())
    if was_absent and agent.presence.base_status == BasePresence.OFFLINE and not agent.is_presence_manual:
        return_from_absence(agent)


def update_presences(now: datetime | None = None) -> None:
    """Set agents without open pages Offline, and update the presence of the others to their load."""
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
    """Record that the agent is active now; their page may not have reported itself yet."""
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())


def _publish_change(agent: Agent) -> None:
    """Publish a changed presence; it may make work assignable to this agent or to others."""
    schedule_load_refresh(agent.pk)
    request_assignment()
    publish_presence(agent.pk)
