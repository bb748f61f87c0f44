"""Take a conversation, give it back, leave it for the customer, come back to it."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError, require_agent, require_all_read, transition
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import Agent, DistributionMode, State


def take_conversation(conversation: Conversation, agent: Agent) -> None:
    """The agent takes a conversation that waits for one; capacity and presence do not matter when picking.

    An offer of it to them is accepted by that, one to somebody else is withdrawn.
    Raises TransitionRefused when somebody else has it, or when its work stream hands its work out itself.
    """
    if conversation.state != State.OPEN:
        raise TransitionError(gettext("Somebody else has taken this conversation."))
    if not can_take(conversation, agent):
        raise TransitionError(gettext("Conversations of this work stream are offered to agents; they can't be taken."))
    line = localized("%(agent)s took the conversation.", agent=agent)
    transition(conversation, State.ACTIVE, agent=agent, actor=agent.user, event_text=line)


def can_take(conversation: Conversation, agent: Agent) -> bool:
    """Whether agents choose this work themselves: always when picking; when it is pushed, where that is allowed."""
    stream = conversation.work_stream
    is_picked = stream.distribution_mode == DistributionMode.PICK or stream.allow_selecting
    return is_picked or conversation.offered_to_id == agent.pk


def release_conversation(conversation: Conversation, agent: Agent) -> None:
    """Give the conversation back to its queue, for another agent."""
    require_agent(conversation, agent)
    if conversation.state != State.ACTIVE:
        raise TransitionError(gettext("Only an active conversation can be given back."))
    line = localized("%(agent)s gave it back to %(queue)s.", agent=agent, queue=conversation.queue)
    transition(conversation, State.OPEN, agent=None, actor=agent.user, event_text=line)


def wait_for_customer(conversation: Conversation, agent: Agent) -> None:
    """Leave the conversation until the customer writes again; it frees the agent's capacity."""
    require_agent(conversation, agent)
    with transaction.atomic():
        require_all_read(conversation)
        line = localized("%(agent)s is waiting for the customer.", agent=agent)
        transition(conversation, State.WAITING, agent=agent, actor=agent.user, event_text=line)


def resume_conversation(conversation: Conversation, agent: Agent) -> None:
    """Come back to a conversation that was left waiting."""
    require_agent(conversation, agent)
    if conversation.state != State.WAITING:
        raise TransitionError(gettext("Only a conversation that waits for the customer can be resumed."))
    transition(conversation, State.ACTIVE, agent=agent, actor=agent.user, event_text=resumed_text(agent))


def resumed_text(agent: Agent) -> LocalizedText:
    """What the timeline says of it."""
    return localized("%(agent)s resumed the conversation.", agent=agent)
