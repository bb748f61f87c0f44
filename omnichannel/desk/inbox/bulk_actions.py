"""One thing done with several conversations, each by the rules for one; what could not be done is said row by row."""

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
    """What this agent can do with several conversations."""
    return (*AGENT_ACTIONS, *SUPERVISOR_ACTIONS) if access.can_supervise(agent) else AGENT_ACTIONS


def get_selected_conversations(user: User, agent: Agent, pks: Sequence[int]) -> list[Conversation]:
    """Those of these conversations that this person may see, as they are found one by one."""
    found = access.conversations_visible_to(user).for_inbox().annotate_for_agent(agent).filter(pk__in=pks)
    return list(found.select_related("work_stream", "number__account"))


@dataclass
class BulkResult:
    """What became of it."""

    succeeded_count: int = 0
    refusals: list[tuple[Conversation, str]] = field(default_factory=list)
    inaccessible_count: int = 0

    @property
    def failed_count(self) -> int:
        """How many it could not be done with."""
        return len(self.refusals) + self.inaccessible_count


def run_bulk_action(
    what: Dialog, conversations: Sequence[Conversation], agent: Agent, given: dict[str, Any]
) -> BulkResult:
    """Do it with each of them, in a transaction of its own."""
    outcome = BulkResult()
    for conversation in conversations:
        try:
            what.perform(conversation, agent, given)
            outcome.succeeded_count += 1
        except TransitionError as why:
            outcome.refusals.append((conversation, str(why)))
    return outcome
