"""What the desk says by itself: greeting, closed, agent assigned, position in the queue, ended, overflow, opt-out.

Nothing is said for which no text is written. What is said goes out inside the 24-hour window, never to customers who
are blocked or have opted out (but for the confirmation of that), once in a conversation for each trigger, and no later
than two minutes after its reason: a greeting after an outage is none. Against loops with other processes: at most ten
such messages to a customer in 24 hours, and none to one who has answered two of them within two seconds each.

It has a lane of its own, so that a fault here holds up nothing else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min, Q
from django.utils import formats, timezone, translation

from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import (
    AutomatedMessage,
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
# No person may_read a message and answers it so fast; once may be chance, because they were writing anyway.
FAST_REPLY_TIME, FAST_REPLY_LIMIT = timedelta(seconds=2), 2

# Who was written to first is not greeted.
STARTED_BY_AGENT = "started"
GREETING_TRIGGERS = (MessageTrigger.GREETING, MessageTrigger.OUT_OF_HOURS, MessageTrigger.HOLIDAY)
OPT_OUT_TRIGGERS = (MessageTrigger.OPTED_OUT, MessageTrigger.OPTED_IN)
SLUG_PATTERN = re.compile(r"\{\$?(\w+)\$?\}")


def send_due_messages(lease: Lease) -> datetime | None:
    """Say what is due in this conversation; says when to look again while its queue is not known yet."""
    found = Conversation.objects.select_related("contact", "number__operating_hours", "queue", "agent__user")
    conversation, now = found.filter(pk=lease.key).first(), timezone.now()
    if conversation is None:  # joined to another one
        return None
    if _is_being_routed(conversation, now):
        return now + timedelta(seconds=1)
    for trigger in _due_triggers(conversation, now):
        send_automated_message(trigger, conversation)
    return None


def send_automated_message(trigger: MessageTrigger, conversation: Conversation, **slugs: object) -> Message | None:
    """Queue the text for this trigger; None when there is no text, or when it must not be sent.

    `slugs` fill in more than the conversation itself tells. Call it with nothing of the conversation locked: a reply
    locks the lane before the conversation, and the other way round the two would deadlock.
    """
    text = find_text(trigger, conversation)
    body = _fill_slugs(text, conversation, slugs) if text else ""
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
        marks = {
            compose.AUTOMATED_KEY: trigger.value,
            **({"position": slugs["Position"]} if "Position" in slugs else {}),
        }
        return compose.queue_message(locked, body=body[: compose.TEXT_LIMIT], content=marks)


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


def _due_triggers(conversation: Conversation, now: datetime) -> Iterator[MessageTrigger]:
    """What the timeline of the last two minutes calls for, in the order it is said."""
    kinds = [STARTED_BY_AGENT, State.ACTIVE.value, State.WRAP_UP.value, MessageTrigger.OVERFLOW, *OPT_OUT_TRIGGERS]
    seen = conversation.events.filter(kind__in=kinds).order_by().values_list("kind")
    happened = {kind: (first, last) for kind, first, last in seen.annotate(Min("created_at"), Max("created_at"))}

    def is_fresh(kind: str, *, again: bool = False) -> bool:
        return kind in happened and happened[kind][again] >= now - MAX_DELAY

    is_new = conversation.created_at >= now - MAX_DELAY and STARTED_BY_AGENT not in happened
    if is_new and conversation.state != State.CLOSED:
        yield _greeting_trigger(conversation, now)
    if is_fresh(State.ACTIVE) and conversation.state == State.ACTIVE:
        yield MessageTrigger.AGENT_ASSIGNED
    if is_fresh(State.WRAP_UP):
        yield MessageTrigger.CONVERSATION_ENDED
    if is_fresh(MessageTrigger.OVERFLOW):
        yield MessageTrigger.OVERFLOW
    has_opted_out = conversation.contact.opted_out_at is not None
    news = MessageTrigger.OPTED_OUT if has_opted_out else MessageTrigger.OPTED_IN
    if is_fresh(news, again=True):
        yield news


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
    """Whether it has been said here; an opt-out is confirmed each time, a position has its own rule."""
    if trigger == MessageTrigger.QUEUE_POSITION:
        return False
    same = GREETING_TRIGGERS if trigger in GREETING_TRIGGERS else (trigger,)
    said = conversation.messages.filter(content__automated__in=[one.value for one in same])
    if trigger in OPT_OUT_TRIGGERS:
        event = conversation.events.filter(kind=trigger.value).last()
        said = said.filter(created_at__gte=event.created_at) if event else said
    return said.exists()


def _has_reached_limit(contact: Contact) -> bool:
    """Whether this customer has had as many as anybody gets in 24 hours, or is a program that answers them."""
    messages = Message.objects.filter(conversation__contact=contact, created_at__gte=timezone.now() - LIMIT_PERIOD)
    ours = messages.filter(direction=MessageDirection.OUTBOUND, content__has_key=compose.AUTOMATED_KEY)
    sent = list(ours.values_list("sending_since", flat=True))
    if len(sent) < FAST_REPLY_LIMIT:
        return False
    theirs = messages.filter(direction=MessageDirection.INBOUND).values_list("created_at", flat=True)
    return len(sent) >= MAX_PER_DAY or is_automated_sender([at for at in sent if at], list(theirs))


def is_automated_sender(ours: Sequence[datetime], theirs: Sequence[datetime]) -> bool:
    """Whether too many of our messages were answered too fast."""
    answered = [at for at in ours if any(at < answer <= at + FAST_REPLY_TIME for answer in theirs)]
    return len(answered) >= FAST_REPLY_LIMIT


def _fill_slugs(text: str, conversation: Conversation, slugs: Mapping[str, object]) -> str:
    """The text with its slugs filled in; those that are not known are left out."""
    contact, agent = conversation.contact, conversation.agent
    values = {
        "AgentName": agent.user.get_full_name() if agent else "",
        "QueueName": conversation.queue.name,
        "CustomerName": contact.name or contact.profile_name,
        "OpensAt": _opening_time_text(conversation) if "OpensAt" in text else "",
        **{name: format_value(value) for name, value in conversation.context.items()},
        **slugs,
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
