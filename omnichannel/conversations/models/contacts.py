"""Contacts, their addresses and merges, and labels."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from channels_whatsapp.identity import format_address
from omnichannel.core.single_line import single_line


class LabelColor(models.TextChoices):
    """The colors of labels; each theme has its own shade of a color."""

    GRAY = "gray", "Gray"
    RED = "red", "Red"
    AMBER = "amber", "Amber"
    GREEN = "green", "Green"
    TEAL = "teal", "Teal"
    BLUE = "blue", "Blue"
    PURPLE = "purple", "Purple"
    PINK = "pink", "Pink"


class Label(models.Model):
    """A tag on conversations and contacts."""

    name = models.CharField(max_length=40, unique=True)
    color = models.CharField(max_length=10, choices=LabelColor, default=LabelColor.GRAY)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A customer. One row holds the phone number and the business-scoped id of the same person."""

    name = models.CharField(max_length=200, blank=True, default="", help_text="Set by an agent.")
    profile_name = models.CharField(max_length=200, blank=True, default="")
    # Replies go to this address, spelled as in the customer's last message.
    address = models.CharField(max_length=140)
    # Equal for every spelling of one number; see channels_whatsapp.identity.
    identity = models.CharField(max_length=140, unique=True)
    external_user_id = models.CharField(max_length=140, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    opted_out_at = models.DateTimeField(null=True, blank=True)
    # True: opted out with one of our opt-out words, and only an opt-in word lifts it. False: Twilio keeps the opt-out
    # and reports it as an error when we send.
    opted_out_by_word = models.BooleanField(default=False)
    blocked_at = models.DateTimeField(null=True, blank=True)
    # Values of `routing.ContactField`, by the field's name.
    fields = models.JSONField(default=dict, blank=True)
    labels = models.ManyToManyField(Label, related_name="contacts", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "profile_name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_user_id"],
                condition=~Q(external_user_id=""),
                name="one_contact_per_external_user_id",
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """Return the name given by an agent, else the profile name, else the number."""
        return single_line(self.name) or single_line(self.profile_name) or self.display_number

    @property
    def display_number(self) -> str:
        """Return the phone number in a readable format, or the business-scoped id."""
        return format_address(self.address)


class ContactAddress(models.Model):
    """An additional number or id of a contact, from a merge of two contacts."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=140)
    identity = models.CharField(max_length=140, unique=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return format_address(self.address)


class ContactMerge(models.Model):
    """A merge of two contacts, with everything that is needed to undo it."""

    target = models.ForeignKey(Contact, models.CASCADE, related_name="merges")
    # The contact that was merged into the target, field by field, and the ids of its conversations.
    source_snapshot = models.JSONField()
    source_conversation_ids = models.JSONField(default=list)
    # The target before and after the merge, and the open conversations that were joined.
    target_before = models.JSONField(default=dict)
    target_after = models.JSONField(default=dict)
    merged_conversations = models.JSONField(default=list)
    merged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    merged_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-merged_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.source_snapshot.get('name') or self.source_snapshot.get('address')} into {self.target}"
