"""Publish live events about conversations, each to the agents who may see the conversation."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from omnichannel.conversations.models import Conversation, Participation
from omnichannel.events.publish import publish, publish_many, publish_parts
from omnichannel.live.topics import ALL_TOPIC, agent_topic, queue_topic


class LiveEventKind(StrEnum):
    """The kind of change; pages decide by it which parts to fetch."""

    MESSAGE = "message"
    CONVERSATION = "conversation"
    NOTE = "note"
    PRESENCE = "presence"
    READ = "read"  # only an unread mark has changed: a page that shows none need not fetch
    VIEWING = "viewing"
    TYPING = "typing"


def publish_event(
    kind: LiveEventKind,
    conversation: Conversation,
    *,
    part_id: int | None = None,
    extra_agent_ids: Iterable[int | None] = (),
    extra_queue_ids: Iterable[int] = (),
) -> None:
    """Publish a live event to everyone who may see the conversation; call it last in the transaction.

    Args:
        part_id: Primary key of the message or note that changed.
        extra_agent_ids: Agents who could see the conversation until now; None is ignored.
        extra_queue_ids: Queues whose members could see it until now.
    """
    participants = _participant_ids([conversation])
    topics = _topics(conversation, {*extra_agent_ids, *participants.get(conversation.pk, ())}, extra_queue_ids)
    publish(kind, conversation.pk, part_id=part_id, topics=topics)


def publish_events(kind: LiveEventKind, conversations: Sequence[tuple[Conversation, int | None]]) -> None:
    """Publish an event about each of many conversations, in as few statements as for one.

    Args:
        conversations: Pairs of a conversation and the id of one more agent to notify.
    """
    participants = _participant_ids([conversation for conversation, _ in conversations])
    hints = [
        (conversation.pk, _topics(conversation, {agent_id, *participants.get(conversation.pk, ())}))
        for conversation, agent_id in conversations
    ]
    publish_many(kind, hints)


def publish_messages(messages: Sequence[tuple[Conversation, int]]) -> None:
    """Publish that messages are new or have changed, in as few statements as for one.

    Args:
        messages: Pairs of a conversation and the id of a message in it.
    """
    participants = _participant_ids([conversation for conversation, _ in messages])
    hints = [
        (conversation.pk, message_id, _topics(conversation, {*participants.get(conversation.pk, ())}))
        for conversation, message_id in messages
    ]
    publish_parts(LiveEventKind.MESSAGE, hints)


def _participant_ids(conversations: Sequence[Conversation]) -> dict[int, set[int]]:
    """Return the ids of participants besides the assigned agent, by conversation id."""
    participants: dict[int, set[int]] = {}
    if shared_ids := [conversation.pk for conversation in conversations if conversation.is_shared]:
        rows = Participation.objects.filter(conversation__in=shared_ids, left_at=None)
        for pk, agent_id in rows.values_list("conversation_id", "agent_id"):
            participants.setdefault(pk, set()).add(agent_id)
    return participants


def _topics(conversation: Conversation, agent_ids: set[int | None], queue_ids: Iterable[int] = ()) -> list[str]:
    agents = {pk for pk in (conversation.agent_id, *agent_ids) if pk is not None}
    queues = {conversation.queue_id, *queue_ids}
    return [ALL_TOPIC, *map(queue_topic, queues), *map(agent_topic, agents)]


def publish_presence(*agent_ids: int) -> None:
    """Make these agents' own pages refresh their presence, free capacity and offers.

    Call it last in the transaction.
    """
    publish_many(LiveEventKind.PRESENCE, [(pk, [agent_topic(pk)]) for pk in agent_ids])
