"""Tell open pages what changed, each to those who may see it."""

from collections.abc import Iterable

from omnichannel.conversations.models import Conversation, Participation
from omnichannel.live.publish import publish

MESSAGE, CONVERSATION, NOTE, PRESENCE = "message", "conversation", "note", "presence"


def tell(
    kind: str,
    conversation: Conversation,
    *,
    part_id: int | None = None,
    also_agents: Iterable[int | None] = (),
    also_queues: Iterable[int] = (),
) -> None:
    """Publish a hint to everyone who may see the conversation; last thing in the transaction.

    `also_agents`, and those who work in `also_queues`, are those who could see it until now.
    """
    parts = Participation.objects.filter(conversation=conversation, left_at=None) if conversation.is_shared else []
    asked_in = [part.agent_id for part in parts]
    agents = {conversation.agent_id, *also_agents, *asked_in} - {None}
    queues = {conversation.queue_id, *also_queues}
    topics = ["all", *(f"queue:{pk}" for pk in queues), *(f"agent:{pk}" for pk in agents)]
    publish(kind, conversation.pk, part_id=part_id, topics=topics)


def tell_pages_of(agent_id: int) -> None:
    """The agent's own pages show their presence, their free capacity and what is offered to them anew.

    Last thing in the transaction.
    """
    publish(PRESENCE, agent_id, topics=[f"agent:{agent_id}"])
