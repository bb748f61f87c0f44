"""The dialogs of the desk, for one or many conversations: the title, form and action of each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from omnichannel.conversations.assignment import consult, pick, supervise, transfer
from omnichannel.conversations.lifecycle import close, labels, priority, snooze
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.conversations.state_machine import require_agent
from omnichannel.desk.dialogs.destination_forms import (
    AssignForm,
    BulkAssignForm,
    BulkTransferForm,
    ConsultForm,
    TransferForm,
)
from omnichannel.desk.dialogs.forms import (
    ConfirmForm,
    CustomerLabelsForm,
    DialogForm,
    LabelsForm,
    PriorityForm,
    SnoozeForm,
    WrapUpForm,
)
from omnichannel.desk.dialogs.responses import DialogContent
from routing.models import Agent

ActionHandler = Callable[[Conversation, Agent, dict[str, Any]], object]


@dataclass(frozen=True, kw_only=True)
class Dialog(DialogContent):
    """A dialog that asks for input before something is done with a conversation.

    Attributes:
        name: The name of its URL and of its action.
        perform: Called with each conversation, the agent and the form's cleaned data.
        needs_offer: Whether the dialog only opens when the action is among those offered for the conversation.
    """

    name: str
    form_class: type[DialogForm]
    perform: ActionHandler
    needs_offer: bool = True

    @property
    def url_name(self) -> str:
        """Return the name of the dialog's URL."""
        return f"desk:{self.name}"


def _set_priority(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    priority.set_priority(conversation, data["priority"], agent=agent)


def _snooze(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    snooze.snooze_conversation(conversation, agent, until=data["until"])


def _update_labels(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    labels.update_labels(conversation, add=data["add"], remove=data["remove"], actor=agent.user)


def _update_customer_labels(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    labels.update_labels(conversation.contact, add=data["add"], remove=data["remove"], actor=agent.user)


def _close(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    close.close_conversation(conversation, agent, codes=list(data["codes"]), note=data["note"])


def _mark_read(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    require_agent(conversation, agent)
    mark_read(conversation, agent.user)


def _end(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    close.end_conversation(conversation, agent)


def _release(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    if conversation.agent_id == agent.pk:
        pick.release_conversation(conversation, agent)
    else:
        supervise.release_to_queue(conversation, agent)


def _transfer(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    transfer.transfer_conversation(conversation, target=data["to"], agent=agent, reason=data["reason"])


def _consult(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    consult.invite_colleague(conversation, data["to"], agent=agent)


def _assign(conversation: Conversation, agent: Agent, data: dict[str, Any]) -> None:
    supervise.assign_conversation(conversation, target=data["to"], supervisor=agent)


_DESTINATION = "desk/dialogs/_destination_fields.html"
_LABELS = "desk/dialogs/_labels_fields.html"
_WRAP_UP = "desk/dialogs/_wrap_up_fields.html"
_NO_FIELDS = "desk/dialogs/_no_fields.html"

# For one conversation.
PRIORITY = Dialog(
    name="priority",
    title=_("Priority"),
    form_template="desk/dialogs/_priority_fields.html",
    form_class=PriorityForm,
    perform=_set_priority,
)
SNOOZE = Dialog(
    name="snooze",
    title=_("Snooze"),
    form_template="desk/dialogs/_snooze_fields.html",
    form_class=SnoozeForm,
    perform=_snooze,
)
LABELS = Dialog(
    name="labels",
    title=_("Labels"),
    form_template=_LABELS,
    form_class=LabelsForm,
    perform=_update_labels,
    submit_label=_("Save"),
)
CUSTOMER_LABELS = Dialog(
    name="customer_labels",
    title=_("Customer labels"),
    form_template=_LABELS,
    form_class=CustomerLabelsForm,
    perform=_update_customer_labels,
    submit_label=_("Save"),
    needs_offer=False,
)
CLOSE = Dialog(
    name="close",
    title=_("Close"),
    form_template=_WRAP_UP,
    form_class=WrapUpForm,
    perform=_close,
    submit_label=_("Close"),
)
END_AND_CLOSE = Dialog(
    name="end_and_close",
    title=_("End and close"),
    form_template=_WRAP_UP,
    form_class=WrapUpForm,
    perform=_close,
    submit_label=_("End and close"),
)
TRANSFER = Dialog(
    name="transfer",
    title=_("Transfer"),
    form_template=_DESTINATION,
    form_class=TransferForm,
    perform=_transfer,
    submit_label=_("Transfer"),
)
CONSULT = Dialog(
    name="consult",
    title=_("Consult a colleague"),
    form_template=_DESTINATION,
    form_class=ConsultForm,
    perform=_consult,
    submit_label=_("Consult"),
)
ASSIGN = Dialog(
    name="assign",
    title=_("Assign"),
    form_template=_DESTINATION,
    form_class=AssignForm,
    perform=_assign,
    submit_label=_("Assign"),
)
CONVERSATION_DIALOGS = (
    PRIORITY,
    SNOOZE,
    LABELS,
    CUSTOMER_LABELS,
    CLOSE,
    END_AND_CLOSE,
    TRANSFER,
    CONSULT,
    ASSIGN,
)

# For several conversations, in addition to labels, priority, snooze and close.
BULK_READ = Dialog(
    name="mark_read",
    title=_("Mark as read"),
    form_template=_NO_FIELDS,
    form_class=ConfirmForm,
    perform=_mark_read,
    submit_label=_("Mark as read"),
)
BULK_END = Dialog(
    name="end", title=_("End"), form_template=_NO_FIELDS, form_class=ConfirmForm, perform=_end, submit_label=_("End")
)
BULK_RELEASE = Dialog(
    name="release",
    title=_("Return to queue"),
    form_template=_NO_FIELDS,
    form_class=ConfirmForm,
    perform=_release,
    submit_label=_("Return to queue"),
)
BULK_TRANSFER = replace(TRANSFER, form_class=BulkTransferForm)
BULK_ASSIGN = replace(ASSIGN, form_class=BulkAssignForm)
