"""Commands of supervisors: assign, monitor, join and release conversations."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.conversations import timeline
from omnichannel.conversations.access import active_agents, can_supervise
from omnichannel.conversations.assignment.consult import add_participant
from omnichannel.conversations.assignment.transfer import AgentCandidate, TransferTargets, other_queues, rank_agents
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, ParticipationKind, TimelineEventKind
from omnichannel.conversations.state_machine import TransitionError, requeue, transition
from omnichannel.core.localized_text import LocalizedText, localized
from routing.agents import filter_by_presence, filter_queue_members
from routing.models import Agent, Queue, State

MONITORABLE_STATES = {State.ACTIVE, State.WRAP_UP}


def assignment_targets(conversation: Conversation) -> TransferTargets:
    """Return the members of its queue who are not signed off, even without capacity, and other queues."""
    members = filter_queue_members(conversation.queue, active_agents())
    present = filter_by_presence(members, lambda base: not base.is_signed_off)
    return TransferTargets(rank_agents(conversation, list(present)), other_queues(conversation))


def assign_conversation(conversation: Conversation, *, target: Agent | Queue, supervisor: Agent) -> None:
    """Assign an open conversation to a member of its queue, or move it to another queue.

    Capacity is not checked: supervisors may assign more than an agent can take.

    Raises:
        TransitionError: The agent is no supervisor, the conversation is not open, or the target can't have it.
    """
    _require_supervisor(supervisor)
    if conversation.state != State.OPEN:
        raise TransitionError(gettext("Only conversations waiting for an agent can be assigned."))
    targets = assignment_targets(conversation)
    if isinstance(target, Queue):
        if target.pk == conversation.queue_id:
            raise TransitionError(gettext("The conversation is already in %(to)s.") % {"to": target})
        requeue(conversation, target, actor=supervisor.user, event_text=_assigned_text(supervisor, target))
        return
    colleague = next((candidate for candidate in targets.agents if candidate.agent.pk == target.pk), None)
    if colleague is None:
        raise TransitionError(
            gettext("This conversation can't be assigned to %(to)s: not in %(queue)s, or not available.")
            % {"to": target, "queue": conversation.queue}
        )
    transition(
        conversation,
        State.ACTIVE,
        agent=target,
        actor=supervisor.user,
        event_text=_assigned_text(supervisor, target, colleague),
    )


def _assigned_text(by: Agent, to: Agent | Queue, colleague: AgentCandidate | None = None) -> LocalizedText:
    if colleague is None or not colleague.is_over_capacity:
        return localized("%(by)s assigned the conversation to %(to)s.", by=by, to=to)
    return localized(
        "%(by)s assigned the conversation to %(to)s over capacity (%(needs)s units needed, %(free)s free).",
        by=by,
        to=to,
        free=colleague.free_capacity,
        needs=colleague.required_capacity,
    )


def monitor_conversation(conversation: Conversation, supervisor: Agent) -> None:
    """Monitor a colleague's conversation: hidden from everybody, and without writing.

    Raises:
        TransitionError: The agent is no supervisor or in it already, or it is not a colleague's active conversation.
    """
    _require_colleagues_conversation(conversation, supervisor)
    with transaction.atomic():
        if conversation.participations.filter(agent=supervisor, left_at=None).exists():
            raise TransitionError(gettext("You are already in this conversation."))
        add_participant(conversation, supervisor, ParticipationKind.MONITOR)
        publish_event(LiveEventKind.CONVERSATION, conversation)


def join_conversation(conversation: Conversation, supervisor: Agent) -> None:
    """Join a colleague's conversation visibly, to write notes.

    Raises:
        TransitionError: The agent is no supervisor or in it already, or it is not a colleague's active conversation.
    """
    _require_colleagues_conversation(conversation, supervisor)
    with transaction.atomic():
        if conversation.participations.filter(agent=supervisor, left_at=None, kind=ParticipationKind.CONSULT).exists():
            raise TransitionError(gettext("You are already in this conversation."))
        add_participant(conversation, supervisor, ParticipationKind.CONSULT)
        text = localized("%(by)s joined the conversation with %(agent)s.", by=supervisor, agent=conversation.agent)
        timeline.record(conversation, TimelineEventKind.JOINED, text, actor=supervisor.user)
        publish_event(LiveEventKind.CONVERSATION, conversation)


def release_to_queue(conversation: Conversation, supervisor: Agent) -> None:
    """Release an active conversation from its agent to its queue, for another agent.

    Raises:
        TransitionError: The agent is no supervisor, or the conversation is not active.
    """
    _require_supervisor(supervisor)
    if conversation.state != State.ACTIVE:
        raise TransitionError(gettext("Only active conversations can be returned to the queue."))
    text = localized(
        "%(by)s returned the conversation from %(agent)s to %(queue)s.",
        by=supervisor,
        agent=conversation.agent,
        queue=conversation.queue,
    )
    transition(conversation, State.OPEN, agent=None, actor=supervisor.user, event_text=text)


def _require_supervisor(agent: Agent) -> None:
    if not can_supervise(agent):
        raise TransitionError(gettext("Only supervisors can do this."))


def _require_colleagues_conversation(conversation: Conversation, by: Agent) -> None:
    _require_supervisor(by)
    if conversation.state not in MONITORABLE_STATES or conversation.agent_id == by.pk:
        raise TransitionError(
            gettext("You can only monitor a colleague's conversation while it is active or in wrap-up.")
        )
