"""What the desk says by itself: greeting, closed, agent assigned, position in the queue, ended, overflow, opt-out.

Nothing is said for which no text is written. What is said goes out inside the 24-hour window, never to customers who
are blocked or have opted out (but for the confirmation of that), once in a conversation for each trigger, and no later
than two minutes after its reason: a greeting after an outage is none. Against loops with other programs: at most ten
such messages to a customer in 24 hours, and none to one who has answered two of them within two seconds each.

It has a lane of its own, so that a fault here holds up nothing else.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import formats, timezone, translation

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
# No person reads a message and answers it so fast; once may be chance, because they were writing anyway.
FAST_REPLY_TIME, FAST_REPLY_LIMIT = timedelta(seconds=2), 2

GREETING_TRIGGERS = (MessageTrigger.GREETING, MessageTrigger.OUT_OF_HOURS, MessageTrigger.HOLIDAY)
REPEATED_TRIGGERS = (MessageTrigger.OPTED_OUT, MessageTrigger.OPTED_IN, MessageTrigger.QUEUE_POSITION)
SLUG_PATTERN = re.compile(r"\{\$?(\w+)\$?\}")


def send_due_messages(lease: Lease) -> datetime | None:
    """Send the automated messages that are requested in a conversation.

    Returns:
        When to look again, while the queue of a new conversation is not known yet.
    """
    related = ("contact", "number__operating_hours", "queue", "agent__user")
    conversation = Conversation.objects.select_related(*related).filter(pk=lease.key).first()
    now = timezone.now()
    if conversation is None:  # merged into another one
        return None
    if _is_being_routed(conversation, now):
        return now + timedelta(seconds=1)
    for request in conversation.automated_message_requests.order_by("requested_at", "pk"):
        trigger = _current_trigger(request, conversation, now)
        if trigger is not None:
            send_automated_message(trigger, conversation, request=request)
        # Not when it was requested again meanwhile: the lane runs once more then.
        AutomatedMessageRequest.objects.filter(pk=request.pk, requested_at=request.requested_at).delete()
    return None


def _current_trigger(
    request: AutomatedMessageRequest, conversation: Conversation, now: datetime
) -> MessageTrigger | None:
    """Return the trigger whose text is sent for a request; None when its reason is too old or no longer holds."""
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

    Call it with nothing of the conversation locked: a reply locks the lane before the conversation, and the other way
    round the two would deadlock.

    Args:
        request: The request it answers; deleted in the same transaction, so that a crash sends nothing twice.
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
    """The text of the work stream, else the one for all; in the customer's language, else for any; None without one."""
    streams = Q(work_stream=conversation.work_stream_id) | Q(work_stream=None)
    spoken = language_fallbacks(conversation.contact)
    texts = [
        (one.work_stream_id is None, spoken.index(_normalize_language(one.language)), one.text)
        for one in AutomatedMessage.objects.filter(streams, trigger=trigger, is_active=True)
        if _normalize_language(one.language) in spoken
    ]
    return min(texts)[2] if texts else None


def language_fallbacks(contact: Contact) -> Sequence[str]:
    """From the most exact: `pt-br`, `pt`, and "" for any."""
    parts = [part for part in _normalize_language(contact.language).split("-") if part]
    return [*("-".join(parts[:count]) for count in range(len(parts), 0, -1)), ""]


def _normalize_language(language: str) -> str:
    return language.strip().lower().replace("_", "-")


def _is_being_routed(conversation: Conversation, now: datetime) -> bool:
    """Whether its queue may still change; a fault in routing does not keep the customer waiting for a greeting."""
    is_new = now - conversation.created_at < ROUTING_GRACE_PERIOD
    return is_new and Lane.objects.filter(kind=LaneKind.ROUTE, key=conversation.pk).exists()


def _greeting_trigger(conversation: Conversation, now: datetime) -> MessageTrigger:
    """The greeting, or that nobody is there; on a holiday without words of its own, the words for closed hours."""
    opening = operating_hours.build_schedule(conversation.number.operating_hours)
    if operating_hours.is_open(opening, now):
        return MessageTrigger.GREETING
    is_holiday = operating_hours.get_holiday_name(opening, now) is not None and find_text(
        MessageTrigger.HOLIDAY, conversation
    )
    return MessageTrigger.HOLIDAY if is_holiday else MessageTrigger.OUT_OF_HOURS


def _was_sent(trigger: MessageTrigger, conversation: Conversation) -> bool:
    """Return whether it was sent in this conversation before; opt-outs and positions may be sent repeatedly."""
    if trigger in REPEATED_TRIGGERS:
        return False
    same = GREETING_TRIGGERS if trigger in GREETING_TRIGGERS else (trigger,)
    return conversation.messages.filter(automated_trigger__in=same).exists()


def _has_reached_limit(contact: Contact) -> bool:
    """Whether this customer has had as many as anybody gets in 24 hours, or is a program that answers them."""
    messages = Message.objects.filter(conversation__contact=contact, created_at__gte=timezone.now() - LIMIT_PERIOD)
    ours = messages.filter(direction=MessageDirection.OUTBOUND).exclude(automated_trigger="")
    sent = list(ours.values_list("sending_since", flat=True))
    if len(sent) < FAST_REPLY_LIMIT:
        return False
    theirs = messages.filter(direction=MessageDirection.INBOUND).values_list("created_at", flat=True)
    return len(sent) >= MAX_PER_DAY or is_automated_sender([at for at in sent if at], list(theirs))


def is_automated_sender(ours: Sequence[datetime], theirs: Sequence[datetime]) -> bool:
    """Whether too many of our messages were answered too fast."""
    answered = [at for at in ours if any(at < answer <= at + FAST_REPLY_TIME for answer in theirs)]
    return len(answered) >= FAST_REPLY_LIMIT


def _fill_slugs(text: str, conversation: Conversation, queue_position: int | None) -> str:
    """The text with its slugs filled in; those that are not known are left out."""
    contact, agent = conversation.contact, conversation.agent
    values = {
        "AgentName": agent.user.get_full_name() if agent else "",
        "QueueName": conversation.queue.name,
        "CustomerName": contact.name or contact.profile_name,
        "OpensAt": _opening_time_text(conversation) if "OpensAt" in text else "",
        **{name: format_value(value) for name, value in conversation.context.items()},
        **({} if queue_position is None else {"Position": queue_position}),
    }
    return SLUG_PATTERN.sub(lambda slug: str(values.get(slug[1], "")), text).strip()


def _opening_time_text(conversation: Conversation) -> str:
    """When the number is open again, on its own clock, in the customer's language; "" when it always is."""
    now, opening = timezone.now(), operating_hours.build_schedule(conversation.number.operating_hours)
    opens = operating_hours.next_opening(opening, now) if opening else None
    if opens is None:
        return ""
    shape = "l, H:i" if opens - now < timedelta(days=6) else "j F, H:i"
    with translation.override(_supported_language(conversation.contact)):
        return formats.date_format(opens, shape)


def _supported_language(contact: Contact) -> str:
    for language in language_fallbacks(contact):
        if translation.check_for_language(language):
            return language
    return str(settings.LANGUAGE_CODE)
