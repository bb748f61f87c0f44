"""Forms of the dialogs in which an agent acts on one or more conversations."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.lifecycle import dispositions
from omnichannel.conversations.lifecycle.labels import (
    MAX_LABEL_LENGTH,
    LabelError,
    can_create_label,
    get_or_create_label,
)
from omnichannel.conversations.models import Conversation, DispositionCode, Label, Message, Priority
from omnichannel.conversations.notes import MAX_NOTE_LENGTH
from omnichannel.conversations.outbound.failed_replies import get_unseen_failures
from omnichannel.desk.dialogs.snooze_times import SnoozeOption, get_snooze_options
from routing.models import Agent

CUSTOM_TIME = "at"
MAX_NAMED_FAILURES = 3  # the thread has the others too


class DialogForm(forms.Form):
    """A form of a dialog about one or more conversations, filled in by an agent."""

    def __init__(self, *args: Any, conversations: Sequence[Conversation], agent: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conversations, self.agent = conversations, agent


class PriorityForm(DialogForm):
    """The priority of one or more conversations."""

    priority = forms.TypedChoiceField(choices=Priority, coerce=lambda value: Priority(int(value)))

    @property
    def current(self) -> int:
        """Return the priority all conversations have, or 0 when they differ."""
        values = {conversation.priority for conversation in self.conversations}
        return values.pop() if len(values) == 1 else 0

    @property
    def priorities(self) -> list[Priority]:
        return list(Priority)


class SnoozeForm(DialogForm):
    """The time until which to snooze: a suggested one or one the agent enters, in their time zone."""

    when = forms.CharField()
    at = forms.DateTimeField(
        required=False, error_messages={"invalid": _("Enter a date and time, for example 2026-11-23 09:00.")}
    )

    @property
    def options(self) -> list[SnoozeOption]:
        return get_snooze_options(timezone.now())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        suggested = {option.name: option.until for option in self.options}
        choice = cleaned.get("when")
        if choice == CUSTOM_TIME:
            if "at" in cleaned and cleaned["at"] is None:
                self.add_error("at", _("Choose a date and time."))
            cleaned["until"] = cleaned.get("at")
        elif choice in suggested:
            cleaned["until"] = suggested[choice]
        elif choice:
            self.add_error("when", _("This is no longer possible. Choose again."))
        until: datetime | None = cleaned.get("until")
        if until is not None and until <= timezone.now():
            self.add_error("at", _("Choose a time in the future."))
        return cleaned


class LabelsForm(DialogForm):
    """The labels to add and remove, and optionally one to create.

    `previous_labels` are the labels that were ticked when the dialog was shown, so that a label a colleague adds
    meanwhile stays.
    """

    labels = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)
    previous_labels = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)
    create = forms.BooleanField(required=False)
    name = forms.CharField(required=False, max_length=MAX_LABEL_LENGTH)

    @property
    def can_create(self) -> bool:
        return can_create_label(self.agent.user)

    @property
    def name_limit(self) -> int:
        return MAX_LABEL_LENGTH

    @property
    def search_hint(self) -> str | Promise:
        """Return the hint in the search field."""
        return _("Find or create a label") if self.can_create else _("Find a label")

    @property
    def choices(self) -> list[tuple[Label, bool]]:
        """Return each label and whether all conversations have it."""
        common = self.common_labels
        return [(label, label.pk in common) for label in Label.objects.all()]

    @property
    def common_labels(self) -> set[int]:
        """Return the ids of the labels that are ticked, at first those all conversations have."""
        if self.is_bound:
            return {label.pk for label in self.cleaned_data.get("labels", [])}
        through = Conversation.labels.through.objects.filter(conversation__in=self.conversations)
        counts = Counter(through.values_list("label", flat=True))
        return {pk for pk, count in counts.items() if count == len(self.conversations)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        ticked, previous = set(cleaned.get("labels", [])), set(cleaned.get("previous_labels", []))
        cleaned["add"], cleaned["remove"] = ticked - previous, previous - ticked
        if cleaned.get("create"):
            try:
                cleaned["add"].add(get_or_create_label(cleaned.get("name", ""), user=self.agent.user))
            except LabelError as refusal:
                self.add_error("name", str(refusal))
        return cleaned


class WrapUpForm(DialogForm):
    """The outcome of a conversation and a handover note, to close it; names replies that were not delivered."""

    codes = forms.ModelMultipleChoiceField(DispositionCode.objects.filter(is_active=True), required=False)
    note = forms.CharField(required=False, strip=False)

    note_limit = MAX_NOTE_LENGTH
    max_codes = dispositions.MAX_CODES

    @cached_property
    def failures(self) -> list[Message]:
        """The replies that were not delivered and to which nobody has reacted."""
        return list(get_unseen_failures(self.conversations)[:MAX_NAMED_FAILURES])

    def clean(self) -> dict[str, Any]:
        """Refuse once to close when the dialog has not named each failed reply: it may have failed in the meantime."""
        named = self.data.getlist("named_failures") if isinstance(self.data, QueryDict) else []
        if any(str(message.pk) not in named for message in self.failures):
            raise ValidationError(_("A reply was not delivered in the meantime. Check it, or close anyway."))
        return super().clean() or self.cleaned_data

    @property
    def choices(self) -> list[tuple[DispositionCode, bool]]:
        """Return each disposition code and whether it is ticked."""
        ticked = {code.pk for code in self.cleaned_data.get("codes", [])} if self.is_bound else set()
        return [(code, code.pk in ticked) for code in dispositions.active_disposition_codes()]

    @property
    def requires_code(self) -> bool:
        """Return whether at least one of the conversations can't be closed without a code."""
        return any(conversation.work_stream.disposition_required for conversation in self.conversations)


class ConfirmForm(DialogForm):
    """A form without fields: the agent only confirms."""


class CustomerLabelsForm(LabelsForm):
    """The labels of the conversation's customer, instead of the conversation's own."""

    @property
    def common_labels(self) -> set[int]:
        if self.is_bound:
            return super().common_labels
        return set(self.conversations[0].contact.labels.values_list("pk", flat=True))
