"""Send queued replies through Twilio: one conversation's in their order, each at most once.

`POST Messages` can't be repeated safely. So a message is claimed before the call; when the call's outcome is not known
it stays `sending` until a callback that carries our id, or Twilio's own list of messages, says what became of it. Only
what Twilio provably does not have is given up as failed.
"""

import logging
import random
import time
import unicodedata
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
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
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Message, MessageKind, MessageStatus
from omnichannel.conversations.outbound import delivery_status
from omnichannel.conversations.outbound.compose import ReplyError, get_send_error
from omnichannel.conversations.outbound.templates import get_template_send_error, get_twilio_parameters
from omnichannel.conversations.outbound.uploads import get_signed_url
from omnichannel.jobs.lanes import Lease

logger = logging.getLogger(__name__)

RECHECK_DELAY = timedelta(seconds=5)
CLOCK_SKEW = timedelta(seconds=60)
FIRST_CHECK_DELAY = timedelta(seconds=60)
MAX_BACKOFF_SECONDS = 300.0  # seconds
STATUS_CHECK_BUDGET_SECONDS = 10.0  # seconds
NOT_SENT_ERROR = gettext_noop("Twilio did not take the message. It was not sent.")


def deliver_messages(lease: Lease) -> datetime | None:
    """Send what is queued in this conversation, oldest first; says when to go on, None when all is settled."""
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
    unsettled = Q(status=MessageStatus.QUEUED) | Q(status=MessageStatus.SENDING, twilio_sid="")
    messages = Message.objects.filter(unsettled, conversation_id=conversation_id).order_by("pk")
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
        logger.warning("Whether message %s was sent is not known: %s", message.public_id, error)
        return timezone.now() + RECHECK_DELAY
    except TwilioRejectedError as refused:
        _mark_failed(message, refused.code, refused.message, expected_status=MessageStatus.SENDING)
        return None
    _store_sid(message, sent)
    delivery_status.mark_credentials_valid(account)
    return None


def _recheck_before_sending(message: Message) -> ReplyError | None:
    """What has come to stand against it since it was queued."""
    is_template = message.kind == MessageKind.TEMPLATE
    refusal = get_send_error(message.conversation, automated_trigger=message.automated_trigger, is_template=is_template)
    return refusal or (get_template_send_error(message) if is_template else None)


def _claim_message(message: Message, to: str) -> bool:
    """Take the message for this one call: whoever comes second gets False and must not call."""
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
        to=message.conversation.contact.address,
        sender=number.address,
        body="" if is_template else message.body,
        media_url=get_signed_url(attachment) if attachment else "",
        messaging_service_sid=number.account.messaging_service_sid,
        status_callback=settings.PUBLIC_URL + callback,
        **(get_twilio_parameters(message) if is_template else {}),
    )


