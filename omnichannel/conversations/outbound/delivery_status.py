"""What became of a message of ours: forwards only, and an error once known stays known."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from channels_whatsapp import error_reasons
from channels_whatsapp.backends.base import SentMessage
from channels_whatsapp.events import StatusUpdate
from channels_whatsapp.models import MessageTemplate, WhatsAppAccount
from channels_whatsapp.webhooks.deliveries import DeliveryNotReadyError, IgnoredDeliveryError
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, Conversation, Message, MessageStatus
from omnichannel.jobs.lanes import enqueue

STATUS_ORDER = [
    MessageStatus.QUEUED,
    MessageStatus.SENDING,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
]
FAILURE_STATUSES = {MessageStatus.FAILED, MessageStatus.UNDELIVERED}

# Twilio's words. Its `queued` is our `sending`: Twilio has it, WhatsApp not yet.
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
    """Move a message's status as a callback says. The caller holds the transaction.

    Raises Ignore for a status Twilio has never documented and for a message that is not this account's. A SID nobody
    knows raises NotYet, because it may be about to be stored, and Ignore at the `final` attempt: then it is a message
    that another program has sent.
    """
    if update.status not in STATUS_BY_TWILIO_STATUS:
        raise IgnoredDeliveryError(f"Twilio reports a status that is not known here: {update.status[:40] or 'none'}.")
    try:
        message = _find_message(account, update, public_id)
    except DeliveryNotReadyError as error:
        if is_final_attempt:
            raise IgnoredDeliveryError(str(error)) from error
        raise
    was_unknown = message.status == MessageStatus.SENDING and not message.twilio_sid
    if _advance_status(message, STATUS_BY_TWILIO_STATUS[update.status], update):
        # The lane before the conversation, as when a reply is queued: the other way round the two would deadlock.
        if was_unknown:
            enqueue(LaneKind.SEND, message.conversation_id)
        handle_error_code(message, update.error_code)
        publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def apply_fetched_status(message: Message, found: SentMessage) -> None:
    """Move a message's status as Twilio says when asked; a word that is not known changes nothing."""
    status = STATUS_BY_TWILIO_STATUS.get(found.status)
    if status is not None:
        with transaction.atomic():
            if _advance_status(
                message, status, StatusUpdate(found.sid, found.status, found.error_code, found.error_message)
            ):
                handle_error_code(message, found.error_code)
                publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def _find_message(account: WhatsAppAccount, update: StatusUpdate, public_id: UUID | None) -> Message:
    ours = Message.objects.filter(conversation__number__account=account).select_related("conversation")
    message = ours.filter(public_id=public_id).first() if public_id else ours.filter(twilio_sid=update.sid).first()
    if message is None and public_id is None:
        raise DeliveryNotReadyError(f"No message has the SID {update.sid}.")
    if message is None:
        raise IgnoredDeliveryError(f"No message has the id {public_id}.")
    if message.is_inbound or (message.twilio_sid and message.twilio_sid != update.sid):
        raise IgnoredDeliveryError(f"The SID {update.sid} is not that of message {message.public_id}.")
    return message


def build_transition_filter(status: MessageStatus) -> Q:
    """The messages this status may be given to: those further back; a failure only up to `sent`.

    A message that we gave up without ever knowing its SID may still turn out to have been sent.
    """
    beaten = (
        STATUS_ORDER[: STATUS_ORDER.index(MessageStatus.SENT) + 1]
        if status in FAILURE_STATUSES
        else STATUS_ORDER[: STATUS_ORDER.index(status)]
    )
    return Q(status__in=beaten) | Q(status=MessageStatus.FAILED, twilio_sid="", error_code=None)


def _advance_status(message: Message, status: MessageStatus, update: StatusUpdate) -> bool:
    """One conditional UPDATE; whether anything was news."""
    now = timezone.now()
    same = Message.objects.filter(pk=message.pk)
    moved = same.filter(build_transition_filter(status)).update(status=status, updated_at=now)
    learnt = same.filter(twilio_sid="").update(
        twilio_sid=update.sid, check_status_at=now + timedelta(minutes=1), updated_at=now
    )
    if moved and status in FAILURE_STATUSES:
        same.update(
            error_code=Coalesce(F("error_code"), update.error_code), error_message=update.error_message, updated_at=now
        )
    elif moved:
        # It was sent after all: our own "was not sent" no longer holds. Twilio's code stays.
        same.filter(error_code=None).update(error_message="")
    return bool(moved or learnt)


def handle_error_code(message: Message, code: int | None) -> None:
    """Act on the error codes that say more than that one message failed."""
    now, conversation = timezone.now(), message.conversation
    match code:
        case error_reasons.OPTED_OUT:
            Contact.objects.filter(pk=conversation.contact_id, opted_out_at=None).update(opted_out_at=now)
        case error_reasons.OUTSIDE_WINDOW:
            # A message the customer has written since has opened the window again.
            unanswered = Q(last_inbound_at=None) | Q(last_inbound_at__lte=message.sending_since or message.created_at)
            same = Conversation.objects.filter(unanswered, pk=conversation.pk, window_closes_at__gt=now)
            same.update(window_closes_at=now - timedelta(seconds=1))
        case int() if code in error_reasons.APPROVAL_BY_ERROR_CODE:
            sid = message.content.get("template", {}).get("sid", "")
            template = MessageTemplate.objects.filter(account__numbers=conversation.number_id, content_sid=sid)
            template.update(approval=error_reasons.APPROVAL_BY_ERROR_CODE[code])
        case error_reasons.CREDENTIALS_REJECTED:
            account = WhatsAppAccount.objects.filter(numbers=conversation.number_id, credentials_rejected_at=None)
            account.update(credentials_rejected_at=now)


def mark_credentials_valid(account: WhatsAppAccount) -> None:
    """Twilio has taken a call: whatever it said before, the credentials are good."""
    if account.credentials_rejected_at is not None:
        WhatsAppAccount.objects.filter(pk=account.pk).update(credentials_rejected_at=None)
