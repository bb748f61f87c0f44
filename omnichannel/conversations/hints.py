"""Tell open pages what changed, each to those who may see it."""

from collections.abc import Iterable

from omnichannel.conversations.models import Conversation
from omnichannel.live.publish import publish

MESSAGE, CONVERSATION = "message", "conversation"


def tell(
    kind: str, conversation: Conversation, *, part_id: int | None = None, also_agents: Iterable[int | None] = ()
) -> None:
    """Publish a hint to everyone who may see the conversation; last thing in the transaction.

    `also_agents` are those who could see it until now.
    """
    agents = {conversation.agent_id, *also_agents} - {None}
    topics = ["all", f"queue:{conversation.queue_id}", *(f"agent:{pk}" for pk in agents)]
    publish(kind, conversation.pk, part_id=part_id, topics=topics)
