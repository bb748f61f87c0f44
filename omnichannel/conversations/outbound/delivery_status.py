"""Update the status of outbound messages: forward only, and a known error is kept."""

import random
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from channels_whatsapp import error_reasons
from channels_whatsapp.backends.base import SentMessage
from channels_whatsapp.events import StatusUpdate
from channels_whatsapp.message_templates.sync import enqueue_sync
from channels_whatsapp.models import MessageTemplate, WhatsAppAccount
from channels_whatsapp.webhooks.deliveries import DeliveryNotReadyError, IgnoredDeliveryError
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, Conversation, Message, MessageStatus
from omnichannel.conversations.outbound.failed_replies import record_failed_reply
from omnichannel.jobs.lanes import enqueue

STATUS_ORDER = [
    MessageStatus.QUEUED,
    MessageStatus.SENDING,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
]
FAILURE_STATUSES = {MessageStatus.FAILED, MessageStatus.UNDELIVERED}
MAX_BACKOFF_SECONDS = 300.0
MAX_RATE_LIMITED_ATTEMPTS = 8  # within about nine minutes
REFUSED_SIDS = "refused_sids"  # key in a message's payload

# Keys are Twilio's statuses. Its `queued` is our `sending`: Twilio has the message, WhatsApp not yet.
STATUS_BY_TWILIO_STATUS = {
    "accepted": MessageStatus.SENDING,
    "scheduled": MessageStatus.SENDING,
    "queued": MessageStatus.SENDING,
    "sending": MessageStatus.SENDING,
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
    "undelivered": MessageStatus.UNDELIVERED,
}


def apply_status_update(
    account: WhatsAppAccount, update: StatusUpdate, public_id: UUID | None, *, is_final_attempt: bool = True
) -> None:
    """Update a message's status from a callback. The caller holds the transaction.

    Args:
        account: the account the callback came for.
        update: the parsed callback.
        public_id: our id of the message, when the callback URL contains it.
        is_final_attempt: whether the delivery is not retried any more.

    Raises:
        IgnoredDeliveryError: Twilio does not document the status, the message is not this account's, or its SID is
            still unknown at the final attempt, because another program has sent it.
        DeliveryNotReadyError: the SID is unknown; it may be about to be stored.
    """
    if update.status not in STATUS_BY_TWILIO_STATUS:
        raise IgnoredDeliveryError(f"Unknown status from Twilio: {update.status[:40] or 'none'}.")
    try:
        message = _find_message(account, update, public_id)
    except DeliveryNotReadyError as error:
        if is_final_attempt:
            raise IgnoredDeliveryError(str(error)) from error
        raise
    was_unknown = message.status == MessageStatus.SENDING and not message.twilio_sid
    if _requeue_if_rate_limited(message, update):
        publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)
    elif _advance_status(message, STATUS_BY_TWILIO_STATUS[update.status], update):
        # Lock the lane before the conversation, as when a reply is queued: the opposite order would deadlock.
        if was_unknown:
            enqueue(LaneKind.SEND, message.conversation_id)
        _handle_failure(message, update)
        publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def apply_fetched_status(message: Message, sent: SentMessage) -> None:
    """Update a message's status from Twilio's API; an unknown status changes nothing."""
    status = STATUS_BY_TWILIO_STATUS.get(sent.status)
    if status is None:
        return
    update = StatusUpdate(sent.sid, sent.status, sent.error_code, sent.error_message)
    with transaction.atomic():
        is_requeued = _requeue_if_rate_limited(message, update)
        if is_requeued or _advance_status(message, status, update):
            if not is_requeued:
                _handle_failure(message, update)
            publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def _handle_failure(message: Message, update: StatusUpdate) -> None:
    """Do what the error code asks for, and show a failed reply to whoever can act; nothing for other statuses."""
    handle_error_code(message, update.error_code)
    if STATUS_BY_TWILIO_STATUS[update.status] in FAILURE_STATUSES:
        record_failed_reply(message)


# -- Rate limits ----------------------------------------------------------------------------------------------------


