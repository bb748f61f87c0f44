"""The deliveries that are due: which accounts have any, and how far behind they are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from channels_whatsapp.models import WebhookDelivery, WhatsAppAccount

# Timers must not act on a conversation whose customer has written meanwhile.
TIMERS_WAIT_AFTER: Final = timedelta(seconds=5)
# Applying has stopped when a due delivery waits this long and none has been applied for this long.
STUCK_AFTER: Final = timedelta(seconds=10)

# In plain SQL: an idle process runs this ten times a second, and Django would spend most of the time building it.
ANY_DUE_SQL = (
    f"SELECT 1 FROM {WhatsAppAccount._meta.db_table} account WHERE EXISTS"  # noqa: S608 (no value in it)
    f" (SELECT 1 FROM {WebhookDelivery._meta.db_table} WHERE account_id = account.id AND next_attempt_at <= %s) LIMIT 1"
)


@dataclass(frozen=True)
class Backlog:
    """The due deliveries of an account.

    Attributes:
        account_id: key of the account.
        due_since: when the oldest of them was due.
        progress_at: when a delivery of the account was last applied or found to fail; None if never.
    """

    account_id: int
    due_since: datetime
    progress_at: datetime | None

    def is_stuck(self, now: datetime) -> bool:
        """Return whether whoever applied the deliveries has stopped: perhaps one of them ended the process."""
        limit = now - STUCK_AFTER
        return self.due_since < limit and (self.progress_at is None or self.progress_at < limit)


def has_due_deliveries(late_by: timedelta = timedelta(0)) -> bool:
    """Return whether a delivery of any account is due since this long."""
    column = WebhookDelivery._meta.get_field("next_attempt_at")
    limit = column.get_db_prep_value(timezone.now() - late_by, connection)
    with connection.cursor() as cursor:
        cursor.execute(ANY_DUE_SQL, [limit])
        return cursor.fetchone() is not None


def get_backlogs(late_by: timedelta = timedelta(0)) -> list[Backlog]:
    """Return the accounts whose oldest due delivery is due since this long, the longest waiting first."""
    due = WebhookDelivery.objects.filter(account=OuterRef("pk"), next_attempt_at__isnull=False)
    oldest = due.order_by("next_attempt_at").values("next_attempt_at")[:1]
    accounts = WhatsAppAccount.objects.order_by().annotate(due_since=Subquery(oldest))
    late = accounts.filter(due_since__lte=timezone.now() - late_by).order_by("due_since")
    return [Backlog(*row) for row in late.values_list("pk", "due_since", "delivery_progress__progress_at")]


def get_late_account_ids() -> Collection[int]:
    """Return the accounts for which timers wait, because messages from their customers are not applied yet."""
    return [backlog.account_id for backlog in get_backlogs(TIMERS_WAIT_AFTER)]
