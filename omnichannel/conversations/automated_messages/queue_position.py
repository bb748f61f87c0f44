"""Tell waiting customers their position in the queue, where a text for that is written."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from django.utils import timezone

from omnichannel.conversations.automated_messages import triggers
from omnichannel.conversations.models import AutomatedMessage, Conversation, Message, MessageTrigger
from routing import operating_hours

# Whoever gets an agent at once is not bothered with a number.
MIN_WAIT = timedelta(seconds=15)
MIN_INTERVAL = timedelta(minutes=3)
BATCH_SIZE = 200


def send_queue_positions(now: datetime | None = None) -> int:
    """Tell those whose position is new, or another one than they were told minutes ago; returns how many were told."""
    at = now or timezone.now()
    if not AutomatedMessage.objects.filter(trigger=MessageTrigger.QUEUE_POSITION, is_active=True).exists():
        return 0
    told = 0
    known = _last_sent_positions()
    for position, conversation in _waiting_in_order():
        last_position, last_at = known.get(conversation.pk, (None, None))
        is_news = last_at is None or (last_position != position and at - last_at >= MIN_INTERVAL)
        if is_news and _should_send(conversation, at):
            message = triggers.send_automated_message(
                MessageTrigger.QUEUE_POSITION, conversation, queue_position=position
            )
            told += message is not None
        if told == BATCH_SIZE:
            break
    return told


def _should_send(conversation: Conversation, at: datetime) -> bool:
    """Not by those who have an agent in a moment, and not while the number is closed: nobody counts down to morning."""
    waits = conversation.offered_to_id is None and at - conversation.queued_at >= MIN_WAIT
    return waits and operating_hours.is_open(operating_hours.build_schedule(conversation.number.operating_hours), at)


def _waiting_in_order() -> Iterator[tuple[int, Conversation]]:
    """Everybody who waits, queue by queue, the one who is next first."""
    waiting = Conversation.objects.waiting_for_agent().select_related(
        "contact", "queue", "agent__user", "number__operating_hours"
    )
    waiting = waiting.prefetch_related("number__operating_hours__periods", "number__operating_hours__holidays")
    for _, group in groupby(waiting.order_by("queue", "queued_at", "pk"), attrgetter("queue_id")):
        line = list(group)
        if line[0].queue.closing_windows_first:
            line.sort(key=lambda one: one.window_closes_at or one.queued_at)
        yield from enumerate(line, start=1)


def _last_sent_positions() -> dict[int, tuple[int | None, datetime]]:
    """The position each of them was told last, and when."""
    waiting = Conversation.objects.waiting_for_agent().order_by().values("pk")
    positions = Message.objects.filter(conversation__in=waiting, automated_trigger=MessageTrigger.QUEUE_POSITION)
    rows = positions.order_by("pk").values_list("conversation_id", "queue_position", "created_at")
    return {pk: (position, sent_at) for pk, position, sent_at in rows}
