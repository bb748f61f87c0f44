"""What an agent has taken on, and the presence that follows from it."""

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
    """The units each of these agents has taken on; wrap-up counts for as long as its work stream says."""
    taken = Conversation.objects.filter(offered_to=None)
    loads = get_load_by_agent(taken, agents, now=now or timezone.now())
    return {pk: load.units for pk, load in loads.items()}


def schedule_load_refresh(*agents: int | None) -> None:
    """These agents have more or less to do: after the commit they show it, and their pages hear of it.

    After the commit, each by itself: what others did at the same moment is counted too, and no lock is held meanwhile.
    """
    for pk in {pk for pk in agents if pk is not None}:
        transaction.on_commit(_make_refresh(pk), robust=True)


def _make_refresh(pk: int) -> Callable[[], None]:
    # Not a partial: Django logs a failure by the function's name.
    def follow() -> None:
        _refresh_agent_load(pk)

    return follow


def _refresh_agent_load(pk: int) -> None:
    with transaction.atomic():
        # Without a join: on PostgreSQL a row whose presence has just changed would fall out of it.
        agent = Agent.objects.select_for_update(no_key=True).get(pk=pk)
        if update_presence_for_load(agent, used_capacity([pk])[pk]):
            request_assignment()
        publish_presence(pk)


def refresh_agent_loads(now: datetime | None = None) -> None:
    """A safety net, and for wrap-up that uses capacity only for a while: bring every presence up to its load."""
    automatic = Agent.objects.filter(is_presence_manual=False, presence__is_built_in=True)
    agents = list(filter_by_presence(automatic, lambda base: base.follows_load).select_related("presence"))
    used = used_capacity([agent.pk for agent in agents], now)
    for agent in agents:
        shown = agent.presence.base
        if get_presence_for_load(shown, used[agent.pk], agent.capacity) != shown:
            _refresh_agent_load(agent.pk)
