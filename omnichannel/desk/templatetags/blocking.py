"""Template filter for the button that blocks a customer."""

from django import template

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation

register = template.Library()


@register.filter
def can_be_blocked_by(conversation: Conversation, reader: User) -> bool:
    """Return whether the reader may block or unblock this conversation's customer."""
    return access.can_block(reader, conversation)
