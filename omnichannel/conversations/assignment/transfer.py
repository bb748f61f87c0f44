"""Transfer a conversation to a colleague in its queue, or to another queue."""

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
REASON_REQUIRED = gettext_noop("Enter a reason for the transfer.")


@dataclass(frozen=True)
class AgentCandidate:
    """An agent who could take the conversation, with their matching skills and capacity in units."""

    agent: Agent
    matching_skill_count: int
    required_skill_count: int
    used_capacity: int
    required_capacity: int

    @property
    def free_capacity(self) -> int:
        """Return the unused capacity; never below 0."""
        return max(0, self.agent.capacity - self.used_capacity)

    @property
    def is_over_capacity(self) -> bool:
        """Return whether the conversation needs more than the free capacity."""
        return self.free_capacity < self.required_capacity

    @property
    def skills_text(self) -> str:
        """Return how many of the required skills the agent has, as text; empty when none are required."""
        if not self.required_skill_count:
            return ""
        text = ngettext(
            "%(matching)s of %(required)s skill", "%(matching)s of %(required)s skills", self.required_skill_count
        )
        return text % {"matching": self.matching_skill_count, "required": self.required_skill_count}


@dataclass(frozen=True)
class QueueCandidate:
    """A queue, and how many conversations wait in it."""

    queue: Queue
    waiting_count: int


@dataclass(frozen=True)
class TransferTargets:
    """The agents and queues to which a conversation can be given."""

    agents: Sequence[AgentCandidate]
    queues: Sequence[QueueCandidate]


def transfer_targets(conversation: Conversation) -> TransferTargets:
    """Return the available members of its queue, best skills first, and the other open queues."""
    members = filter_queue_members(conversation.queue, active_agents())
    available = filter_by_presence(members, lambda base: base.accepts_handover)
    colleagues = rank_agents(conversation, list(available.exclude(Q(pk=conversation.agent_id))))
    at = timezone.now()
    open_queues = [
        candidate
        for candidate in other_queues(conversation)
        if operating_hours.is_open(operating_hours.build_schedule(candidate.queue.operating_hours), at)
    ]
    return TransferTargets(colleagues, open_queues)


def rank_agents(conversation: Conversation, agents: Sequence[Agent]) -> list[AgentCandidate]:
    """Return the agents as candidates, by number of matching skills, then by free capacity."""
    required = dict(conversation.required_skills.values_list("skill", "rating"))
    matching: dict[int, int] = {}
    for row in AgentSkill.objects.filter(agent__in=agents, skill__in=required):
        matching[row.agent_id] = matching.get(row.agent_id, 0) + (row.rating >= required[row.skill_id])
    loads = get_load_by_agent(Conversation.objects.unclosed(), [agent.pk for agent in agents], now=timezone.now())
    capacity = conversation.work_stream.capacity
    candidates = [
        AgentCandidate(agent, matching.get(agent.pk, 0), len(required), loads[agent.pk].units, capacity)
        for agent in agents
    ]
    return sorted(
        candidates,
        key=lambda candidate: (-candidate.matching_skill_count, -candidate.free_capacity, str(candidate.agent)),
    )


def other_queues(conversation: Conversation) -> list[QueueCandidate]:
    """Return all queues but the conversation's own, with their numbers of waiting conversations."""
    waiting = Conversation.objects.waiting_for_agent().order_by()
    counts = dict(waiting.values_list("queue").annotate(Count("pk")))
    queues = Queue.objects.exclude(pk=conversation.queue_id).select_related("operating_hours")
    queues = queues.prefetch_related("operating_hours__periods", "operating_hours__holidays").order_by("name")
    return [QueueCandidate(queue, counts.get(queue.pk, 0)) for queue in queues]


def transfer_conversation(conversation: Conversation, *, target: Agent | Queue, agent: Agent, reason: str) -> None:
    """Transfer the agent's active conversation to a colleague or to another queue.

    A colleague has it at once; in another queue it waits for an agent. Its required skills stay.

    Args:
        reason: Text for the timeline, up to MAX_REASON_LENGTH characters; required.

    Raises:
        TransitionError: The conversation is not the agent's or not active, the target can't have it, or the reason is
            empty or too long.
    """
    require_agent(conversation, agent)
    if conversation.state != State.ACTIVE:
        raise TransitionError(gettext("Only active conversations can be transferred."))
    cleaned_reason = _clean_reason(reason)
    targets = transfer_targets(conversation)
    if isinstance(target, Queue):
        if target.pk not in {candidate.queue.pk for candidate in targets.queues}:
            raise TransitionError(gettext("%(to)s is not accepting transfers right now.") % {"to": target})
        transition(
            conversation,
            State.OPEN,
            agent=None,
            queue=target,
            actor=agent.user,
            event_text=_transferred_text(agent, target, cleaned_reason),
        )
        return
    if target.pk not in {candidate.agent.pk for candidate in targets.agents}:
        raise TransitionError(gettext("%(to)s can't take this conversation right now.") % {"to": target})
    text = _transferred_text(agent, target, cleaned_reason)
    transition(conversation, State.ACTIVE, agent=target, actor=agent.user, event_text=text)


def _transferred_text(by: Agent, to: Agent | Queue, reason: str) -> LocalizedText:
    return localized("%(by)s transferred the conversation to %(to)s: %(why)s", by=by, to=to, why=reason)


def _clean_reason(reason: str) -> str:
    text = " ".join(reason.replace("\x00", "").split())
    if not text:
        raise TransitionError(gettext(REASON_REQUIRED))
    if len(text) > MAX_REASON_LENGTH:
        raise TransitionError(gettext("Use up to %(limit)s characters.") % {"limit": MAX_REASON_LENGTH})
    return text
