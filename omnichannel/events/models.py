"""Model of events: the durable table of what happened."""

from typing import Any

from django.db import models
from django.db.models import BigIntegerField, Func, Q


class CurrentTransactionId(Func):
    """The id of the transaction that inserts the row; 0 on SQLite, which commits in the order of row ids."""

    output_field = BigIntegerField()

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[()]]:
        return "0", ()

    def as_postgresql(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[()]]:
        return "pg_current_xact_id()::text::bigint", ()


class Event(models.Model):
    """Something that happened, written in the transaction that made it happen.

    The event stream passes it to open pages as a hint; other programs receive it too. It names objects and holds little
    about them: a reader fetches the object itself through a function that checks access.
    """

    # Ids are not committed in order on PostgreSQL; by this column `snapshots` detects what is new to a reader.
    transaction_id = models.BigIntegerField(db_default=CurrentTransactionId())
    kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    part_id = models.BigIntegerField(null=True)
    topics = models.JSONField(default=list)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # `snapshots.fetch_new_events` and `fetch_events_after` on PostgreSQL. On SQLite every id is 0 and the
            # index is empty.
            models.Index(fields=["transaction_id"], name="events_by_transaction", condition=Q(transaction_id__gt=0)),
            # `retention.delete_old_events`: the oldest first; `snapshots.find_position_before`: the last seconds.
            models.Index(fields=["created_at"], name="events_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
