"""Tools of the agents: quick replies, preferences, and the viewers of a conversation."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from omnichannel.conversations.models.conversations import Conversation
from routing.models import Agent, WorkStream


class QuickReplyTag(models.Model):
    """A tag by which quick replies are searched."""

    name = models.CharField(max_length=40, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class QuickReply(models.Model):
    """A text that agents can insert into a reply: personal when it has an owner, else shared."""

    title = models.CharField(max_length=100)
    locale = models.CharField(max_length=10, default="en", help_text="For example en, de, pt-BR.")
    message = models.TextField(max_length=1600)
    tags = models.ManyToManyField(QuickReplyTag, related_name="quick_replies", blank=True)
    work_streams = models.ManyToManyField(
        WorkStream, related_name="quick_replies", blank=True, help_text="Leave empty for all work streams."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="quick_replies", null=True, blank=True, editable=False
    )

    class Meta:
        verbose_name = "quick reply"
        verbose_name_plural = "quick replies"
        ordering = ["title", "locale"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "title", "locale"], name="one_personal_quick_reply_of_a_title"),
            models.UniqueConstraint(
                fields=["title", "locale"], condition=Q(owner=None), name="one_quick_reply_of_a_title_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class DeskPreferences(models.Model):
    """An agent's settings for the desk."""

    agent = models.OneToOneField(Agent, models.CASCADE, related_name="preferences")
    enter_sends = models.BooleanField("Enter sends the message", default=True)
    can_undo_sending = models.BooleanField("wait three seconds before sending, to undo it", default=True)
    plays_sounds = models.BooleanField("play a soft sound", default=True)
    shows_notifications = models.BooleanField("show a notification when the page is in the background", default=False)
    uses_shortcuts = models.BooleanField("single keys are shortcuts", default=True)

    class Meta:
        verbose_name_plural = "desk preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.agent}"


class Viewer(models.Model):
    """An agent who has a conversation open and may be typing; a row expires unless it is renewed."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="viewers", db_index=False)
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    typing_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "agent"], name="one_viewer_row_per_agent")]

    def __str__(self) -> str:
        return f"{self.agent} looks at {self.conversation}"
