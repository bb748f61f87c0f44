"""Send queued messages through Twilio: in order within a conversation, each at most once.

`POST Messages` can't be repeated safely. So a message is claimed before the call; when the outcome of the call is
unknown, it stays `sending` until a callback with our id, or Twilio's list of messages, reveals it. Only a message that
Twilio provably does not have is marked as failed.
"""

import logging
import time
import unicodedata
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from channels_whatsapp.backends import get_backend
from channels_whatsapp.backends.base import (
    OutgoingMessage,
    SentMessage,
    TwilioRateLimitError,
    TwilioRejectedError,
    UnknownOutcomeError,
)
from channels_whatsapp.error_reasons import RATE_LIMIT_CODES
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Message, MessageDirection, MessageKind, MessageStatus
from omnichannel.conversations.outbound import delivery_status
from omnichannel.conversations.outbound.compose import ReplyError, get_send_error
from omnichannel.conversations.outbound.delivery_status import (
    MAX_BACKOFF_SECONDS,
    MAX_RATE_LIMITED_ATTEMPTS,
    get_refused_sids,
    get_retry_time,
)
from omnichannel.conversations.outbound.failed_replies import record_failed_reply
from omnichannel.conversations.outbound.templates import get_template_send_error, get_twilio_parameters
from omnichannel.conversations.outbound.uploads import get_signed_url
from omnichannel.jobs.lanes import Lease

logger = logging.getLogger(__name__)

RECHECK_DELAY = timedelta(seconds=5)
CLOCK_SKEW = timedelta(seconds=60)
FIRST_CHECK_DELAY = timedelta(seconds=60)
STATUS_CHECK_BUDGET_SECONDS = 10.0
NOT_SENT_ERROR = gettext_noop("Twilio rejected the message. It was not sent.")


def deliver_messages(lease: Lease) -> datetime | None:
    """Send the queued messages of a conversation, oldest first.

    Returns:
        When to continue; None when all messages are settled.
    """
    while (message := _get_next_message(lease.key)) is not None:
        if lease.is_stopping():
            return timezone.now()
        if not lease.renew():
            return None
        due = _resolve_unknown_outcome(message) if message.status == MessageStatus.SENDING else _send_message(message)
        if due is not None:
            return due
    return None


def _get_next_message(conversation_id: int) -> Message | None:
    # No SID and outbound: the condition of the index.
    without_sid = Message.objects.filter(twilio_sid="", direction=MessageDirection.OUTBOUND)
    unsettled = without_sid.filter(status__in=(MessageStatus.QUEUED, MessageStatus.SENDING))
    messages = unsettled.filter(conversation_id=conversation_id).order_by("pk")
    return messages.select_related("conversation__contact", "conversation__number__account").first()


def _send_message(message: Message) -> datetime | None:
    if message.not_before and message.not_before > timezone.now():
        return message.not_before
    if (refusal := _recheck_before_sending(message)) is not None:
        _mark_failed(message, None, refusal.message, expected_status=MessageStatus.QUEUED)
        return None
    account, outgoing = message.conversation.number.account, _build_outgoing_message(message)
    if not _claim_message(message, outgoing.to):
        return None
    try:
        sent = get_backend().send(account, outgoing)
    except TwilioRateLimitError:
        return _requeue_with_backoff(message)
    except UnknownOutcomeError as error:
        logger.warning("Unknown whether message %s was sent: %s", message.public_id, error)
        return timezone.now() + RECHECK_DELAY
    except TwilioRejectedError as error:
        if error.code in RATE_LIMIT_CODES and message.send_attempts < MAX_RATE_LIMITED_ATTEMPTS:
            return _requeue_with_backoff(message)
        _mark_failed(message, error.code, error.message, expected_status=MessageStatus.SENDING)
        return None
    _store_sid(message, sent)
    delivery_status.mark_credentials_valid(account)
    return None


