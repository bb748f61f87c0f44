"""Who is shown the button that blocks a customer."""

from django import template

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation

register = template.Library()


@register.filter
def can_be_blocked_by(conversation: Conversation, reader: User) -> bool:
    """Whether the reader may block this conversation's customer, or unblock them."""
    return access.can_block(reader, conversation)
