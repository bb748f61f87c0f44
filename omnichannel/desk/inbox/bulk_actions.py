"""Bulk actions: one action on several conversations, each checked and reported on its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.desk.dialogs import definitions
from omnichannel.desk.dialogs.definitions import Dialog
from routing.models import Agent

MAX_CONVERSATIONS: Final = 200
AGENT_ACTIONS = (
    definitions.LABELS,
    definitions.PRIORITY,
    definitions.SNOOZE,
    definitions.BULK_TRANSFER,
    definitions.BULK_READ,
    definitions.BULK_END,
    definitions.CLOSE,
)
SUPERVISOR_ACTIONS = (definitions.BULK_ASSIGN, definitions.BULK_RELEASE)


def bulk_actions_for(agent: Agent) -> Sequence[Dialog]:
    """Return the bulk actions of this agent; supervisors have more."""
    return (*AGENT_ACTIONS, *SUPERVISOR_ACTIONS) if access.can_supervise(agent) else AGENT_ACTIONS


def get_selected_conversations(user: User, agent: Agent, pks: Sequence[int]) -> list[Conversation]:
    """Return those of the conversations that the user may see."""
    conversations = access.conversations_visible_to(user).for_inbox().annotate_for_agent(agent).filter(pk__in=pks)
    return list(conversations.select_related("work_stream", "number__account"))


@dataclass
class BulkResult:
    """The result of a bulk action.

    Attributes:
        refusals: Conversations with the reason why the action was refused.
        inaccessible_count: The number of selected conversations that the user may not see.
    """

    succeeded_count: int = 0
    refusals: list[tuple[Conversation, str]] = field(default_factory=list)
    inaccessible_count: int = 0

    @property
    def failed_count(self) -> int:
        """Return the number of conversations with which the action was not done."""
        return len(self.refusals) + self.inaccessible_count


def run_bulk_action(
    dialog: Dialog, conversations: Sequence[Conversation], agent: Agent, data: dict[str, Any]
) -> BulkResult:
    """Perform the dialog's action on each conversation, in a transaction of its own.

    Args:
        data: The cleaned data of the dialog's form.
    """
    result = BulkResult()
    for conversation in conversations:
        try:
            dialog.perform(conversation, agent, data)
            result.succeeded_count += 1
        except TransitionError as refusal:
            result.refusals.append((conversation, str(refusal)))
    return result
