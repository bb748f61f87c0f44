"""The kinds of background work of a conversation, and functions to request it.

A request only enqueues a lane in the caller's transaction, so every layer may make one; the functions that the workers
run are in the layers above.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from omnichannel.conversations.models import AutomatedMessageRequest, Conversation, MessageTrigger
from omnichannel.jobs.lanes import enqueue, enqueue_many
from routing.assignment.assign_waiting import ASSIGN_LANE


class LaneKind(StrEnum):
    """The work of a lane. Its key is the id of a conversation unless a comment says otherwise."""

    SEND = "send"
    TYPING = "typing"
    AUTOMATE = "automate"
    ROUTE = "route"
    SNOOZE = "snooze"
    MEDIA = "media"  # the key is the id of an attachment
    DISCONNECT = "disconnect"  # the key is the id of an agent
    FORMER_AGENT = "former_agent"  # the key is the id of an agent
    ASSIGN = ASSIGN_LANE  # a single lane, with key 0
    OFFERS = "offers"  # a single lane, with key 0


def request_assignment() -> None:
    """Request an assignment run: after the commit a worker offers waiting conversations to agents.

    Call it when there is new work or free capacity, after everything else that locks and before the live event: the
    holder of this lane must not wait for other locks.
    """
    enqueue(LaneKind.ASSIGN, 0)


def request_offer_check(at: datetime) -> None:
    """Request a check for expired offers at that time. Call it in the same place as `request_assignment`."""
    enqueue(LaneKind.OFFERS, 0, at=at)


def request_automated_message(
    conversation: Conversation, trigger: MessageTrigger, *, at: datetime | None = None
) -> None:
    """Request the automated message of a trigger; a worker decides whether it may be sent.

    Args:
        at: Time of the event behind it; now by default. A worker drops requests that are too old.
    """
    request_automated_messages([(conversation, at or timezone.now())], trigger)


def request_automated_messages(conversations: Sequence[tuple[Conversation, datetime]], trigger: MessageTrigger) -> None:
    """Request the automated message of a trigger in many conversations, each at a time of its own."""
    AutomatedMessageRequest.objects.bulk_create(
        [
            AutomatedMessageRequest(conversation=conversation, trigger=trigger, requested_at=at)
            for conversation, at in conversations
        ],
        update_conflicts=True,
        unique_fields=["conversation", "trigger"],
        update_fields=["requested_at"],
    )
    enqueue_many([(LaneKind.AUTOMATE, conversation.pk) for conversation, _ in conversations])
