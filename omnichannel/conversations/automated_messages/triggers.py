"""Send automated messages, such as greetings, out of hours and opt-out confirmations.

A trigger without a text sends nothing. Messages are sent only inside the 24-hour service window, never to customers who
are blocked or have opted out (except the confirmation of the opt-out), once in a conversation for each trigger, and no
later than two minutes after the event: a greeting after an outage would be out of place. To prevent loops with other
programs, a customer gets at most ten such messages in 24 hours, and none after answering two of them within two seconds
each.

They have a lane of their own, so that a fault here holds up nothing else.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import formats, timezone, translation

from channels_whatsapp.webhooks.backlog import get_late_account_ids
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import (
    AutomatedMessage,
    AutomatedMessageRequest,
    Contact,
    Conversation,
    Message,
    MessageDirection,
    MessageTrigger,
)
from omnichannel.conversations.outbound import compose
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from routing import operating_hours
from routing.models import State
from routing.variables.values import format_value

MAX_DELAY = timedelta(minutes=2)
ROUTING_GRACE_PERIOD = timedelta(seconds=10)
LIMIT_PERIOD = timedelta(hours=24)
MAX_PER_DAY = 10
# No person reads and answers a message so fast; once may be chance, because they were typing already.
FAST_REPLY_TIME, FAST_REPLY_LIMIT = timedelta(seconds=2), 2

GREETING_TRIGGERS = (MessageTrigger.GREETING, MessageTrigger.OUT_OF_HOURS, MessageTrigger.HOLIDAY)
REPEATED_TRIGGERS = (MessageTrigger.OPTED_OUT, MessageTrigger.OPTED_IN, MessageTrigger.QUEUE_POSITION)
SLUG_PATTERN = re.compile(r"\{\$?(\w+)\$?\}")


def send_due_messages(lease: Lease) -> datetime | None:
    """Send the automated messages that are requested in a conversation.

    Returns:
        Time of the next run while a new conversation is still being routed, or while messages from the account's
        customers are not applied yet; else None.
    """
    related = ("contact", "number__operating_hours", "queue", "agent__user")
    conversation = Conversation.objects.select_related(*related).filter(pk=lease.key).first()
    now = timezone.now()
    if conversation is None:  # merged into another one
        return None
    if _is_being_routed(conversation, now) or conversation.number.account_id in get_late_account_ids():
        return now + timedelta(seconds=1)
    for request in conversation.automated_message_requests.order_by("requested_at", "pk"):
        trigger = _current_trigger(request, conversation, now)
        if trigger is not None:
            send_automated_message(trigger, conversation, request=request)
        # The filter keeps a request that was made again in the meantime: the lane runs once more for it.
        AutomatedMessageRequest.objects.filter(pk=request.pk, requested_at=request.requested_at).delete()
    return None


def _current_trigger(
    request: AutomatedMessageRequest, conversation: Conversation, now: datetime
) -> MessageTrigger | None:
    """Return the trigger whose text is sent for a request; None when it is too old or no longer applies."""
    if request.requested_at < now - MAX_DELAY:
        return None
    match MessageTrigger(request.trigger):
        case MessageTrigger.GREETING:
            is_closed = conversation.state == State.CLOSED
            return None if is_closed or conversation.started_by_id else _greeting_trigger(conversation, now)
        case MessageTrigger.AGENT_ASSIGNED:
            return MessageTrigger.AGENT_ASSIGNED if conversation.state == State.ACTIVE else None
        case MessageTrigger.OPTED_OUT | MessageTrigger.OPTED_IN as trigger:
            has_opted_out = conversation.contact.opted_out_at is not None
            return trigger if has_opted_out == (trigger == MessageTrigger.OPTED_OUT) else None
        case trigger:
            return trigger


def send_automated_message(
    trigger: MessageTrigger,
    conversation: Conversation,
    *,
    request: AutomatedMessageRequest | None = None,
    queue_position: int | None = None,
) -> Message | None:
    """Queue the text of a trigger.

    Call it without a lock on the conversation: a reply locks the lane before the conversation, and the opposite order
    would deadlock.

    Args:
        request: The request to fulfil; deleted in the same transaction, so that a crash sends nothing twice.
        queue_position: The value of {Position}.

    Returns:
        The message; None when there is no text, or when it must not be sent.
    """
    text = find_text(trigger, conversation)
    body = _fill_slugs(text, conversation, queue_position) if text else ""
    if not body:
        return None
    with transaction.atomic():
        locked = compose.lock_for_sending(conversation.pk)
        if (
            compose.get_send_error(locked, automated_trigger=trigger)
            or _was_sent(trigger, locked)
            or _has_reached_limit(locked.contact)
        ):
            return None
        if request is not None:
            AutomatedMessageRequest.objects.filter(pk=request.pk, requested_at=request.requested_at).delete()
        return compose.queue_message(
            locked, body=body[: compose.TEXT_LIMIT], automated_trigger=trigger, queue_position=queue_position
        )


def find_text(trigger: MessageTrigger, conversation: Conversation) -> str | None:
    """Return the best text for a trigger; None if there is none.

    A text of the work stream comes before one for all; then one in the customer's language before one for any.
    """
    streams = Q(work_stream=conversation.work_stream_id) | Q(work_stream=None)
    languages = language_fallbacks(conversation.contact)
    texts = [
        (row.work_stream_id is None, languages.index(_normalize_language(row.language)), row.text)
        for row in AutomatedMessage.objects.filter(streams, trigger=trigger, is_active=True)
        if _normalize_language(row.language) in languages
    ]
    return min(texts)[2] if texts else None


def language_fallbacks(contact: Contact) -> Sequence[str]:
    """Return the contact's language codes, most specific first: `pt-br`, `pt`, and "" for any."""
    parts = [part for part in _normalize_language(contact.language).split("-") if part]
    return [*("-".join(parts[:count]) for count in range(len(parts), 0, -1)), ""]


