"""A day goes by for one customer, on the desk's side of the simulator's button."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from channels_whatsapp.identity import identity
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import Conversation, Message

A_DAY = timedelta(hours=24, minutes=1)


def let_a_day_pass(address: str) -> None:
    """Move all that was said with this customer a day and a minute into the past."""
    conversations = Conversation.objects.filter(contact__identity=identity(address), closed_at=None)
    with transaction.atomic():
        Message.objects.filter(conversation__in=conversations).update(
            created_at=F("created_at") - A_DAY, updated_at=F("updated_at") - A_DAY
        )
        conversations.update(
            last_inbound_at=F("last_inbound_at") - A_DAY,
            window_closes_at=F("window_closes_at") - A_DAY,
            last_activity_at=F("last_activity_at") - A_DAY,
        )
        for conversation in conversations:
            publish_event(EventKind.CONVERSATION, conversation)
