"""Take a conversation, give it back, leave it for the customer, come back to it."""

from django.db import transaction

from omnichannel.conversations.models import Conversation
from omnichannel.conversations.states import TransitionRefused, move, must_be_read, must_have
from routing.models import Agent, State


def take(conversation: Conversation, agent: Agent) -> None:
    """The agent takes a conversation that waits for one; capacity and presence do not matter when picking.

    Raises TransitionRefused when somebody else has it.
    """
    if conversation.state != State.OPEN:
        raise TransitionRefused("Somebody else has taken this conversation.")
    move(conversation, State.ACTIVE, agent=agent, by=agent.user, text=f"{agent} took the conversation.")


def release(conversation: Conversation, agent: Agent) -> None:
    """Give the conversation back to its queue, for another agent."""
    must_have(conversation, agent)
    if conversation.state != State.ACTIVE:
        raise TransitionRefused("Only an active conversation can be given back.")
    move(conversation, State.OPEN, agent=None, by=agent.user, text=f"{agent} gave it back to {conversation.queue}.")


def leave_waiting(conversation: Conversation, agent: Agent) -> None:
    """Leave the conversation until the customer writes again; it frees the agent's capacity."""
    must_have(conversation, agent)
    with transaction.atomic():
        must_be_read(conversation)
        move(conversation, State.WAITING, agent=agent, by=agent.user, text=f"{agent} is waiting for the customer.")


def resume(conversation: Conversation, agent: Agent) -> None:
    """Come back to a conversation that was left waiting."""
    must_have(conversation, agent)
    if conversation.state != State.WAITING:
        raise TransitionRefused("Only a conversation that waits for the customer can be resumed.")
    move(conversation, State.ACTIVE, agent=agent, by=agent.user, text=f"{agent} resumed the conversation.")
