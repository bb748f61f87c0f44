"""What an agent shows: by hand, by default at sign-in, by how much they have taken on."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from routing.models import Agent, BasePresence, Presence

ABSENCE_TIMEOUT: Final = timedelta(minutes=3)
LAST_SEEN_INTERVAL: Final = timedelta(seconds=30)


def get_presence_for_load(presence: BasePresence, used: int, capacity: int) -> BasePresence:
    """The presence for this load: Available, Busy or Do not disturb; any other presence stays what it is."""
    if not presence.follows_load:
        return presence
    if used <= 0:
        return BasePresence.AVAILABLE
    return BasePresence.BUSY if used < capacity else BasePresence.BUSY_DND


def get_built_in_presence(base: BasePresence) -> Presence:
    """The presence of that base status that comes with the product."""
    return Presence.objects.get(base_status=base, is_built_in=True)


def set_presence(agent: Agent, presence: Presence, *, is_manual: bool) -> None:
    """The agent shows this presence from now on; one chosen by hand stays whatever the load."""
    Agent.objects.filter(pk=agent.pk).update(presence=presence, is_presence_manual=is_manual)
    agent.presence, agent.is_presence_manual = presence, is_manual


def set_default_presence(agent: Agent) -> None:
    """The agent has come: their default presence, else Available."""
    set_presence(agent, agent.default_presence or get_built_in_presence(BasePresence.AVAILABLE), is_manual=False)


def is_present(agent: Agent) -> bool:
    """Neither Offline nor Inactive."""
    return not agent.presence.base.is_signed_off


def update_presence_for_load(agent: Agent, used: int) -> bool:
    """Show what the load says, unless the agent has chosen by hand; True when that is something new."""
    shown = agent.presence.base
    wanted = get_presence_for_load(shown, used, agent.capacity)
    if wanted == shown or agent.is_presence_manual or not agent.presence.is_built_in:
        return False
    unchanged = Agent.objects.filter(pk=agent.pk, presence=agent.presence_id, is_presence_manual=False)
    agent.presence = get_built_in_presence(wanted)
    return unchanged.update(presence=agent.presence) == 1


def record_last_seen(agent: Agent, now: datetime) -> bool:
    """One of the agent's pages is open; True when they were gone: they had pages, and then none for a while.

    Written every half minute at most.
    """
    before = agent.last_seen_at
    if before is not None and before > now - LAST_SEEN_INTERVAL:
        return False
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=now)
    agent.last_seen_at = now
    return before is not None and before < now - ABSENCE_TIMEOUT


def get_agents_without_open_pages(now: datetime) -> list[Agent]:
    """Agents who are not Offline, had pages open, and have had none for a while."""
    gone = Agent.objects.filter(~Q(presence__base_status=BasePresence.OFFLINE), last_seen_at__lt=now - ABSENCE_TIMEOUT)
    return list(gone.select_related("user", "presence"))


def set_offline(agent: Agent, *, unless_seen_since: datetime) -> bool:
    """All pages are gone: show Offline; False when the agent has been seen since that moment.

    Who was Away by hand is not brought back by a page: they say themselves when they are there again.
    """
    stays = agent.is_presence_manual and agent.presence.base_status == BasePresence.AWAY
    unseen = Agent.objects.filter(pk=agent.pk, last_seen_at__lt=unless_seen_since)
    agent.presence, agent.is_presence_manual = get_built_in_presence(BasePresence.OFFLINE), stays
    return unseen.update(presence=agent.presence, is_presence_manual=stays) == 1
