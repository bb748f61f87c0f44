"""Contacts, their addresses and merges, and labels."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from channels_whatsapp.identity import WHATSAPP_PREFIX, format_address, is_business_scoped
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.models.search import (
    NAME_FIELDS,
    ContactText,
    add_contact_words,
    iter_id_texts,
    iter_number_texts,
    store_contact_words,
    store_new_contact_words,
)
from omnichannel.core.text.single_line import single_line


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


class ContactQuerySet(models.QuerySet["Contact"]):
    """Contacts; their words for the search are stored with them."""

    def bulk_create(self, objs: Iterable["Contact"], *args: Any, **kwargs: Any) -> list["Contact"]:
        """Create contacts; with `ignore_conflicts` their keys are unknown, and the caller stores their words."""
        created = super().bulk_create(objs, *args, **kwargs)
        store_new_contact_words((contact for contact in created if contact.pk is not None), self.db)
        return created

    def update(self, **values: Any) -> int:
        if NAME_FIELDS.isdisjoint(values):
            return super().update(**values)
        keys = list(self.order_by().values_list("pk", flat=True))
        count = super().update(**values)
        store_contact_words(keys, self.db)
        return count


class ContactWordsQuerySet(models.QuerySet[Any]):
    """Additional numbers or ids of contacts; their words are added to those of the contacts."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        created = super().bulk_create(objs, *args, **kwargs)
        add_contact_words(created, self.db)
        return created


class Contact(models.Model):
    """A customer: a person with a phone number, business-scoped ids, or both."""

    name = models.CharField(max_length=200, blank=True, default="", help_text="Set by an agent.")
    profile_name = models.CharField(max_length=200, blank=True, default="")
    # The name that the person chose in WhatsApp, where it takes the place of the number.
    username = models.CharField(max_length=100, blank=True, default="")
    # The number, spelled as in the customer's last message, or the business-scoped id of a hidden number.
    address = models.CharField(max_length=140)
    # Equal for every spelling of one number, and null without a number; see channels_whatsapp.identity.
    identity = models.CharField(max_length=140, unique=True, null=True, blank=True)
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

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering = ["name", "profile_name", "pk"]

    def __str__(self) -> str:
        return self.display_name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save the words for the search with the names and the number."""
        is_new = self._state.adding
        super().save(*args, update_fields=update_fields, **kwargs)
        if is_new:
            store_new_contact_words([self], self._state.db or "default")
        elif update_fields is None or not NAME_FIELDS.isdisjoint(update_fields):
            store_contact_words([self.pk], self._state.db or "default")

    @property
    def known_name(self) -> str:
        """Return the name given by an agent, else the profile name, else the username; empty without any."""
        return single_line(self.name) or single_line(self.profile_name) or self.username

    @property
    def display_name(self) -> str:
        """Return the name, else the number, else neutral words: a business-scoped id is no name."""
        return self.known_name or self.display_number or gettext("WhatsApp user")

    @property
    def display_number(self) -> str:
        """Return the phone number in a readable format; empty when it is hidden."""
        return "" if is_business_scoped(self.address) else format_address(self.address)

    @property
    def display_handle(self) -> str:
        """Return what tells contacts of one name apart: the number, else the username; may be empty."""
        return self.display_number or (self.username if self.display_name != self.username else "")

    def get_recipient_address(self, number_id: int) -> str:
        """Return the address for messages from one of our numbers; empty when none is known to its account.

        A person with a hidden number has a business-scoped id for each account, and only that one reaches them.

        Args:
            number_id: key of our `WhatsAppNumber`.
        """
        if not is_business_scoped(self.address):
            return self.address
        own_ids = self.business_scoped_ids.filter(account__numbers=number_id).order_by("-pk")
        addresses = [WHATSAPP_PREFIX + own_id for own_id in own_ids.values_list("business_scoped_id", flat=True)]
        if self.address in addresses:
            return self.address
        extra = self.addresses.last()
        return next(iter(addresses), extra.address if extra else "")


class ContactBusinessId(models.Model):
    """WhatsApp's id of a contact for the business portfolio of one account.

    A person may get another one, for example with a new number; the former ones still identify them.
    """

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="business_scoped_ids")
    account = models.ForeignKey(WhatsAppAccount, models.CASCADE, related_name="+", db_index=False)
    # Without `whatsapp:`, as US.13491208655302741918.
    business_scoped_id = models.CharField(max_length=140)
    # The same person's id for all linked portfolios of a company; empty for most.
    parent_business_scoped_id = models.CharField(max_length=140, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ContactWordsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "business_scoped_id"], name="one_contact_per_account_and_business_scoped_id"
            )
        ]
        indexes = [
            # For messages of the same person to an account of a linked portfolio.
            models.Index(
                fields=["parent_business_scoped_id"],
                condition=~Q(parent_business_scoped_id=""),
                name="contacts_by_parent_id",
            )
        ]

    def __str__(self) -> str:
        return self.business_scoped_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        add_contact_words([self], self._state.db or "default")

    def iter_texts(self) -> Iterator[ContactText]:
        """Yield the texts by which the contact is found."""
        return iter_id_texts(self.business_scoped_id)


class ContactAddress(models.Model):
    """An additional number of a contact, from a merge of two contacts."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=140)
    identity = models.CharField(max_length=140, unique=True)

    objects = ContactWordsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return format_address(self.address)

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        add_contact_words([self], self._state.db or "default")

    def iter_texts(self) -> Iterator[ContactText]:
        """Yield the texts by which the contact is found."""
        return iter_number_texts(self.address, self.identity)


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