def _recheck_before_sending(message: Message) -> ReplyError | None:
    """Return why a message can no longer be sent, after changes since it was queued; None when it can."""
    is_template = message.kind == MessageKind.TEMPLATE
    refusal = get_send_error(message.conversation, automated_trigger=message.automated_trigger, is_template=is_template)
    return refusal or (get_template_send_error(message) if is_template else None)


def _claim_message(message: Message, to: str) -> bool:
    """Claim a message for one API call; a second worker gets False and must not call."""
    message.send_token = uuid.uuid4()
    message.sending_since = timezone.now()
    with transaction.atomic():
        claimed = Message.objects.filter(pk=message.pk, status=MessageStatus.QUEUED).update(
            status=MessageStatus.SENDING,
            send_token=message.send_token,
            sending_since=message.sending_since,
            sent_to=to,
            send_attempts=F("send_attempts") + 1,
            updated_at=message.sending_since,
        )
        if claimed:
            publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)
    message.send_attempts += 1
    return claimed == 1


def _build_outgoing_message(message: Message) -> OutgoingMessage:
    number = message.conversation.number
    is_template = message.kind == MessageKind.TEMPLATE
    attachment = None if is_template else message.attachments.first()
    callback = reverse("whatsapp_message_status", args=[number.account.key, message.public_id])
    return OutgoingMessage(
        to=message.conversation.contact.get_recipient_address(number.pk),
        sender=number.address,
        body="" if is_template else message.body,
        media_url=get_signed_url(attachment) if attachment else "",
        messaging_service_sid=number.account.messaging_service_sid,
        status_callback=settings.PUBLIC_URL + callback,
        **(get_twilio_parameters(message) if is_template else {}),
    )


def _requeue_with_backoff(message: Message) -> datetime:
    """Queue a message again that Twilio refused because there were too many, later each time."""
    retry_at = get_retry_time(message.send_attempts)
    claimed = Message.objects.filter(
        pk=message.pk, send_token=message.send_token, status=MessageStatus.SENDING, twilio_sid=""
    )
    claimed.update(status=MessageStatus.QUEUED, not_before=retry_at, updated_at=timezone.now())
    return retry_at


def _store_sid(message: Message, sent: SentMessage) -> None:
    """Store the SID without touching the status: a callback may already have moved it past `sent`."""
    now = timezone.now()
    with transaction.atomic():
        # A callback may have queued the message again; the SID then belongs to an attempt that has failed.
        without_sid = Message.objects.filter(pk=message.pk, twilio_sid="", send_token=message.send_token)
        # Marked as failed by another worker during this call: it was sent after all.
        without_sid.filter(status=MessageStatus.FAILED, error_code=None).update(
            status=MessageStatus.SENDING, error_message=""
        )
        if without_sid.update(twilio_sid=sent.sid, check_status_at=now + FIRST_CHECK_DELAY, updated_at=now):
            publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def _mark_failed(message: Message, code: int | None, reason: str, *, expected_status: MessageStatus) -> None:
    now = timezone.now()
    with transaction.atomic():
        unchanged = Message.objects.filter(pk=message.pk, status=expected_status, twilio_sid="")
        if unchanged.update(status=MessageStatus.FAILED, error_code=code, error_message=reason[:1000], updated_at=now):
            delivery_status.handle_error_code(message, code)
            record_failed_reply(message)
            publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def _resolve_unknown_outcome(message: Message) -> datetime | None:
    """Find out whether Twilio accepted a message whose call was interrupted.

    Returns:
        When to ask again; None when the outcome is known.
    """
    since = message.sending_since or message.created_at
    conversation = message.conversation
    try:
        candidates = get_backend().list_sent(
            conversation.number.account,
            to=message.sent_to or conversation.contact.get_recipient_address(conversation.number_id),
            sender=conversation.number.address,
            since=since - CLOCK_SKEW,
        )
    except (TwilioRateLimitError, UnknownOutcomeError, TwilioRejectedError) as error:
        logger.info("Could not ask Twilio whether message %s was sent: %s", message.public_id, error)
        delivery_status.handle_error_code(message, getattr(error, "code", None))
        return _get_next_check_time(since)
    if (match := _find_match(message, candidates)) is not None:
        _store_sid(message, match)
        return None
    if timezone.now() - since < settings.UNKNOWN_OUTCOME_TIMEOUT:
        return timezone.now() + RECHECK_DELAY
    _mark_failed(message, None, NOT_SENT_ERROR, expected_status=MessageStatus.SENDING)
    return None


