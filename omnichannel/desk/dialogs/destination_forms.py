"""Forms of the dialogs in which an agent chooses a colleague or a queue: transfer, consult and assign."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.access import active_agents
from omnichannel.conversations.assignment import supervise
from omnichannel.conversations.assignment.consult import MAX_CONSULTED, consult_candidates
from omnichannel.conversations.assignment.transfer import (
    MAX_REASON_LENGTH,
    REASON_REQUIRED,
    AgentCandidate,
    QueueCandidate,
    TransferTargets,
    transfer_targets,
)
from omnichannel.desk.dialogs.forms import DialogForm
from routing.agents import filter_by_presence
from routing.models import Agent, BasePresence, Queue

# The list gets a search field when it has more options than fit on the screen of a laptop.
SEARCHABLE_ABOVE = 8


@dataclass(frozen=True)
class DestinationOption:
    """A colleague or a queue that can be chosen, with what helps to choose.

    Attributes:
        detail: Presence and matching skills of an agent.
        load: Free capacity of an agent, or the conversations that wait in a queue.
    """

    destination: Agent | Queue
    detail: str = ""
    load: str = ""
    is_over_capacity: bool = False

    @property
    def value(self) -> str:
        """Return the value of the form field."""
        return f"{self.destination._meta.model_name}-{self.destination.pk}"


class DestinationForm(DialogForm):
    """Choose a colleague or a queue; the rules of the action decide whether the conversation may go there."""

    to = forms.ChoiceField(
        error_messages={
            "required": _("Choose an option."),
            "invalid_choice": _("This is no longer possible. Choose again."),
        }
    )
    explanation = ""

    @staticmethod
    def has_usable_presence(base: BasePresence) -> bool:
        """Return whether agents with this base status can be chosen."""
        return not base.is_signed_off

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        values = [(option.value, option.value) for option in [*self.agents, *(self.queues or ())]]
        self.fields["to"] = forms.ChoiceField(choices=values, error_messages=self.fields["to"].error_messages)

    @cached_property
    def agents(self) -> Sequence[DestinationOption]:
        """Return the colleagues that can be chosen: everybody who is not signed off."""
        agents = filter_by_presence(active_agents(), self.has_usable_presence)
        return [
            DestinationOption(agent, gettext(agent.presence.text))
            for agent in agents.order_by("user__first_name", "user__username")
        ]

    @cached_property
    def queues(self) -> Sequence[DestinationOption] | None:
        """Return the queues that can be chosen; None when the dialog is about colleagues only."""
        return [DestinationOption(queue) for queue in Queue.objects.order_by("name")]

    @property
    def is_searchable(self) -> bool:
        """Return whether the list is long enough to need a search field."""
        return len(self.agents) + len(self.queues or ()) > SEARCHABLE_ABOVE

    @property
    def initial_focus(self) -> DestinationOption | None:
        """Return the option that has the focus at first; None when the search field has it."""
        options = [*self.agents, *(self.queues or ())]
        return options[0] if options and not self.is_searchable else None

    def clean_to(self) -> Agent | Queue:
        """Return the colleague or queue that was chosen."""
        options = {option.value: option.destination for option in [*self.agents, *(self.queues or ())]}
        return options[self.cleaned_data["to"]]


class BulkAssignForm(DestinationForm):
    """Assign several conversations; each is checked by its own rules."""


class BulkTransferForm(DestinationForm):
    """Transfer several conversations, with a reason; each is checked by its own rules."""

    @staticmethod
    def has_usable_presence(base: BasePresence) -> bool:
        return base.accepts_handover

    reason_limit = MAX_REASON_LENGTH

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        error_messages={"required": _(REASON_REQUIRED), "max_length": _("Use up to %(limit_value)s characters.")},
    )


class _CandidatesMixin:
    """Take the options from the rules of the action instead of listing everybody."""

    candidates: TransferTargets

    @cached_property
    def agents(self) -> Sequence[DestinationOption]:
        return [_agent_option(colleague) for colleague in self.candidates.agents]

    @cached_property
    def queues(self) -> Sequence[DestinationOption] | None:
        return [_queue_option(queue) for queue in self.candidates.queues]


class TransferForm(_CandidatesMixin, BulkTransferForm):
    """Transfer one conversation to a colleague of its queue, or to another queue."""

    @property
    def explanation(self) -> str:  # type: ignore[override]
        text = gettext("To a colleague in %(queue)s, who gets it right away, or to another queue.")
        return text % {"queue": self.conversations[0].queue}

    @cached_property
    def candidates(self) -> TransferTargets:  # type: ignore[override]
        return transfer_targets(self.conversations[0])


class AssignForm(_CandidatesMixin, BulkAssignForm):
    """Assign one waiting conversation to an agent of its queue, even above capacity, or to another queue."""

    @property
    def explanation(self) -> str:  # type: ignore[override]
        text = gettext("To an agent in %(queue)s, even over capacity, or to another queue.")
        return text % {"queue": self.conversations[0].queue}

    @cached_property
    def candidates(self) -> TransferTargets:  # type: ignore[override]
        return supervise.assignment_targets(self.conversations[0])


class ConsultForm(DestinationForm):
    """Invite a colleague into one conversation."""

    queues = None

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return gettext(
            "They can read the conversation and write notes, which the customer never sees. Up to %(most)s at a "
            "time. Uses none of their capacity."
        ) % {"most": MAX_CONSULTED}

    @cached_property
    def agents(self) -> Sequence[DestinationOption]:
        colleagues = consult_candidates(self.conversations[0])
        return [DestinationOption(colleague.agent, _detail(colleague)) for colleague in colleagues]


def _agent_option(colleague: AgentCandidate) -> DestinationOption:
    if colleague.is_over_capacity:
        load = gettext("Over capacity: %(needs)s needed, %(free)s free")
    else:
        load = gettext("%(free)s of %(capacity)s free")
    values = {
        "free": colleague.free_capacity,
        "needs": colleague.required_capacity,
        "capacity": colleague.agent.capacity,
    }
    return DestinationOption(
        colleague.agent, _detail(colleague), load % values, is_over_capacity=colleague.is_over_capacity
    )


def _detail(colleague: AgentCandidate) -> str:
    presence = gettext(colleague.agent.presence.text)
    return f"{presence} · {colleague.skills_text}" if colleague.skills_text else presence


def _queue_option(destination: QueueCandidate) -> DestinationOption:
    return DestinationOption(
        destination.queue, load=gettext("%(count)s waiting") % {"count": destination.waiting_count}
    )