def _normalize_language(language: str) -> str:
    return language.strip().lower().replace("_", "-")


def _is_being_routed(conversation: Conversation, now: datetime) -> bool:
    """Return whether its queue may still change.

    False after ROUTING_GRACE_PERIOD, so that a fault in routing does not hold up the greeting.
    """
    is_new = now - conversation.created_at < ROUTING_GRACE_PERIOD
    return is_new and Lane.objects.filter(kind=LaneKind.ROUTE, key=conversation.pk).exists()


def _greeting_trigger(conversation: Conversation, now: datetime) -> MessageTrigger:
    """Return the trigger for a new conversation; out of hours stands in for a holiday without a text."""
    schedule = operating_hours.build_schedule(conversation.number.operating_hours)
    if operating_hours.is_open(schedule, now):
        return MessageTrigger.GREETING
    is_holiday = operating_hours.get_holiday_name(schedule, now) is not None and find_text(
        MessageTrigger.HOLIDAY, conversation
    )
    return MessageTrigger.HOLIDAY if is_holiday else MessageTrigger.OUT_OF_HOURS


def _was_sent(trigger: MessageTrigger, conversation: Conversation) -> bool:
    """Return whether it was sent in this conversation before; False for REPEATED_TRIGGERS."""
    if trigger in REPEATED_TRIGGERS:
        return False
    equivalent = GREETING_TRIGGERS if trigger in GREETING_TRIGGERS else (trigger,)
    return conversation.messages.filter(automated_trigger__in=equivalent).exists()


def _has_reached_limit(contact: Contact) -> bool:
    """Return whether the customer has had the maximum in 24 hours, or is a program that answers them."""
    messages = Message.objects.filter(conversation__contact=contact, created_at__gte=timezone.now() - LIMIT_PERIOD)
    automated = messages.filter(direction=MessageDirection.OUTBOUND).exclude(automated_trigger="")
    sent_at = list(automated.values_list("sending_since", flat=True))
    if len(sent_at) < FAST_REPLY_LIMIT:
        return False
    received_at = messages.filter(direction=MessageDirection.INBOUND).values_list("created_at", flat=True)
    return len(sent_at) >= MAX_PER_DAY or is_automated_sender([at for at in sent_at if at], list(received_at))


def is_automated_sender(sent_at: Sequence[datetime], received_at: Sequence[datetime]) -> bool:
    """Return whether FAST_REPLY_LIMIT of our messages were answered within FAST_REPLY_TIME.

    Args:
        sent_at: Times of our automated messages.
        received_at: Times of the customer's messages.
    """
    fast_replies = [at for at in sent_at if any(at < reply <= at + FAST_REPLY_TIME for reply in received_at)]
    return len(fast_replies) >= FAST_REPLY_LIMIT


def _fill_slugs(text: str, conversation: Conversation, queue_position: int | None) -> str:
    """Return the text with its slugs replaced; unknown slugs are removed."""
    contact, agent = conversation.contact, conversation.agent
    values = {
        "AgentName": agent.user.get_full_name() if agent else "",
        "QueueName": conversation.queue.name,
        "CustomerName": contact.known_name,
        "OpensAt": _opening_time_text(conversation) if "OpensAt" in text else "",
        **{name: format_value(value) for name, value in conversation.context.items()},
        **({} if queue_position is None else {"Position": queue_position}),
    }
    return SLUG_PATTERN.sub(lambda slug: str(values.get(slug[1], "")), text).strip()


def _opening_time_text(conversation: Conversation) -> str:
    """Return the next opening in the number's time zone and the contact's language; "" if always open."""
    now, schedule = timezone.now(), operating_hours.build_schedule(conversation.number.operating_hours)
    opens_at = operating_hours.next_opening(schedule, now) if schedule else None
    if opens_at is None:
        return ""
    date_format = "l, H:i" if opens_at - now < timedelta(days=6) else "j F, H:i"
    with translation.override(_supported_language(conversation.contact)):
        return formats.date_format(opens_at, date_format)


def _supported_language(contact: Contact) -> str:
    for language in language_fallbacks(contact):
        if translation.check_for_language(language):
            return language
    return str(settings.LANGUAGE_CODE)
