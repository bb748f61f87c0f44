"""Model of live events."""

from django.db import models


class LiveEvent(models.Model):
    """A hint that an object changed, for every open page that listens to one of its topics.

    It holds only the kind and id of the object; pages fetch the object itself through views that check access.
    """

    kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    part_id = models.BigIntegerField(null=True)
    topics = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)  # a periodic job deletes old ones

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
