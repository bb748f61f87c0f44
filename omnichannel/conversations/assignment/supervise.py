"""Supervisors step in: assign what waits, look into what goes on, join it, give it back to its queue."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.conversations.access import agents_at_work, may_supervise
from omnichannel.conversations.assignment.consult import come_in
from omnichannel.conversations.assignment.transfer import Candidates, Colleague, other_queues, rated
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import Conversation, Part
from omnichannel.conversations.state_machine import TransitionRefused, move, record_event, requeue
from omnichannel.core.localized_text import LocalizedText, localized
from routing.agents import members_of
from routing.models import Agent, BasePresence, Queue, State

# Nobody is given work after they went home.
GONE = {BasePresence.OFFLINE, BasePresence.INACTIVE}
GOES_ON = {State.ACTIVE, State.WRAP_UP}


def assignees(conversation: Conversation) -> Candidates:
    """Everybody of its queue who has not gone home, however full they are, and the other queues."""
    there = members_of(conversation.queue, agents_at_work()).exclude(presence__base_status__in=GONE)
    return Candidates(rated(conversation, list(there)), other_queues(conversation))


def assign(conversation: Conversation, *, to: Agent | Queue, by: Agent) -> None:
    """Give a conversation that waits to an agent of its queue, even above their capacity, or to another queue.

    Raises TransitionRefused with a sentence for whoever tried.
    """
    _must_supervise(by)
    if conversation.state != State.OPEN:
        raise TransitionRefused(gettext("Only a conversation that waits for an agent can be assigned."))
    allowed = assignees(conversation)
    if isinstance(to, Queue):
        if to.pk == conversation.queue_id:
            raise TransitionRefused(gettext("The conversation waits in %(to)s already.") % {"to": to})
        requeue(conversation, to, by=by.user, line=_assigned(by, to))
        return
    colleague = next((one for one in allowed.agents if one.agent.pk == to.pk), None)
    if colleague is None:
        raise TransitionRefused(
            gettext("%(to)s can't be assigned this conversation: not in %(queue)s, or not here.")
            % {"to": to, "queue": conversation.queue}
        )
    move(conversation, State.ACTIVE, agent=to, by=by.user, line=_assigned(by, to, colleague))


def _assigned(by: Agent, to: Agent | Queue, colleague: Colleague | None = None) -> LocalizedText:
    if colleague is None or not colleague.is_over:
        return localized("%(by)s assigned the conversation to %(to)s.", by=by, to=to)
    return localized(
        "%(by)s assigned the conversation to %(to)s (%(free)s free, this needs %(needs)s: over capacity).",
        by=by,
        to=to,
        free=colleague.free,
        needs=colleague.needs,
    )


def monitor(conversation: Conversation, by: Agent) -> None:
    """Look into a conversation that a colleague has. Nobody is told, and nothing can be written.

    Raises TransitionRefused with a sentence for whoever tried.
    """
    _must_be_somebody_elses(conversation, by)
    with transaction.atomic():
        if conversation.participations.filter(agent=by, left_at=None).exists():
            raise TransitionRefused(gettext("You are in this conversation already."))
        come_in(conversation, by, Part.MONITOR)
        publish_event(EventKind.CONVERSATION, conversation)


def join(conversation: Conversation, by: Agent) -> None:
    """Come into a colleague's conversation, to write notes; the timeline tells both of it.

    Raises TransitionRefused with a sentence for whoever tried.
    """
    _must_be_somebody_elses(conversation, by)
    with transaction.atomic():
        if conversation.participations.filter(agent=by, left_at=None, part=Part.CONSULT).exists():
            raise TransitionRefused(gettext("You are in this conversation already."))
        come_in(conversation, by, Part.CONSULT)
        line = localized("%(by)s joined %(agent)s in the conversation.", by=by, agent=conversation.agent)
        record_event(conversation, "joined_in", line, by=by.user)
        publish_event(EventKind.CONVERSATION, conversation)


def release_to_queue(conversation: Conversation, by: Agent) -> None:
    """Take an active conversation from the agent who has it and let it wait in its queue for another one.

    Raises TransitionRefused with a sentence for whoever tried.
    """
    _must_supervise(by)
    if conversation.state != State.ACTIVE:
        raise TransitionRefused(gettext("Only an active conversation can be given back."))
    line = localized(
        "%(by)s released the conversation from %(agent)s to %(queue)s.",
        by=by,
        agent=conversation.agent,
        queue=conversation.queue,
    )
    move(conversation, State.OPEN, agent=None, by=by.user, line=line)


def _must_supervise(agent: Agent) -> None:
    if not may_supervise(agent):
        raise TransitionRefused(gettext("Only a supervisor can do that."))


def _must_be_somebody_elses(conversation: Conversation, by: Agent) -> None:
    _must_supervise(by)
    if conversation.state not in GOES_ON or conversation.agent_id == by.pk:
        raise TransitionRefused(
            gettext("Only a colleague's conversation that is active or in wrap-up can be looked into.")
        )
