"""Take a conversation, release it to its queue, wait for the customer, resume it."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError, require_agent, require_all_read, transition
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import Agent, DistributionMode, State


def take_conversation(conversation: Conversation, agent: Agent) -> None:
    """Assign an open conversation to the agent who takes it, whatever their capacity and presence.

    A pending offer to this agent is accepted; an offer to another agent is withdrawn.

    Raises:
        TransitionError: It is no longer open, or its work stream does not let agents take conversations.
    """
    if conversation.state != State.OPEN:
        raise TransitionError(gettext("Someone else has already taken this conversation."))
    if not can_take(conversation, agent):
        raise TransitionError(gettext("Conversations in this work stream are offered to agents and can't be taken."))
    text = localized("%(agent)s took the conversation.", agent=agent)
    transition(conversation, State.ACTIVE, agent=agent, actor=agent.user, event_text=text)


def can_take(conversation: Conversation, agent: Agent) -> bool:
    """Return whether the agent may take this conversation.

    Always in pick mode; in push mode if the work stream allows selecting or the conversation is offered to the agent.
    """
    stream = conversation.work_stream
    is_picked = stream.distribution_mode == DistributionMode.PICK or stream.allow_selecting
    return is_picked or conversation.offered_to_id == agent.pk


def release_conversation(conversation: Conversation, agent: Agent) -> None:
    """Release the agent's active conversation to its queue, for another agent."""
    require_agent(conversation, agent)
    if conversation.state != State.ACTIVE:
        raise TransitionError(gettext("Only active conversations can be returned to the queue."))
    text = localized("%(agent)s returned the conversation to %(queue)s.", agent=agent, queue=conversation.queue)
    transition(conversation, State.OPEN, agent=None, actor=agent.user, event_text=text)


def wait_for_customer(conversation: Conversation, agent: Agent) -> None:
    """Move the conversation to Waiting until the customer writes again; it frees the agent's capacity."""
    require_agent(conversation, agent)
    with transaction.atomic():
        require_all_read(conversation)
        text = localized("%(agent)s is waiting for the customer.", agent=agent)
        transition(conversation, State.WAITING, agent=agent, actor=agent.user, event_text=text)


def resume_conversation(conversation: Conversation, agent: Agent) -> None:
    """Resume the agent's waiting conversation."""
    require_agent(conversation, agent)
    if conversation.state != State.WAITING:
        raise TransitionError(gettext("Only conversations waiting for the customer can be resumed."))
    transition(conversation, State.ACTIVE, agent=agent, actor=agent.user, event_text=resumed_text(agent))


def resumed_text(agent: Agent) -> LocalizedText:
    """Return the timeline text for a resumed conversation."""
    return localized("%(agent)s resumed the conversation.", agent=agent)
