"""The actions an agent can take on a conversation: buttons in its header and menu items."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.access import can_supervise
from omnichannel.conversations.assignment.pick import can_take
from omnichannel.conversations.lifecycle.priority import can_set_priority
from omnichannel.conversations.models import Conversation, ParticipationKind
from routing.models import Agent, State


@dataclass(frozen=True)
class Action:
    """An action the agent can take now.

    Attributes:
        name: The name of its URL.
        is_in_menu: Whether it is in the More menu instead of beside it.
    """

    name: str
    label: str | Promise
    icon: str
    is_primary: bool = False
    opens_dialog: bool = False
    is_in_menu: bool = False

    @property
    def url_name(self) -> str:
        return f"desk:{self.name}"


TAKE = Action("take", _("Assign to me"), "take", is_primary=True)
RESUME = Action("resume", _("Resume"), "resume", is_primary=True)
END = Action("end", _("End"), "end", is_primary=True)
WAIT_FOR_CUSTOMER = Action("wait_for_customer", _("Wait for customer"), "clock", is_in_menu=True)
RELEASE = Action("release", _("Return to queue"), "back_to_queue", is_in_menu=True)
CLOSE = Action("close", _("Close"), "close_conversation", is_primary=True, opens_dialog=True)
CLOSE_FOR_COLLEAGUE = Action("close", _("Close"), "close_conversation", opens_dialog=True, is_in_menu=True)
END_AND_CLOSE = Action("end_and_close", _("End and close"), "close_conversation", opens_dialog=True, is_in_menu=True)
SNOOZE = Action("snooze", _("Snooze"), "snooze", opens_dialog=True, is_in_menu=True)
PRIORITY = Action("priority", _("Priority"), "priority", opens_dialog=True, is_in_menu=True)
LABELS = Action("labels", _("Labels"), "tag", opens_dialog=True, is_in_menu=True)

CONSULT = Action("consult", _("Consult"), "consult", opens_dialog=True, is_in_menu=True)
TRANSFER = Action("transfer", _("Transfer"), "transfer", opens_dialog=True)
ASSIGN = Action("assign", _("Assign"), "assign", opens_dialog=True)
MONITOR = Action("monitor", _("Monitor"), "monitor")
JOIN = Action("join", _("Join"), "join")
STOP_MONITORING = Action("leave_conversation", _("Stop monitoring"), "leave")
LEAVE_CONVERSATION = Action("leave_conversation", _("Leave"), "leave")
RELEASE_TO_QUEUE = Action("release_to_queue", _("Release to queue"), "back_to_queue", is_in_menu=True)

OWN_ACTIONS = {
    State.ACTIVE: [TRANSFER, END, END_AND_CLOSE, SNOOZE, WAIT_FOR_CUSTOMER, RELEASE, CONSULT],
    State.WRAP_UP: [CLOSE, CONSULT],
    State.WAITING: [RESUME, SNOOZE],
}
SUPERVISOR_ACTIONS = {State.ACTIVE: [JOIN, RELEASE_TO_QUEUE], State.WRAP_UP: [JOIN, CLOSE_FOR_COLLEAGUE]}


def actions_for(conversation: Conversation, agent: Agent) -> Sequence[Action]:
    """Return the agent's actions on the conversation, buttons and menu items, in the order they are shown."""
    common_actions = [PRIORITY, LABELS] if can_set_priority(conversation, agent) else [LABELS]
    return [*_state_actions(conversation, agent), *common_actions]


def _state_actions(conversation: Conversation, agent: Agent) -> Sequence[Action]:
    state = State(conversation.state)
    if conversation.agent_id == agent.pk:
        return OWN_ACTIONS.get(state, [])
    participant_actions = (
        {ParticipationKind.CONSULT: [LEAVE_CONVERSATION], ParticipationKind.MONITOR: [STOP_MONITORING]}.get(
            ParticipationKind(conversation.participation_kind)
        )
        if conversation.participation_kind
        else None
    )
    if state == State.OPEN:
        assign = [ASSIGN] if can_supervise(agent) else []
        return [*(participant_actions or []), *assign, *([TAKE] if can_take(conversation, agent) else [])]
    if not can_supervise(agent) or state not in SUPERVISOR_ACTIONS:
        return participant_actions or []
    supervisor_actions = SUPERVISOR_ACTIONS[state]
    if conversation.participation_kind == ParticipationKind.CONSULT:
        supervisor_actions = [action for action in supervisor_actions if action is not JOIN]
    return [*(participant_actions or [MONITOR]), *supervisor_actions]
