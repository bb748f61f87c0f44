"""Time shift of a customer's conversations, for the simulator's button that lets a day pass."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from channels_whatsapp.identity import WHATSAPP_PREFIX, get_identity
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, Message

DAY_OFFSET = timedelta(hours=24, minutes=1)


def backdate_conversations(address: str) -> None:
    """Move the open conversations of the customer with this address a day and a minute into the past.

    The window of closed ones moves too, because a new conversation inherits it.
    """
    has_number = Q(contact__identity=get_identity(address))
    has_id = Q(contact__business_scoped_ids__business_scoped_id=address.removeprefix(WHATSAPP_PREFIX))
    pks = Conversation.objects.filter(has_number | has_id).order_by().values_list("pk", flat=True)
    conversations = Conversation.objects.filter(pk__in=set(pks))
    with transaction.atomic():
        conversations.exclude(closed_at=None).update(
            last_inbound_at=F("last_inbound_at") - DAY_OFFSET, window_closes_at=F("window_closes_at") - DAY_OFFSET
        )
        conversations = conversations.filter(closed_at=None)
        Message.objects.filter(conversation__in=conversations).update(
            created_at=F("created_at") - DAY_OFFSET, updated_at=F("updated_at") - DAY_OFFSET
        )
        conversations.update(
            last_inbound_at=F("last_inbound_at") - DAY_OFFSET,
            window_closes_at=F("window_closes_at") - DAY_OFFSET,
            last_activity_at=F("last_activity_at") - DAY_OFFSET,
        )
        for conversation in conversations:
            publish_event(LiveEventKind.CONVERSATION, conversation)
