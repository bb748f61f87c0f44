"""Write the timeline of a conversation: a line for people about each thing that happened."""

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
    """Add a line to the timeline.

    Args:
        text: The line, translated when it is shown.
        actor: The person who did it; None for the system.
        at: When it happened; now by default.
    """
    ConversationEvent.objects.create(
        conversation=conversation, kind=kind, text=text, actor=actor, created_at=at or timezone.now()
    )
