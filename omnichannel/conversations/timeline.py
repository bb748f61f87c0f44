"""Write the timeline of a conversation: events for people to read."""

from datetime import datetime

from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, ConversationEvent, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText


def record(
    conversation: Conversation,
    kind: TimelineEventKind,
    text: LocalizedText,
    *,
    actor: User | None,
    at: datetime | None = None,
) -> None:
    """Add an event to the timeline of a conversation.

    Args:
        text: The text of the event, translated when it is shown.
        actor: The person who did it; None for the system.
        at: When it happened; now by default.
    """
    ConversationEvent.objects.create(
        conversation=conversation, kind=kind, text=text, actor=actor, created_at=at or timezone.now()
    )
