"""Delete old events."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from omnichannel.events.models import Event

BATCH_SIZE = 1000  # rows of a statement: it must not delay other writers on SQLite
MAX_BATCHES = 200  # of a run; the next one deletes the rest


def delete_old_events() -> int:
    """Delete the events that are older than EVENT_RETENTION_DAYS; return how many there were.

    At most BATCH_SIZE × MAX_BATCHES: this is work that may wait.
    """
    before, total = timezone.now() - timedelta(days=settings.EVENT_RETENTION_DAYS), 0
    for _ in range(MAX_BATCHES):
        count = _delete_batch(before)
        total += count
        if count < BATCH_SIZE:
            break
    return total


def _delete_batch(before: datetime) -> int:
    oldest = Event.objects.filter(created_at__lt=before).order_by("created_at").values("pk")[:BATCH_SIZE]
    return Event.objects.filter(pk__in=oldest).delete()[0]
