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
from channels_whatsapp.backends.base import OutcomeUnknown, OutgoingMessage, SentMessage, TwilioBusy, TwilioRefused
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import Kind, Message, Status
from omnichannel.conversations.outbound import delivery_status
from omnichannel.conversations.outbound.compose import AUTOMATED, ReplyRefused, why_not
from omnichannel.conversations.outbound.templates import twilio_parameters, why_not_now
from omnichannel.conversations.outbound.uploads import signed_link
from omnichannel.jobs.lanes import Lease

logger = logging.getLogger(__name__)

ASK_AGAIN = timedelta(seconds=5)
CLOCKS_MAY_DIFFER = timedelta(seconds=60)
FIRST_CHECK = timedelta(seconds=60)
LONGEST_BACK_OFF = 300.0  # seconds
ASKING_MAY_TAKE = 10.0  # seconds
NOT_SENT = gettext_noop("Twilio did not take the message. It was not sent.")


def deliver_messages(lease: Lease) -> datetime | None:
    """Send what is queued in this conversation, oldest first; says when to go on, None when all is settled."""
    while (message := _next(lease.key)) is not None:
        if lease.is_stopping():
            return timezone.now()
        if not lease.keep():
            return None
        due = _settle(message) if message.status == Status.SENDING else _send(message)
        if due is not None:
            return due
    return None


def _next(conversation_id: int) -> Message | None:
    unsettled = Q(status=Status.QUEUED) | Q(status=Status.SENDING, twilio_sid="")
    messages = Message.objects.filter(unsettled, conversation_id=conversation_id).order_by("pk")
    return messages.select_related("conversation__contact", "conversation__number__account").first()


def _send(message: Message) -> datetime | None:
    if message.not_before and message.not_before > timezone.now():
        return message.not_before
    if (refusal := _refused(message)) is not None:
        _fail(message, None, refusal.message, only_if=Status.QUEUED)
        return None
    account, outgoing = message.conversation.number.account, _outgoing(message)
    if not _claim(message, outgoing.to):
        return None
    try:
        sent = get_backend().send(account, outgoing)
    except TwilioBusy:
        return _back_off(message)
    except OutcomeUnknown as error:
        logger.warning("Whether message %s was sent is not known: %s", message.public_id, error)
        return timezone.now() + ASK_AGAIN
    except TwilioRefused as refused:
        _fail(message, refused.code, refused.message, only_if=Status.SENDING)
        return None
    _keep_sid(message, sent)
    delivery_status.credentials_work(account)
    return None


def _refused(message: Message) -> ReplyRefused | None:
    """What has come to stand against it since it was queued."""
    is_template = message.kind == Kind.TEMPLATE
    automated = message.content.get(AUTOMATED, "")
    refusal = why_not(message.conversation, automated=automated, as_template=is_template)
    return refusal or (why_not_now(message) if is_template else None)


def _claim(message: Message, to: str) -> bool:
    """Take the message for this one call: whoever comes second gets False and must not call."""
    message.send_token = uuid.uuid4()
    message.sending_since = timezone.now()
    with transaction.atomic():
        claimed = Message.objects.filter(pk=message.pk, status=Status.QUEUED).update(
            status=Status.SENDING,
            send_token=message.send_token,
            sending_since=message.sending_since,
            sent_to=to,
            send_attempts=F("send_attempts") + 1,
            updated_at=message.sending_since,
        )
        if claimed:
            publish_event(EventKind.MESSAGE, message.conversation, part_id=message.pk)
    message.send_attempts += 1
    return claimed == 1


def _outgoing(message: Message) -> OutgoingMessage:
    number = message.conversation.number
    is_template = message.kind == Kind.TEMPLATE
    attachment = None if is_template else message.attachments.first()
    callback = reverse("whatsapp_message_status", args=[number.account.key, message.public_id])
    return OutgoingMessage(
        to=message.conversation.contact.address,
        sender=number.address,
        body="" if is_template else message.body,
        media_url=signed_link(attachment) if attachment else "",
        messaging_service_sid=number.account.messaging_service_sid,
        status_callback=settings.PUBLIC_URL + callback,
        **(twilio_parameters(message) if is_template else {}),
    )


def _back_off(message: Message) -> datetime:
    """429 was never processed: back in the queue, later each time, with jitter so that not all come at once."""
    seconds = min(2.0**message.send_attempts, LONGEST_BACK_OFF) * random.uniform(0.5, 1.5)  # noqa: S311 (no secret)
    later = timezone.now() + timedelta(seconds=seconds)
    mine = Message.objects.filter(pk=message.pk, send_token=message.send_token, status=Status.SENDING, twilio_sid="")
    mine.update(status=Status.QUEUED, not_before=later, updated_at=timezone.now())
    return later


