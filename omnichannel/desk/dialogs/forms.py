"""What is asked before something is done with a conversation, or with several: the dialogs' forms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.access import agents_at_work
from omnichannel.conversations.assignment import pick, supervise
from omnichannel.conversations.assignment import transfer as transferring
from omnichannel.conversations.assignment.supervise import GONE
from omnichannel.conversations.assignment.transfer import NO_REASON, REASON_LIMIT
from omnichannel.conversations.lifecycle import close, dispositions, snooze
from omnichannel.conversations.lifecycle import labels as labelling
from omnichannel.conversations.lifecycle import priority as priorities
from omnichannel.conversations.models import Conversation, DispositionCode, Label, Priority
from omnichannel.conversations.notes import TEXT_LIMIT
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.conversations.state_machine import require_agent
from omnichannel.desk.dialogs.snooze_times import SnoozeTime, snooze_times
from routing.models import Agent, Queue

TYPED = "at"


class AskedForm(forms.Form):
    """A form about these conversations, for this agent."""

    def __init__(self, *args: Any, conversations: Sequence[Conversation], agent: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conversations, self.agent = conversations, agent


class PriorityForm(AskedForm):
    priority = forms.TypedChoiceField(choices=Priority, coerce=lambda value: Priority(int(value)))

    @property
    def now(self) -> int:
        """What all of them have now; 0 where they differ."""
        found = {one.priority for one in self.conversations}
        return found.pop() if len(found) == 1 else 0

    @property
    def priorities(self) -> list[Priority]:
        return list(Priority)


class SnoozeForm(AskedForm):
    """One of the times offered, or one that was typed, in the agent's zone."""

    when = forms.CharField()
    at = forms.DateTimeField(
        required=False, error_messages={"invalid": _("Write a day and a time, as 2026-11-23 09:00.")}
    )

    @property
    def times(self) -> list[SnoozeTime]:
        return snooze_times(timezone.now())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        offered = {one.name: one.at for one in self.times}
        when = cleaned.get("when")
        if when == TYPED:
            if "at" in cleaned and cleaned["at"] is None:
                self.add_error("at", _("Choose a day and a time."))
            cleaned["until"] = cleaned.get("at")
        elif when in offered:
            cleaned["until"] = offered[when]
        elif when:
            self.add_error("when", _("That is no longer possible. Choose again."))
        until: datetime | None = cleaned.get("until")
        if until is not None and until <= timezone.now():
            self.add_error("at", _("Choose a time that is still to come."))
        return cleaned


