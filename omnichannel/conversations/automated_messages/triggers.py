"""What the desk says by itself: greeting, closed, agent assigned, position in the queue, ended, overflow, opt-out.

Nothing is said for which no text is written. What is said goes out inside the 24-hour window, never to customers who
are blocked or have opted out (but for the confirmation of that), once in a conversation for each trigger, and no later
than two minutes after its reason: a greeting after an outage is none. Against loops with other programs: at most ten
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
    Direction,
    Message,
    Trigger,
)
from omnichannel.conversations.outbound import compose
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from routing import hours
from routing.models import State
from routing.values import shown

NOT_LATER = timedelta(minutes=2)
ROUTING_MAY_TAKE = timedelta(seconds=10)
DAY = timedelta(hours=24)
MOST_IN_A_DAY = 10
# No person reads a message and answers it so fast; once may be chance, because they were writing anyway.
TOO_FAST, TOO_OFTEN = timedelta(seconds=2), 2

# Who was written to first is not greeted.
STARTED_BY_US = "started"
FIRST_WORDS = (Trigger.GREETING, Trigger.OUT_OF_HOURS, Trigger.HOLIDAY)
ABOUT_OPT_OUT = (Trigger.OPTED_OUT, Trigger.OPTED_IN)
SLUG = re.compile(r"\{\$?(\w+)\$?\}")


def speak(lease: Lease) -> datetime | None:
    """Say what is due in this conversation; says when to look again while its queue is not known yet."""
    found = Conversation.objects.select_related("contact", "number__operating_hours", "queue", "agent__user")
    conversation, now = found.filter(pk=lease.key).first(), timezone.now()
    if conversation is None:  # joined to another one
        return None
    if _is_being_routed(conversation, now):
        return now + timedelta(seconds=1)
    for trigger in _due(conversation, now):
        say(trigger, conversation)
    return None


def say(trigger: Trigger, conversation: Conversation, **slugs: object) -> Message | None:
    """Queue the text for this trigger; None when there is no text, or when it must not be sent.

    `slugs` fill in more than the conversation itself tells. Call it with nothing of the conversation locked: a reply
    locks the lane before the conversation, and the other way round the two would deadlock.
    """
    text = text_for(trigger, conversation)
    body = _filled(text, conversation, slugs) if text else ""
    if not body:
        return None
    with transaction.atomic():
        locked = compose.locked_to_send(conversation.pk)
        if compose.why_not(locked, automated=trigger) or _said(trigger, locked) or _enough(locked.contact):
            return None
        marks = {compose.AUTOMATED: trigger.value, **({"position": slugs["Position"]} if "Position" in slugs else {})}
        return compose.queue_message(locked, body=body[: compose.TEXT_LIMIT], content=marks)


def text_for(trigger: Trigger, conversation: Conversation) -> str | None:
    """The text of the work stream, else the one for all; in the customer's language, else for any; None without one."""
    streams = Q(work_stream=conversation.work_stream_id) | Q(work_stream=None)
    spoken = languages_of(conversation.contact)
    texts = [
        (one.work_stream_id is None, spoken.index(_plain(one.language)), one.text)
        for one in AutomatedMessage.objects.filter(streams, trigger=trigger, is_active=True)
        if _plain(one.language) in spoken
    ]
    return min(texts)[2] if texts else None


def languages_of(contact: Contact) -> Sequence[str]:
    """From the most exact: `pt-br`, `pt`, and "" for any."""
    parts = [part for part in _plain(contact.language).split("-") if part]
    return [*("-".join(parts[:count]) for count in range(len(parts), 0, -1)), ""]


def _plain(language: str) -> str:
    return language.strip().lower().replace("_", "-")


def _is_being_routed(conversation: Conversation, now: datetime) -> bool:
    """Whether its queue may still change; a fault in routing does not keep the customer waiting for a greeting."""
    is_new = now - conversation.created_at < ROUTING_MAY_TAKE
    return is_new and Lane.objects.filter(kind=LaneKind.ROUTE, key=conversation.pk).exists()