def get_retry_time(attempts: int) -> datetime:
    """Return when to try again after so many attempts: later each time, with jitter to spread the retries."""
    seconds = min(2.0**attempts, MAX_BACKOFF_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311 (no secret)
    return timezone.now() + timedelta(seconds=seconds)


def _requeue_if_rate_limited(message: Message, update: StatusUpdate) -> bool:
    """Queue a message again that Twilio accepted but could not deliver because there were too many.

    Its failure is final at Twilio, so that it is not sent twice. The SID is kept, to recognize its late callbacks.
    """
    is_failure = STATUS_BY_TWILIO_STATUS[update.status] in FAILURE_STATUSES
    if not is_failure or update.error_code not in error_reasons.RATE_LIMIT_CODES:
        return False
    row = Message.objects.select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    is_settled = row.status not in {MessageStatus.SENDING, MessageStatus.SENT} or row.twilio_sid not in {"", update.sid}
    if is_settled or row.send_attempts >= MAX_RATE_LIMITED_ATTEMPTS:
        return False
    retry_at = get_retry_time(row.send_attempts)
    row.status, row.twilio_sid, row.send_token = MessageStatus.QUEUED, "", None
    row.not_before, row.check_status_at, row.updated_at = retry_at, None, timezone.now()
    row.payload = {**row.payload, REFUSED_SIDS: [*get_refused_sids(row), update.sid]}
    row.save(
        update_fields=[
            "status",
            "twilio_sid",
            "send_token",
            "not_before",
            "check_status_at",
            "updated_at",
            "payload",
        ]  # fmt: skip
    )
    enqueue(LaneKind.SEND, row.conversation_id, at=retry_at)
    return True


def get_refused_sids(message: Message) -> list[str]:
    """Return the SIDs of earlier attempts to send this message, which have failed for good."""
    sids: list[str] = message.payload.get(REFUSED_SIDS, [])
    return sids


# -- Status ---------------------------------------------------------------------------------------------------------


def _find_message(account: WhatsAppAccount, update: StatusUpdate, public_id: UUID | None) -> Message:
    messages = Message.objects.filter(conversation__number__account=account).select_related("conversation")
    lookup = {"public_id": public_id} if public_id else {"twilio_sid": update.sid}
    message = messages.filter(**lookup).first()
    if message is None and public_id is None:
        raise DeliveryNotReadyError(f"No message with SID {update.sid}.")
    if message is None:
        raise IgnoredDeliveryError(f"No message with ID {public_id}.")
    is_other = message.twilio_sid not in {"", update.sid} or update.sid in get_refused_sids(message)
    if message.is_inbound or is_other:
        raise IgnoredDeliveryError(f"The SID {update.sid} does not belong to message {message.public_id}.")
    return message


def build_transition_filter(status: MessageStatus) -> Q:
    """Return the filter for messages that may move to this status.

    Messages move forward only; a failure replaces statuses up to `sent`. A message that we marked as failed without
    knowing its SID may still turn out to have been sent.
    """
    earlier_statuses = (
        STATUS_ORDER[: STATUS_ORDER.index(MessageStatus.SENT) + 1]
        if status in FAILURE_STATUSES
        else STATUS_ORDER[: STATUS_ORDER.index(status)]
    )
    return Q(status__in=earlier_statuses) | Q(status=MessageStatus.FAILED, twilio_sid="", error_code=None)


def _advance_status(message: Message, status: MessageStatus, update: StatusUpdate) -> bool:
    """Move the status forward and store the SID by conditional UPDATEs; return whether anything changed."""
    now = timezone.now()
    row = Message.objects.filter(pk=message.pk)
    moved = row.filter(build_transition_filter(status)).update(status=status, updated_at=now)
    stored_sid = row.filter(twilio_sid="").update(
        twilio_sid=update.sid, check_status_at=now + timedelta(minutes=1), updated_at=now
    )
    if moved and status in FAILURE_STATUSES:
        row.update(
            error_code=Coalesce(F("error_code"), update.error_code), error_message=update.error_message, updated_at=now
        )
    elif moved:
        # It was sent after all: clear our own "was not sent", but keep an error with Twilio's code.
        row.filter(error_code=None).update(error_message="")
    return bool(moved or stored_sid)


def handle_error_code(message: Message, code: int | None) -> None:
    """Handle error codes about opt-out, window, templates and credentials."""
    now, conversation = timezone.now(), message.conversation
    match code:
        case error_reasons.OPTED_OUT:
            Contact.objects.filter(pk=conversation.contact_id, opted_out_at=None).update(opted_out_at=now)
        case error_reasons.OUTSIDE_WINDOW:
            # A customer's message since then has opened the window again.
            no_message_since = Q(last_inbound_at=None) | Q(
                last_inbound_at__lte=message.sending_since or message.created_at
            )
            conversations = Conversation.objects.filter(no_message_since, pk=conversation.pk, window_closes_at__gt=now)
            conversations.update(window_closes_at=now - timedelta(seconds=1))
        case int() if code in error_reasons.APPROVAL_BY_ERROR_CODE:
            sid = message.content.get("template", {}).get("sid", "")
            template = MessageTemplate.objects.filter(account__numbers=conversation.number_id, content_sid=sid)
            template.update(approval=error_reasons.APPROVAL_BY_ERROR_CODE[code])
        case int() if code in error_reasons.TEMPLATE_NOT_FOUND_CODES:
            enqueue_sync(conversation.number.account)
        case error_reasons.CREDENTIALS_REJECTED:
            account = WhatsAppAccount.objects.filter(numbers=conversation.number_id, credentials_rejected_at=None)
            account.update(credentials_rejected_at=now)


def mark_credentials_valid(account: WhatsAppAccount) -> None:
    """Clear the mark of rejected credentials after a successful call to Twilio."""
    if account.credentials_rejected_at is not None:
        WhatsAppAccount.objects.filter(pk=account.pk).update(credentials_rejected_at=None)