def _requeue_with_backoff(message: Message) -> datetime:
    """429 was never processed: back in the queue, later each time, with jitter so that not all come at once."""
    seconds = min(2.0**message.send_attempts, MAX_BACKOFF_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311 (no secret)
    later = timezone.now() + timedelta(seconds=seconds)
    mine = Message.objects.filter(
        pk=message.pk, send_token=message.send_token, status=MessageStatus.SENDING, twilio_sid=""
    )
    mine.update(status=MessageStatus.QUEUED, not_before=later, updated_at=timezone.now())
    return later


def _store_sid(message: Message, sent: SentMessage) -> None:
    """Only the SID: a callback may already have moved the status past `sent`."""
    now = timezone.now()
    with transaction.atomic():
        unknown = Message.objects.filter(pk=message.pk, twilio_sid="")
        # Given up by another worker while this one's call was under way: it was sent after all.
        unknown.filter(status=MessageStatus.FAILED, error_code=None).update(
            status=MessageStatus.SENDING, error_message=""
        )
        if unknown.update(twilio_sid=sent.sid, check_status_at=now + FIRST_CHECK_DELAY, updated_at=now):
            publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def _mark_failed(message: Message, code: int | None, words: str, *, expected_status: MessageStatus) -> None:
    now = timezone.now()
    with transaction.atomic():
        still = Message.objects.filter(pk=message.pk, status=expected_status, twilio_sid="")
        if still.update(status=MessageStatus.FAILED, error_code=code, error_message=words[:1000], updated_at=now):
            delivery_status.handle_error_code(message, code)
            publish_event(LiveEventKind.MESSAGE, message.conversation, part_id=message.pk)


def _resolve_unknown_outcome(message: Message) -> datetime | None:
    """Find out whether Twilio took a message whose call was cut off; None when that is known."""
    since = message.sending_since or message.created_at
    conversation = message.conversation
    try:
        at_twilio = get_backend().list_sent(
            conversation.number.account,
            to=message.sent_to or conversation.contact.address,
            sender=conversation.number.address,
            since=since - CLOCK_SKEW,
        )
    except (TwilioRateLimitError, UnknownOutcomeError, TwilioRejectedError) as error:
        logger.info("Twilio could not say whether message %s was sent: %s", message.public_id, error)
        delivery_status.handle_error_code(message, getattr(error, "code", None))
        return _get_next_check_time(since)
    if (found := _find_match(message, at_twilio)) is not None:
        _store_sid(message, found)
        return None
    if timezone.now() - since < settings.UNKNOWN_OUTCOME_TIMEOUT:
        return timezone.now() + RECHECK_DELAY
    _mark_failed(message, None, NOT_SENT_ERROR, expected_status=MessageStatus.SENDING)
    return None


def _get_next_check_time(since: datetime) -> datetime:
    """When to ask Twilio again: the longer it has not answered, the less often."""
    now = timezone.now()
    return now + min(max((now - since) / 4, RECHECK_DELAY), timedelta(seconds=MAX_BACKOFF_SECONDS))


def _find_match(message: Message, at_twilio: list[SentMessage]) -> SentMessage | None:
    """The one of Twilio's messages that is this one: no other message of ours, a file or none, and the same text.

    Twilio may write a text in another form; a message that nobody here knows of, with the same letters and digits,
    is this one then: to believe it unsent and send it again would be worse.
    """
    ours = Message.objects.filter(twilio_sid__in=[one.sid for one in at_twilio])
    known = set(ours.values_list("twilio_sid", flat=True))
    strangers = [one for one in at_twilio if one.sid not in known]
    if message.kind == MessageKind.TEMPLATE:
        return _find_template_match(message, strangers)
    has_file = message.attachments.exists()
    strangers = [one for one in strangers if (one.num_media > 0) == has_file]
    alike = [one for one in strangers if one.body.strip() == message.body]
    alike = alike or [one for one in strangers if _normalize_text(one.body) == _normalize_text(message.body)][:1]
    return _get_earliest(alike)


def _find_template_match(message: Message, strangers: list[SentMessage]) -> SentMessage | None:
    """The same for a template, whose text Twilio has written itself.

    It may put header and footer with it, leave it out for what is no plain text, or count a picture as a file or not.
    """
    ours = _normalize_text(message.body)
    alike = [one for one in strangers if _normalize_text(one.body) == ours]
    alike = alike or [
        one for one in strangers if ours in _normalize_text(one.body) or _normalize_text(one.body) in ours
    ]
    return _get_earliest(alike)


def _get_earliest(found: list[SentMessage]) -> SentMessage | None:
    return min(found, key=lambda one: (one.created_at or timezone.now(), one.sid), default=None)


def _normalize_text(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def check_overdue_statuses() -> int:
    """Ask Twilio about messages whose callbacks have not come, less often each time; returns how many there were."""
    now, begin = timezone.now(), time.monotonic()
    silent = Message.objects.filter(check_status_at__lte=now).select_related("conversation__number__account")
    messages = list(silent.order_by("check_status_at")[:50])
    for message in messages:
        if time.monotonic() - begin > STATUS_CHECK_BUDGET_SECONDS:
            break  # the rest stays due
        age = now - (message.sending_since or message.created_at)
        settled = message.status not in {MessageStatus.SENDING, MessageStatus.SENT} or age > timedelta(days=1)
        upcoming = None if settled else now + max(age, FIRST_CHECK_DELAY)
        due = Message.objects.filter(pk=message.pk, check_status_at__lte=now)
        if due.update(check_status_at=upcoming) and not settled:
            _fetch_status(message.conversation.number.account, message)
    return len(messages)


def _fetch_status(account: WhatsAppAccount, message: Message) -> None:
    try:
        found = get_backend().fetch(account, message.twilio_sid)
    except (TwilioRateLimitError, UnknownOutcomeError, TwilioRejectedError) as error:
        logger.info("Twilio could not say what became of %s: %s", message.twilio_sid, error)
        delivery_status.handle_error_code(message, getattr(error, "code", None))
        return
    delivery_status.apply_fetched_status(message, found)
