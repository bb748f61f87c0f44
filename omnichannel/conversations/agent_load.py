"""The load of agents, and the presence that follows from it."""

from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.live_events import publish_presence
from omnichannel.conversations.models import Conversation
from routing.agents import filter_by_presence
from routing.assignment.assign_waiting import get_load_by_agent
from routing.models import Agent
from routing.presence import get_presence_for_load, update_presence_for_load


def used_capacity(agents: Collection[int], now: datetime | None = None) -> dict[int, int]:
    """Return the capacity units each of these agents uses.

    Wrap-up counts for as long as its work stream says. Offers do not count.
    """
    accepted = Conversation.objects.unclosed().filter(offered_to=None)
    loads = get_load_by_agent(accepted, agents, now=now or timezone.now())
    return {pk: load.units for pk, load in loads.items()}


def schedule_load_refresh(*agents: int | None) -> None:
    """Refresh the presence of these agents after the commit, because their load changes.

    Each agent is refreshed in its own transaction after the commit, so that concurrent changes are counted too and no
    other lock is held. None is ignored.
    """
    for pk in {pk for pk in agents if pk is not None}:
        transaction.on_commit(_make_refresh(pk), robust=True)


def _make_refresh(pk: int) -> Callable[[], None]:
    # Not a partial: Django logs a failure by the function's name.
    def refresh_load() -> None:
        _refresh_agent_load(pk)

    return refresh_load


def _refresh_agent_load(pk: int) -> None:
    with transaction.atomic():
        # No join: on PostgreSQL a locking query with a join misses a row whose presence has just changed.
        agent = Agent.objects.select_for_update(no_key=True).get(pk=pk)
        if update_presence_for_load(agent, used_capacity([pk])[pk]):
            request_assignment()
        publish_presence(pk)


def refresh_agent_loads(now: datetime | None = None) -> None:
    """Refresh the presence of every agent whose load has changed without an event.

    A safety net; also needed for wrap-up, which uses capacity only for a while.
    """
    automatic = Agent.objects.filter(is_presence_manual=False, presence__is_built_in=True)
    agents = list(filter_by_presence(automatic, lambda base: base.follows_load).select_related("presence"))
    used = used_capacity([agent.pk for agent in agents], now)
    for agent in agents:
        current = agent.presence.base
        if get_presence_for_load(current, used[agent.pk], agent.capacity) != current:
            _refresh_agent_load(agent.pk)