def _get_next_check_time(since: datetime) -> datetime:
    """Return when to ask Twilio again; the interval grows with the time since the call."""
    now = timezone.now()
    return now + min(max((now - since) / 4, RECHECK_DELAY), timedelta(seconds=MAX_BACKOFF_SECONDS))


def _find_match(message: Message, candidates: list[SentMessage]) -> SentMessage | None:
    """Return the message at Twilio that is this one, or None.

    A match has a SID that is unknown here, a file if this one has a file, and the same text. Twilio may change the form
    of a text, so the same letters and digits are enough: to consider the message unsent and send it again would be
    worse.
    """
    known = Message.objects.filter(twilio_sid__in=[sent.sid for sent in candidates])
    known_sids = {*known.values_list("twilio_sid", flat=True), *get_refused_sids(message)}
    unknown = [sent for sent in candidates if sent.sid not in known_sids]
    if message.kind == MessageKind.TEMPLATE:
        return _find_template_match(message, unknown)
    has_file = message.attachments.exists()
    unknown = [sent for sent in unknown if (sent.num_media > 0) == has_file]
    matches = [sent for sent in unknown if sent.body.strip() == message.body]
    if not matches:
        text = _normalize_text(message.body)
        matches = [sent for sent in unknown if _normalize_text(sent.body) == text][:1]
    return _get_earliest(matches)


def _find_template_match(message: Message, unknown: list[SentMessage]) -> SentMessage | None:
    """Return the message at Twilio that is this template, whose text Twilio has rendered itself.

    Twilio may add header and footer, leave out the text of other content types, and count a picture as a file or not.
    """
    text = _normalize_text(message.body)
    matches = [sent for sent in unknown if _normalize_text(sent.body) == text]
    if not matches:
        matches = [sent for sent in unknown if text in _normalize_text(sent.body) or _normalize_text(sent.body) in text]
    return _get_earliest(matches)


def _get_earliest(matches: list[SentMessage]) -> SentMessage | None:
    return min(matches, key=lambda sent: (sent.created_at or timezone.now(), sent.sid), default=None)


def _normalize_text(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def check_overdue_statuses() -> int:
    """Ask Twilio about messages without callbacks, less often each time; return how many were due."""
    now, started_at = timezone.now(), time.monotonic()
    overdue = Message.objects.filter(check_status_at__lte=now).select_related("conversation__number__account")
    messages = list(overdue.order_by("check_status_at")[:50])
    for message in messages:
        if time.monotonic() - started_at > STATUS_CHECK_BUDGET_SECONDS:
            break  # the others stay due
        age = now - (message.sending_since or message.created_at)
        is_settled = message.status not in {MessageStatus.SENDING, MessageStatus.SENT} or age > timedelta(days=1)
        next_check = None if is_settled else now + max(age, FIRST_CHECK_DELAY)
        still_due = Message.objects.filter(pk=message.pk, check_status_at__lte=now)
        if still_due.update(check_status_at=next_check) and not is_settled:
            _fetch_status(message.conversation.number.account, message)
    return len(messages)


def _fetch_status(account: WhatsAppAccount, message: Message) -> None:
    try:
        sent = get_backend().fetch(account, message.twilio_sid)
    except (TwilioRateLimitError, UnknownOutcomeError, TwilioRejectedError) as error:
        logger.info("Could not fetch the status of %s from Twilio: %s", message.twilio_sid, error)
        delivery_status.handle_error_code(message, getattr(error, "code", None))
        return
    delivery_status.apply_fetched_status(message, sent)
