"""The presence of agents: chosen by hand, set at sign-in, or following their load."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from routing.models import Agent, BasePresence, Presence

ABSENCE_TIMEOUT: Final = timedelta(minutes=3)
LAST_SEEN_INTERVAL: Final = timedelta(seconds=30)


def get_presence_for_load(presence: BasePresence, used: int, capacity: int) -> BasePresence:
    """Return the presence for a load: Available, Busy or Do not disturb; other presences stay.

    Args:
        presence: The current presence.
        used: Used capacity in units.
        capacity: The agent's capacity in units.
    """
    if not presence.follows_load:
        return presence
    if used <= 0:
        return BasePresence.AVAILABLE
    return BasePresence.BUSY if used < capacity else BasePresence.BUSY_DND


def get_built_in_presence(base: BasePresence) -> Presence:
    """Return the built-in presence with this base status."""
    return Presence.objects.get(base_status=base, is_built_in=True)


def set_presence(agent: Agent, presence: Presence, *, is_manual: bool) -> None:
    """Set the agent's presence; a manual one does not follow the load."""
    Agent.objects.filter(pk=agent.pk).update(presence=presence, is_presence_manual=is_manual)
    agent.presence, agent.is_presence_manual = presence, is_manual


def set_default_presence(agent: Agent) -> None:
    """Set the agent's default presence, else Available."""
    set_presence(agent, agent.default_presence or get_built_in_presence(BasePresence.AVAILABLE), is_manual=False)


def is_present(agent: Agent) -> bool:
    """Return whether the agent is neither Offline nor Inactive."""
    return not agent.presence.base.is_signed_off


def update_presence_for_load(agent: Agent, used: int) -> bool:
    """Update a presence that is not manual to the load; return whether it changed.

    Args:
        used: Used capacity in units.
    """
    current = agent.presence.base
    target = get_presence_for_load(current, used, agent.capacity)
    if target == current or agent.is_presence_manual or not agent.presence.is_built_in:
        return False
    unchanged = Agent.objects.filter(pk=agent.pk, presence=agent.presence_id, is_presence_manual=False)
    agent.presence = get_built_in_presence(target)
    return unchanged.update(presence=agent.presence) == 1


def record_last_seen(agent: Agent, now: datetime) -> bool:
    """Record that a page of the agent is open; written at most once in LAST_SEEN_INTERVAL.

    Returns:
        Whether the agent was absent: they had open pages before, but none for ABSENCE_TIMEOUT.
    """
    last_seen_at = agent.last_seen_at
    if last_seen_at is not None and last_seen_at > now - LAST_SEEN_INTERVAL:
        return False
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=now)
    agent.last_seen_at = now
    return last_seen_at is not None and last_seen_at < now - ABSENCE_TIMEOUT


def get_agents_without_open_pages(now: datetime) -> list[Agent]:
    """Return agents who are not Offline and have had no open page for ABSENCE_TIMEOUT."""
    agents = Agent.objects.filter(
        ~Q(presence__base_status=BasePresence.OFFLINE), last_seen_at__lt=now - ABSENCE_TIMEOUT
    )
    return list(agents.select_related("user", "presence"))


def set_offline(agent: Agent, *, unless_seen_since: datetime) -> bool:
    """Set an agent without open pages Offline; return False if they have been seen since that time.

    After a manual Away, Offline is manual too: opening a page does not end it, only the agent's own choice.
    """
    is_manual = agent.is_presence_manual and agent.presence.base_status == BasePresence.AWAY
    unseen = Agent.objects.filter(pk=agent.pk, last_seen_at__lt=unless_seen_since)
    agent.presence, agent.is_presence_manual = get_built_in_presence(BasePresence.OFFLINE), is_manual
    return unseen.update(presence=agent.presence, is_presence_manual=is_manual) == 1
