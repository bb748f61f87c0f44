"""The priority of a conversation; it orders offers to agents and the inbox."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.conversations import timeline
from omnichannel.conversations.access import can_supervise
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, Priority, TimelineEventKind
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import Agent, State


def can_set_priority(conversation: Conversation, agent: Agent) -> bool:
    """Return whether the agent may set the priority.

    Anyone who sees an open conversation may, else its agent and supervisors; nobody once it is closed.
    """
    if conversation.state == State.CLOSED:
        return False
    return conversation.state == State.OPEN or conversation.agent_id == agent.pk or can_supervise(agent)


def set_priority(conversation: Conversation, priority: Priority, *, agent: Agent) -> None:
    """Set the priority, which may move the conversation in its queue; do nothing if it is unchanged.

    Raises:
        TransitionError: The agent may not set the priority.
    """
    if not can_set_priority(conversation, agent):
        raise TransitionError(gettext("Only the assigned agent can change the priority."))
    with transaction.atomic():
        unclosed = Conversation.objects.filter(pk=conversation.pk, closed_at=None)
        if not unclosed.exclude(priority=priority).update(priority=priority):
            return
        conversation.priority = priority
        text = localized(
            "%(by)s set the priority to %(priority)s.", by=agent, priority=LocalizedText(priority.name.capitalize())
        )
        timeline.record(conversation, TimelineEventKind.PRIORITY_CHANGED, text, actor=agent.user)
        if conversation.state == State.OPEN:
            request_assignment()
        publish_event(LiveEventKind.CONVERSATION, conversation)
