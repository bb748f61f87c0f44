"""Mark conversations as read."""

from django.db import transaction

from omnichannel.accounts.models import User
from omnichannel.conversations.access import agent_for_user
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation


def mark_read(conversation: Conversation, reader: User) -> None:
    """Mark the conversation as read when the reader is its agent; other users leave it unread."""
    agent = agent_for_user(reader)
    if agent is None or conversation.agent_id != agent.pk or not conversation.unread_count:
        return
    with transaction.atomic():
        unchanged = Conversation.objects.filter(pk=conversation.pk, unread_count=conversation.unread_count)
        if unchanged.update(unread_count=0):
            conversation.unread_count = 0
            publish_event(LiveEventKind.READ, conversation)
