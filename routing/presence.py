"""What an agent shows: by hand, by default at sign-in, by how much they have taken on."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from routing.models import Agent, BasePresence, Presence

FOLLOWS_LOAD: Final = (BasePresence.AVAILABLE, BasePresence.BUSY, BasePresence.BUSY_DND)
NOT_THERE: Final = (BasePresence.OFFLINE, BasePresence.INACTIVE)
GONE_AFTER: Final = timedelta(minutes=3)
SEEN_EVERY: Final = timedelta(seconds=30)


def automatic(presence: BasePresence, used: int, capacity: int) -> BasePresence:
    """The presence for this load: Available, Busy or Do not disturb; any other presence stays what it is."""
    if presence not in FOLLOWS_LOAD:
        return presence
    if used <= 0:
        return BasePresence.AVAILABLE
    return BasePresence.BUSY if used < capacity else BasePresence.BUSY_DND


def built_in(base: BasePresence) -> Presence:
    """The presence of that base status that comes with the product."""
    return Presence.objects.get(base_status=base, is_built_in=True)


def show(agent: Agent, presence: Presence, *, by_hand: bool) -> None:
    """The agent shows this presence from now on; one chosen by hand stays whatever the load."""
    Agent.objects.filter(pk=agent.pk).update(presence=presence, presence_by_hand=by_hand)
    agent.presence, agent.presence_by_hand = presence, by_hand


def show_default(agent: Agent) -> None:
    """The agent has come: their default presence, else Available."""
    show(agent, agent.default_presence or built_in(BasePresence.AVAILABLE), by_hand=False)


def is_there(agent: Agent) -> bool:
    """Neither Offline nor Inactive."""
    return agent.presence.base_status not in NOT_THERE


def follow_load(agent: Agent, used: int) -> bool:
    """Show what the load says, unless the agent has chosen by hand; True when that is something new."""
    shown = BasePresence(agent.presence.base_status)
    wanted = automatic(shown, used, agent.capacity)
    if wanted == shown or agent.presence_by_hand or not agent.presence.is_built_in:
        return False
    unchanged = Agent.objects.filter(pk=agent.pk, presence=agent.presence_id, presence_by_hand=False)
    agent.presence = built_in(wanted)
    return unchanged.update(presence=agent.presence) == 1


def note_seen(agent: Agent, now: datetime) -> bool:
    """One of the agent's pages is open; True when they were gone: they had pages, and then none for a while.

    Written every half minute at most.
    """
    before = agent.last_seen_at
    if before is not None and before > now - SEEN_EVERY:
        return False
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=now)
    agent.last_seen_at = now
    return before is not None and before < now - GONE_AFTER


def whose_pages_are_gone(now: datetime) -> list[Agent]:
    """Agents who are not Offline, had pages open, and have had none for a while."""
    gone = Agent.objects.filter(~Q(presence__base_status=BasePresence.OFFLINE), last_seen_at__lt=now - GONE_AFTER)
    return list(gone.select_related("user", "presence"))


def go_offline(agent: Agent, *, unless_seen_since: datetime) -> bool:
    """All pages are gone: show Offline; False when the agent has been seen since that moment.

    Who was Away by hand is not brought back by a page: they say themselves when they are there again.
    """
    stays = agent.presence_by_hand and agent.presence.base_status == BasePresence.AWAY
    unseen = Agent.objects.filter(pk=agent.pk, last_seen_at__lt=unless_seen_since)
    agent.presence, agent.presence_by_hand = built_in(BasePresence.OFFLINE), stays
    return unseen.update(presence=agent.presence, presence_by_hand=stays) == 1
