"""The kinds of background work of a conversation, and how others ask for it.

Asking only enqueues a lane in the caller's transaction, so every layer may do it; the workers' functions are in the
layers above.
"""

from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from omnichannel.conversations.models import AutomatedMessageRequest, Conversation, MessageTrigger
from omnichannel.jobs.lanes import enqueue


class LaneKind(StrEnum):
    """What a lane's worker does. The lane's key is that of a conversation unless said otherwise."""

    SEND = "send"
    TYPING = "typing"
    AUTOMATE = "automate"
    ROUTE = "route"
    SNOOZE = "snooze"
    MEDIA = "media"  # the key is an attachment's
    DISCONNECT = "disconnect"  # the key is an agent's
    ASSIGN = "assign"  # one lane for everybody
    OFFERS = "offers"  # one lane for everybody


def request_assignment() -> None:
    """Say that there is work to hand out, or room for it: a worker looks as soon as the transaction is done.

    Call it after everything else that locks, and before the live event: whoever has this lane must not wait for others.
    """
    enqueue(LaneKind.ASSIGN, 0)


def request_offer_check(at: datetime) -> None:
    """Have a worker look at that moment whether an offer is over. Called where `request_assignment` is."""
    enqueue(LaneKind.OFFERS, 0, at=at)


def request_automated_message(
    conversation: Conversation, trigger: MessageTrigger, *, at: datetime | None = None
) -> None:
    """Ask for the automated message of a trigger; a worker decides whether it may be sent.

    Args:
        at: When the reason for it happened; now by default. Old reasons are dropped.
    """
    AutomatedMessageRequest.objects.bulk_create(
        [AutomatedMessageRequest(conversation=conversation, trigger=trigger, requested_at=at or timezone.now())],
        update_conflicts=True,
        unique_fields=["conversation", "trigger"],
        update_fields=["requested_at"],
    )
    enqueue(LaneKind.AUTOMATE, conversation.pk)