class LabelsForm(AskedForm):
    """The labels that are ticked, out of those that were ticked when it was shown, and perhaps a new one."""

    labels = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)
    before = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)
    create = forms.BooleanField(required=False)
    name = forms.CharField(required=False, max_length=labelling.LONGEST_NAME)

    @property
    def may_create(self) -> bool:
        return labelling.may_create(self.agent.user)

    @property
    def longest(self) -> int:
        return labelling.LONGEST_NAME

    @property
    def search_hint(self) -> str | Promise:
        """What can be typed into the search field."""
        return _("Find a label, or name a new one") if self.may_create else _("Find a label")

    @property
    def choices(self) -> list[tuple[Label, bool]]:
        """Every label, and whether all of these have it."""
        return [(one, one.pk in self.on_all) for one in Label.objects.all()]

    @property
    def on_all(self) -> set[int]:
        """The labels all of these have."""
        if self.is_bound:
            return {one.pk for one in self.cleaned_data.get("labels", [])}
        through = Conversation.labels.through.objects.filter(conversation__in=self.conversations)
        found: dict[int, int] = {}
        for pk in through.values_list("label", flat=True):
            found[pk] = found.get(pk, 0) + 1
        return {pk for pk, count in found.items() if count == len(self.conversations)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        ticked, before = set(cleaned.get("labels", [])), set(cleaned.get("before", []))
        cleaned["add"], cleaned["remove"] = ticked - before, before - ticked
        if cleaned.get("create"):
            try:
                cleaned["add"].add(labelling.label_called(cleaned.get("name", ""), by=self.agent.user))
            except labelling.LabelRefused as why:
                self.add_error("name", str(why))
        return cleaned


class WrapUpForm(AskedForm):
    """What the conversation came to, and a last note."""

    codes = forms.ModelMultipleChoiceField(DispositionCode.objects.filter(is_active=True), required=False)
    note = forms.CharField(required=False, strip=False)

    note_limit = TEXT_LIMIT
    most_codes = dispositions.MOST_CODES

    @property
    def choices(self) -> list[tuple[DispositionCode, bool]]:
        ticked = {one.pk for one in self.cleaned_data.get("codes", [])} if self.is_bound else set()
        return [(one, one.pk in ticked) for one in dispositions.codes_to_choose()]

    @property
    def is_required(self) -> bool:
        """Whether one of these can't be closed without a code."""
        return any(one.work_stream.disposition_required for one in self.conversations)


class PlainForm(AskedForm):
    """Nothing is asked but whether it is meant."""


class WhereToForm(AskedForm):
    """To which colleague or queue they go; which of them may go there, each one's own rules say."""

    to = forms.ChoiceField(error_messages={"required": _("Choose one first."), "invalid_choice": _("Choose again.")})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = agents_at_work().exclude(presence__base_status__in=GONE).order_by("user__first_name", "user__username")
        self.agents, self.queues = list(there), list(Queue.objects.order_by("name"))
        self.places: dict[str, Agent | Queue] = {f"agent-{one.pk}": one for one in self.agents}
        self.places.update({f"queue-{one.pk}": one for one in self.queues})
        self.fields["to"] = forms.ChoiceField(
            choices=[(one, one) for one in self.places], error_messages=self.fields["to"].error_messages
        )

    @property
    def asks_reason(self) -> bool:
        return "reason" in self.fields

    def clean_to(self) -> Agent | Queue:
        return self.places[self.cleaned_data["to"]]


class TransferForm(WhereToForm):
    reason = forms.CharField(max_length=REASON_LIMIT, error_messages={"required": _(NO_REASON)})

    reason_limit = REASON_LIMIT


Act = Callable[[Conversation, Agent, dict[str, Any]], object]


@dataclass(frozen=True)
class Asked:
    """A dialog: what it is called, what it asks, and what is then done."""

    name: str
    title: str | Promise
    fragment: str
    form: type[AskedForm]
    act: Act
    submit: str | Promise = ""  # empty: each choice is a button

    @property
    def url_name(self) -> str:
        return f"desk:{self.name}"


def _prioritise(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    priorities.set_priority(conversation, asked["priority"], by=agent)


def _snooze(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    snooze.snooze(conversation, agent, until=asked["until"])


def _label(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    labelling.relabel(conversation, add=asked["add"], remove=asked["remove"], by=agent.user)


def _label_customer(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    labelling.relabel(conversation.contact, add=asked["add"], remove=asked["remove"], by=agent.user)


def _close(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    dispositions.close(conversation, agent, codes=list(asked["codes"]), text=asked["note"])


class CustomerLabelsForm(LabelsForm):
    """The labels of the conversation's customer."""

    @property
    def on_all(self) -> set[int]:
        if self.is_bound:
            return super().on_all
        return set(self.conversations[0].contact.labels.values_list("pk", flat=True))


def _read(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    require_agent(conversation, agent)
    mark_read(conversation, agent.user)


def _end(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    close.end(conversation, agent)


def _release(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    if conversation.agent_id == agent.pk:
        pick.release(conversation, agent)
    else:
        supervise.release_to_queue(conversation, agent)


def _transfer(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    transferring.transfer(conversation, to=asked["to"], by=agent, reason=asked["reason"])


def _assign(conversation: Conversation, agent: Agent, asked: dict[str, Any]) -> None:
    supervise.assign(conversation, to=asked["to"], by=agent)


PRIORITY = Asked("priority", _("Priority"), "desk/dialogs/_priority_form.html", PriorityForm, _prioritise)
SNOOZE = Asked("snooze", _("Snooze"), "desk/dialogs/_snooze_form.html", SnoozeForm, _snooze)
LABELS = Asked("labels", _("Labels"), "desk/dialogs/_labels_form.html", LabelsForm, _label, submit=_("Save"))
CUSTOMER_LABELS = Asked(
    "customer_labels",
    _("Labels of the customer"),
    "desk/dialogs/_labels_form.html",
    CustomerLabelsForm,
    _label_customer,
    submit=_("Save"),
)
CLOSE = Asked("close", _("Close"), "desk/dialogs/_wrap_up_form.html", WrapUpForm, _close, submit=_("Close"))
FINISH = Asked(
    "finish", _("End and close"), "desk/dialogs/_wrap_up_form.html", WrapUpForm, _close, submit=_("End and close")
)

# What is done with several at once, each by the rules for one.
READ = Asked("read", _("Mark as read"), "desk/dialogs/_plain_form.html", PlainForm, _read, submit=_("Mark as read"))
END = Asked("end", _("End"), "desk/dialogs/_plain_form.html", PlainForm, _end, submit=_("End"))
RELEASE = Asked("release", _("Give back"), "desk/dialogs/_plain_form.html", PlainForm, _release, submit=_("Give back"))
TRANSFER = Asked(
    "transfer", _("Transfer"), "desk/dialogs/_assignment_form.html", TransferForm, _transfer, submit=_("Transfer")
)
ASSIGN = Asked("assign", _("Assign"), "desk/dialogs/_assignment_form.html", WhereToForm, _assign, submit=_("Assign"))
