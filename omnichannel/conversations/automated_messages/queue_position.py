"""Send waiting customers their position in the queue, if there is an automated message for it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from django.utils import timezone

from channels_whatsapp.webhooks.backlog import get_late_account_ids
from omnichannel.conversations.automated_messages import triggers
from omnichannel.conversations.models import AutomatedMessage, Conversation, Message, MessageTrigger
from routing import operating_hours

# A customer who gets an agent at once is not sent a position.
MIN_WAIT = timedelta(seconds=15)
MIN_INTERVAL = timedelta(minutes=3)
BATCH_SIZE = 200


def send_queue_positions(now: datetime | None = None) -> int:
    """Send positions to customers who have not had one, or whose position changed since the last message.

    Returns:
        The number of messages, at most BATCH_SIZE.
    """
    at = now or timezone.now()
    if not AutomatedMessage.objects.filter(trigger=MessageTrigger.QUEUE_POSITION, is_active=True).exists():
        return 0
    sent_count = 0
    # Their customers may have written meanwhile.
    late_account_ids = get_late_account_ids()
    last_sent = _last_sent_positions()
    for position, conversation in _waiting_in_order():
        last_position, last_at = last_sent.get(conversation.pk, (None, None))
        is_new = last_at is None or (last_position != position and at - last_at >= MIN_INTERVAL)
        is_late = conversation.number.account_id in late_account_ids
        if is_new and not is_late and _should_send(conversation, at):
            message = triggers.send_automated_message(
                MessageTrigger.QUEUE_POSITION, conversation, queue_position=position
            )
            sent_count += message is not None
        if sent_count == BATCH_SIZE:
            break
    return sent_count


def _should_send(conversation: Conversation, at: datetime) -> bool:
    """Return whether the customer has waited a while without an offer, and the number is open."""
    is_waiting = conversation.offered_to_id is None and at - conversation.queued_at >= MIN_WAIT
    schedule = operating_hours.build_schedule(conversation.number.operating_hours)
    return is_waiting and operating_hours.is_open(schedule, at)


def _waiting_in_order() -> Iterator[tuple[int, Conversation]]:
    """Yield all waiting conversations with their positions, queue by queue, the next one first."""
    waiting = Conversation.objects.waiting_for_agent().select_related(
        "contact", "queue", "agent__user", "number__operating_hours"
    )
    waiting = waiting.prefetch_related("number__operating_hours__periods", "number__operating_hours__holidays")
    for _, group in groupby(waiting.order_by("queue", "queued_at", "pk"), attrgetter("queue_id")):
        conversations = list(group)
        if conversations[0].queue.closing_windows_first:
            conversations.sort(key=lambda conversation: conversation.window_closes_at or conversation.queued_at)
        yield from enumerate(conversations, start=1)


def _last_sent_positions() -> dict[int, tuple[int | None, datetime]]:
    """Return the last position sent to each waiting customer and its time, by conversation."""
    waiting = Conversation.objects.waiting_for_agent().order_by().values("pk")
    positions = Message.objects.filter(conversation__in=waiting, automated_trigger=MessageTrigger.QUEUE_POSITION)
    rows = positions.order_by("pk").values_list("conversation_id", "queue_position", "created_at")
    return {pk: (position, sent_at) for pk, position, sent_at in rows}