def _due(conversation: Conversation, now: datetime) -> Iterator[Trigger]:
    """What the timeline of the last two minutes calls for, in the order it is said."""
    kinds = [STARTED_BY_US, State.ACTIVE.value, State.WRAP_UP.value, Trigger.OVERFLOW, *ABOUT_OPT_OUT]
    seen = conversation.events.filter(kind__in=kinds).order_by().values_list("kind")
    happened = {kind: (first, last) for kind, first, last in seen.annotate(Min("created_at"), Max("created_at"))}

    def is_fresh(kind: str, *, again: bool = False) -> bool:
        return kind in happened and happened[kind][again] >= now - NOT_LATER

    is_new = conversation.created_at >= now - NOT_LATER and STARTED_BY_US not in happened
    if is_new and conversation.state != State.CLOSED:
        yield _first_words(conversation, now)
    if is_fresh(State.ACTIVE) and conversation.state == State.ACTIVE:
        yield Trigger.AGENT_ASSIGNED
    if is_fresh(State.WRAP_UP):
        yield Trigger.ENDED
    if is_fresh(Trigger.OVERFLOW):
        yield Trigger.OVERFLOW
    has_opted_out = conversation.contact.opted_out_at is not None
    news = Trigger.OPTED_OUT if has_opted_out else Trigger.OPTED_IN
    if is_fresh(news, again=True):
        yield news


def _first_words(conversation: Conversation, now: datetime) -> Trigger:
    """The greeting, or that nobody is there; on a holiday without words of its own, the words for closed hours."""
    opening = hours.of(conversation.number.operating_hours)
    if hours.is_open(opening, now):
        return Trigger.GREETING
    is_holiday = hours.holiday(opening, now) is not None and text_for(Trigger.HOLIDAY, conversation)
    return Trigger.HOLIDAY if is_holiday else Trigger.OUT_OF_HOURS


def _said(trigger: Trigger, conversation: Conversation) -> bool:
    """Whether it has been said here; an opt-out is confirmed each time, a position has its own rule."""
    if trigger == Trigger.POSITION:
        return False
    same = FIRST_WORDS if trigger in FIRST_WORDS else (trigger,)
    said = conversation.messages.filter(content__automated__in=[one.value for one in same])
    if trigger in ABOUT_OPT_OUT:
        event = conversation.events.filter(kind=trigger.value).last()
        said = said.filter(created_at__gte=event.created_at) if event else said
    return said.exists()


def _enough(contact: Contact) -> bool:
    """Whether this customer has had as many as anybody gets in 24 hours, or is a program that answers them."""
    messages = Message.objects.filter(conversation__contact=contact, created_at__gte=timezone.now() - DAY)
    ours = messages.filter(direction=Direction.OUTBOUND, content__has_key=compose.AUTOMATED)
    sent = list(ours.values_list("sending_since", flat=True))
    if len(sent) < TOO_OFTEN:
        return False
    theirs = messages.filter(direction=Direction.INBOUND).values_list("created_at", flat=True)
    return len(sent) >= MOST_IN_A_DAY or is_a_program([at for at in sent if at], list(theirs))


def is_a_program(ours: Sequence[datetime], theirs: Sequence[datetime]) -> bool:
    """Whether too many of our messages were answered too fast."""
    answered = [at for at in ours if any(at < answer <= at + TOO_FAST for answer in theirs)]
    return len(answered) >= TOO_OFTEN


def _filled(text: str, conversation: Conversation, slugs: Mapping[str, object]) -> str:
    """The text with its slugs filled in; those that are not known are left out."""
    contact, agent = conversation.contact, conversation.agent
    values = {
        "AgentName": agent.user.get_full_name() if agent else "",
        "QueueName": conversation.queue.name,
        "CustomerName": contact.name or contact.profile_name,
        "OpensAt": _opens_at(conversation) if "OpensAt" in text else "",
        **{name: shown(value) for name, value in conversation.context.items()},
        **slugs,
    }
    return SLUG.sub(lambda slug: str(values.get(slug[1], "")), text).strip()


def _opens_at(conversation: Conversation) -> str:
    """When the number is open again, on its own clock, in the customer's language; "" when it always is."""
    now, opening = timezone.now(), hours.of(conversation.number.operating_hours)
    opens = hours.next_opening(opening, now) if opening else None
    if opens is None:
        return ""
    shape = "l, H:i" if opens - now < timedelta(days=6) else "j F, H:i"
    with translation.override(_known_language(conversation.contact)):
        return formats.date_format(opens, shape)


def _known_language(contact: Contact) -> str:
    for language in languages_of(contact):
        if translation.check_for_language(language):
            return language
    return str(settings.LANGUAGE_CODE)
