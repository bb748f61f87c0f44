"""Statuses of messages and templates and kinds of buttons, in Twilio's spelling."""

from enum import StrEnum


class MessageStatus(StrEnum):
    """The statuses of messages, in Twilio's spelling."""

    RECEIVED = "received"  # from the customer
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNDELIVERED = "undelivered"


STATUS_RANKS: dict[str, int] = {
    MessageStatus.ACCEPTED: 0,
    MessageStatus.QUEUED: 1,
    MessageStatus.SENDING: 2,
    MessageStatus.SENT: 3,
    MessageStatus.DELIVERED: 4,
    MessageStatus.READ: 5,
}
FAILED_STATUSES = {MessageStatus.FAILED, MessageStatus.UNDELIVERED}


def get_earlier_statuses(status: str) -> list[str]:
    """Return the statuses from which a message may change to `status`."""
    limit = STATUS_RANKS[MessageStatus.DELIVERED] if status in FAILED_STATUSES else STATUS_RANKS[status]
    return [name for name, rank in STATUS_RANKS.items() if rank < limit]


class ApprovalStatus(StrEnum):
    """The approval statuses of templates, in Twilio's spelling."""

    UNSUBMITTED = "unsubmitted"
    RECEIVED = "received"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"


class ButtonKind(StrEnum):
    """The kinds of buttons that send something, by the `MessageType` of what they send."""

    TEMPLATE = "button"
    SESSION = "interactive"  # of a message within the 24-hour window
    LIST_ITEM = "list"
