"""Pass a conversation on: to a colleague in its queue, or to another queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from omnichannel.conversations.access import active_agents
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError, require_agent, transition
from omnichannel.core.localized_text import LocalizedText, localized
from routing import operating_hours
from routing.agents import filter_by_presence, filter_queue_members
from routing.assignment.assign_waiting import get_load_by_agent
from routing.models import Agent, AgentSkill, Queue, State

MAX_REASON_LENGTH = 300
REASON_REQUIRED = gettext_noop("Write why, for whoever reads this next.")


@dataclass(frozen=True)
class AgentCandidate:
    """An agent who could take the conversation, and how well they would do."""

    agent: Agent
    matching_skill_count: int
    required_skill_count: int
    used_capacity: int
    required_capacity: int

    @property
    def free_capacity(self) -> int:
        """Capacity that is left; never less than none."""
        return max(0, self.agent.capacity - self.used_capacity)

    @property
    def is_over_capacity(self) -> bool:
        """Whether the conversation would take more than is left."""
        return self.free_capacity < self.required_capacity

    @property
    def skills_text(self) -> str:
        """How many of the skills the conversation needs they have; empty when it needs none."""
        if not self.required_skill_count:
            return ""
        words = ngettext(
            "%(matching)s of %(required)s skill", "%(matching)s of %(required)s skills", self.required_skill_count
        )
        return words % {
            "matching": self.matching_skill_count,
            "required": self.required_skill_count,
        }


@dataclass(frozen=True)
class QueueCandidate:
    """Another queue, and how many conversations wait there."""

    queue: Queue
    waiting_count: int


@dataclass(frozen=True)
class TransferTargets:
    """Where a conversation can go."""

    agents: Sequence[AgentCandidate]
    queues: Sequence[QueueCandidate]


def transfer_targets(conversation: Conversation) -> TransferTargets:
    """Colleagues of its queue who are there, best skills first, and the other queues that are open now."""
    members = filter_queue_members(conversation.queue, active_agents())
    there = filter_by_presence(members, lambda base: base.accepts_handover)
    colleagues = rank_agents(conversation, list(there.exclude(Q(pk=conversation.agent_id))))
    at = timezone.now()
    open_now = [
        one
        for one in other_queues(conversation)
        if operating_hours.is_open(operating_hours.build_schedule(one.queue.operating_hours), at)
    ]
    return TransferTargets(colleagues, open_now)


def rank_agents(conversation: Conversation, agents: Sequence[Agent]) -> list[AgentCandidate]:
    """These agents by how many of the needed skills they have, then by free capacity."""
    required = dict(conversation.required_skills.values_list("skill", "rating"))
    matching: dict[int, int] = {}
    for has in AgentSkill.objects.filter(agent__in=agents, skill__in=required):
        matching[has.agent_id] = matching.get(has.agent_id, 0) + (has.rating >= required[has.skill_id])
    loads = get_load_by_agent(Conversation.objects.all(), [one.pk for one in agents], now=timezone.now())
    needs = conversation.work_stream.capacity
    found = [AgentCandidate(one, matching.get(one.pk, 0), len(required), loads[one.pk].units, needs) for one in agents]
    return sorted(found, key=lambda one: (-one.matching_skill_count, -one.free_capacity, str(one.agent)))


def other_queues(conversation: Conversation) -> list[QueueCandidate]:
    """All queues but its own, with the number that waits in each."""
    open_now = Conversation.objects.waiting_for_agent().order_by()
    waiting = dict(open_now.values_list("queue").annotate(Count("pk")))
    queues = Queue.objects.exclude(pk=conversation.queue_id).select_related("operating_hours")
    full = queues.prefetch_related("operating_hours__periods", "operating_hours__holidays").order_by("name")
    return [QueueCandidate(queue, waiting.get(queue.pk, 0)) for queue in full]


def transfer_conversation(conversation: Conversation, *, target: Agent | Queue, agent: Agent, reason: str) -> None:
    """The agent who has the active conversation passes it on, and says why.

    A colleague of the queue has it at once; in another queue it waits for an agent, its needs kept. Raises
    TransitionRefused with a sentence for whoever tried.
    """
    require_agent(conversation, agent)
    if conversation.state != State.ACTIVE:
        raise TransitionError(gettext("Only an active conversation can be transferred."))
    why = _clean_reason(reason)
    allowed = transfer_targets(conversation)
    if isinstance(target, Queue):
        if target.pk not in {one.queue.pk for one in allowed.queues}:
            raise TransitionError(gettext("%(to)s takes no transfers now.") % {"to": target})
        transition(
            conversation,
            State.OPEN,
            agent=None,
            queue=target,
            actor=agent.user,
            event_text=_transferred_text(agent, target, why),
        )
        return
    if target.pk not in {one.agent.pk for one in allowed.agents}:
        raise TransitionError(gettext("%(to)s can't take this conversation now.") % {"to": target})
    transition(
        conversation, State.ACTIVE, agent=target, actor=agent.user, event_text=_transferred_text(agent, target, why)
    )


def _transferred_text(by: Agent, to: Agent | Queue, why: str) -> LocalizedText:
    return localized("%(by)s transferred the conversation to %(to)s: %(why)s", by=by, to=to, why=why)


def _clean_reason(reason: str) -> str:
    why = " ".join(reason.replace("\x00", "").split())
    if not why:
        raise TransitionError(gettext(REASON_REQUIRED))
    if len(why) > MAX_REASON_LENGTH:
        raise TransitionError(gettext("Say it in up to %(limit)s characters.") % {"limit": MAX_REASON_LENGTH})
    return why
