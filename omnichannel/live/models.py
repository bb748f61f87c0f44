"""What open pages are told."""

from django.db import models


class LiveEvent(models.Model):
    """A hint that something changed, for every open page that listens to one of its topics.

    It says what kind of thing changed and which one; pages fetch the thing itself, through the views that check access.
    """

    kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    part_id = models.BigIntegerField(null=True)
    topics = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)  # housekeeping deletes old ones

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