def _keep_sid(message: Message, sent: SentMessage) -> None:
    """Only the SID: a callback may already have moved the status past `sent`."""
    now = timezone.now()
    with transaction.atomic():
        unknown = Message.objects.filter(pk=message.pk, twilio_sid="")
        # Given up by another worker while this one's call was under way: it was sent after all.
        unknown.filter(status=Status.FAILED, error_code=None).update(status=Status.SENDING, error_message="")
        if unknown.update(twilio_sid=sent.sid, check_status_at=now + FIRST_CHECK, updated_at=now):
            publish_event(EventKind.MESSAGE, message.conversation, part_id=message.pk)


def _fail(message: Message, code: int | None, words: str, *, only_if: Status) -> None:
    now = timezone.now()
    with transaction.atomic():
        still = Message.objects.filter(pk=message.pk, status=only_if, twilio_sid="")
        if still.update(status=Status.FAILED, error_code=code, error_message=words[:1000], updated_at=now):
            delivery_status.heed(message, code)
            publish_event(EventKind.MESSAGE, message.conversation, part_id=message.pk)


def _settle(message: Message) -> datetime | None:
    """Find out whether Twilio took a message whose call was cut off; None when that is known."""
    since = message.sending_since or message.created_at
    conversation = message.conversation
    try:
        at_twilio = get_backend().list_sent(
            conversation.number.account,
            to=message.sent_to or conversation.contact.address,
            sender=conversation.number.address,
            since=since - CLOCKS_MAY_DIFFER,
        )
    except (TwilioBusy, OutcomeUnknown, TwilioRefused) as error:
        logger.info("Twilio could not say whether message %s was sent: %s", message.public_id, error)
        delivery_status.heed(message, getattr(error, "code", None))
        return _later(since)
    if (found := _match(message, at_twilio)) is not None:
        _keep_sid(message, found)
        return None
    if timezone.now() - since < settings.OUTBOUND_ABSENT_AFTER:
        return timezone.now() + ASK_AGAIN
    _fail(message, None, NOT_SENT, only_if=Status.SENDING)
    return None


def _later(since: datetime) -> datetime:
    """When to ask Twilio again: the longer it has not answered, the less often."""
    now = timezone.now()
    return now + min(max((now - since) / 4, ASK_AGAIN), timedelta(seconds=LONGEST_BACK_OFF))


def _match(message: Message, at_twilio: list[SentMessage]) -> SentMessage | None:
    """The one of Twilio's messages that is this one: no other message of ours, a file or none, and the same text.

    Twilio may write a text in another form; a message that nobody here knows of, with the same letters and digits,
    is this one then: to believe it unsent and send it again would be worse.
    """
    ours = Message.objects.filter(twilio_sid__in=[one.sid for one in at_twilio])
    known = set(ours.values_list("twilio_sid", flat=True))
    strangers = [one for one in at_twilio if one.sid not in known]
    if message.kind == Kind.TEMPLATE:
        return _match_template(message, strangers)
    has_file = message.attachments.exists()
    strangers = [one for one in strangers if (one.num_media > 0) == has_file]
    alike = [one for one in strangers if one.body.strip() == message.body]
    alike = alike or [one for one in strangers if _letters(one.body) == _letters(message.body)][:1]
    return _first(alike)


def _match_template(message: Message, strangers: list[SentMessage]) -> SentMessage | None:
    """The same for a template, whose text Twilio has written itself.

    It may put header and footer with it, leave it out for what is no plain text, or count a picture as a file or not.
    """
    ours = _letters(message.body)
    alike = [one for one in strangers if _letters(one.body) == ours]
    alike = alike or [one for one in strangers if ours in _letters(one.body) or _letters(one.body) in ours]
    return _first(alike)


def _first(found: list[SentMessage]) -> SentMessage | None:
    return min(found, key=lambda one: (one.created_at or timezone.now(), one.sid), default=None)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def ask_about_silent_messages() -> int:
    """Ask Twilio about messages whose callbacks have not come, less often each time; returns how many there were."""
    now, begin = timezone.now(), time.monotonic()
    silent = Message.objects.filter(check_status_at__lte=now).select_related("conversation__number__account")
    messages = list(silent.order_by("check_status_at")[:50])
    for message in messages:
        if time.monotonic() - begin > ASKING_MAY_TAKE:
            break  # the rest stays due
        age = now - (message.sending_since or message.created_at)
        settled = message.status not in {Status.SENDING, Status.SENT} or age > timedelta(days=1)
        upcoming = None if settled else now + max(age, FIRST_CHECK)
        due = Message.objects.filter(pk=message.pk, check_status_at__lte=now)
        if due.update(check_status_at=upcoming) and not settled:
            _ask(message.conversation.number.account, message)
    return len(messages)


def _ask(account: WhatsAppAccount, message: Message) -> None:
    try:
        found = get_backend().fetch(account, message.twilio_sid)
    except (TwilioBusy, OutcomeUnknown, TwilioRefused) as error:
        logger.info("Twilio could not say what became of %s: %s", message.twilio_sid, error)
        delivery_status.heed(message, getattr(error, "code", None))
        return
    delivery_status.apply_fetched(message, found)
