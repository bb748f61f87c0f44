"""What an agent has taken on, and the presence that follows from it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from omnichannel.conversations.models import Conversation
from omnichannel.live.publish import publish
from routing.models import Agent, BasePresence, State
from routing.models.routable import USES_CAPACITY
from routing.presence import FOLLOWS_LOAD, automatic, follow_load

PRESENCE = "presence"


def used_capacity(agents: Collection[int], now: datetime | None = None) -> dict[int, int]:
    """The units each of these agents has taken on; wrap-up counts for as long as its work stream says."""
    at, used = now or timezone.now(), dict.fromkeys(agents, 0)
    taken = Conversation.objects.filter(agent__in=agents, state__in=USES_CAPACITY).order_by()
    for agent, state, since, units, seconds in taken.values_list(
        "agent_id", "state", "state_since", "work_stream__capacity", "work_stream__wrap_up_seconds"
    ):
        is_free_again = state == State.WRAP_UP and seconds is not None and since + timedelta(seconds=seconds) <= at
        used[agent or 0] += 0 if is_free_again else units
    return used


def load_changed(*agents: int | None) -> None:
    """These agents have more or less to do: after the commit they show it, and their pages hear of it.

    After the commit, each by itself: what others did at the same moment is counted too, and no lock is held meanwhile.
    """
    for pk in {pk for pk in agents if pk is not None}:
        transaction.on_commit(partial(_follow, pk), robust=True)


def _follow(pk: int) -> None:
    with transaction.atomic():
        agent = Agent.objects.select_for_update(of=("self",)).select_related("presence").get(pk=pk)
        follow_load(agent, used_capacity([pk])[pk])
        tell_pages(agent)


def tell_pages(agent: Agent) -> None:
    """The agent's own pages show their presence and free capacity anew; last thing in the transaction."""
    publish(PRESENCE, agent.pk, topics=[f"agent:{agent.pk}"])


def follow_loads(now: datetime | None = None) -> None:
    """A safety net, and for wrap-up that uses capacity only for a while: bring every presence up to its load."""
    follows = Agent.objects.filter(
        presence_by_hand=False, presence__is_built_in=True, presence__base_status__in=FOLLOWS_LOAD
    )
    agents = list(follows.select_related("presence"))
    used = used_capacity([agent.pk for agent in agents], now)
    for agent in agents:
        shown = BasePresence(agent.presence.base_status)
        if automatic(shown, used[agent.pk], agent.capacity) != shown:
            _follow(agent.pk)
