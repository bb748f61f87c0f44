"""Publish live events about conversations, each to the agents who may see the conversation."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from omnichannel.conversations.models import Conversation, Participation
from omnichannel.live.publish import publish, publish_many


class LiveEventKind(StrEnum):
    """What has changed; pages decide by it what to fetch."""

    MESSAGE = "message"
    CONVERSATION = "conversation"
    NOTE = "note"
    PRESENCE = "presence"
    READ = "read"  # nothing but the unread mark has changed: a page that shows none need not ask
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

    `also_agents`, and those who work in `also_queues`, are those who could see it until now.
    """
    asked_in = _participant_ids([conversation])
    topics = _topics(conversation, {*extra_agent_ids, *asked_in.get(conversation.pk, ())}, extra_queue_ids)
    publish(kind, conversation.pk, part_id=part_id, topics=topics)


def publish_events(kind: LiveEventKind, conversations: Sequence[tuple[Conversation, int | None]]) -> None:
    """The same for many, each with one agent more who is to hear of it; as few statements as for one."""
    asked_in = _participant_ids([conversation for conversation, _ in conversations])
    hints = [(one.pk, _topics(one, {agent, *asked_in.get(one.pk, ())})) for one, agent in conversations]
    publish_many(kind, hints)


def _participant_ids(conversations: Sequence[Conversation]) -> dict[int, set[int]]:
    """By conversation, who takes part in it beside its agent."""
    found: dict[int, set[int]] = {}
    if shared := [one.pk for one in conversations if one.is_shared]:
        parts = Participation.objects.filter(conversation__in=shared, left_at=None)
        for pk, agent_id in parts.values_list("conversation_id", "agent_id"):
            found.setdefault(pk, set()).add(agent_id)
    return found


def _topics(conversation: Conversation, agents: set[int | None], queues: Iterable[int] = ()) -> list[str]:
    all_agents, all_queues = {conversation.agent_id, *agents} - {None}, {conversation.queue_id, *queues}
    return ["all", *(f"queue:{pk}" for pk in all_queues), *(f"agent:{pk}" for pk in all_agents)]


def publish_presence(*agent_ids: int) -> None:
    """These agents' own pages show their presence, their free capacity and what is offered to them anew.

    Last thing in the transaction.
    """
    publish_many(LiveEventKind.PRESENCE, [(pk, [f"agent:{pk}"]) for pk in agent_ids])
