"""Dialogs that ask where a conversation goes, or who comes into it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from omnichannel.conversations.assignment import supervise
from omnichannel.conversations.assignment.consult import MOST_AT_A_TIME, colleagues_to_ask
from omnichannel.conversations.assignment.transfer import REASON_LIMIT, Colleague, QueueToGo, candidates
from omnichannel.conversations.models import Conversation
from omnichannel.desk.thread.actions import ASSIGN, CONSULT, TRANSFER, Action
from routing.models import Agent, Queue


@dataclass(frozen=True)
class Panel:
    """What a dialog offers, and after a refusal what had been chosen and written."""

    action: Action
    title: str
    explanation: str
    agents: Sequence[Colleague]
    queues: Sequence[QueueToGo] | None = None
    asks_reason: bool = False
    shows_capacity: bool = True
    chosen: str = ""
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    reason_limit = REASON_LIMIT

    def values(self) -> dict[str, Agent | Queue]:
        """What can be chosen, by the value of its field."""
        agents = {f"agent-{one.agent.pk}": one.agent for one in self.agents}
        return {**agents, **{f"queue-{one.queue.pk}": one.queue for one in self.queues or ()}}


def transfer_panel(conversation: Conversation) -> Panel:
    found = candidates(conversation)
    return Panel(
        TRANSFER,
        _("Transfer"),
        _("To a colleague in %(queue)s, who has it at once, or to another queue, where it waits.")
        % {"queue": conversation.queue},
        found.agents,
        found.queues,
        asks_reason=True,
    )


def consult_panel(conversation: Conversation) -> Panel:
    explanation = _(
        "They see the conversation and write notes; the customer never sees those. "
        "Up to %(most)s at a time, and it uses none of their capacity."
    ) % {"most": MOST_AT_A_TIME}
    return Panel(CONSULT, _("Consult a colleague"), explanation, colleagues_to_ask(conversation), shows_capacity=False)


def assign_panel(conversation: Conversation) -> Panel:
    found = supervise.assignees(conversation)
    return Panel(
        ASSIGN,
        _("Assign"),
        _("To an agent in %(queue)s, even above their capacity, or to another queue.") % {"queue": conversation.queue},
        found.agents,
        found.queues,
    )
