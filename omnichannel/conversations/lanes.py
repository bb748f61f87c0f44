"""The kinds of background work of a conversation, and how others ask for it.

Asking only enqueues a lane in the caller's transaction, so every layer may do it; the workers' functions are in the
layers above.
"""

from datetime import datetime
from enum import StrEnum

from omnichannel.conversations.models import Conversation
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


def request_automated_messages(conversation: Conversation) -> None:
    """Say that something has happened in this conversation that may call for an automated message."""
    enqueue(LaneKind.AUTOMATE, conversation.pk)
