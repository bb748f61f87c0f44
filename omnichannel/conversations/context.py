"""Values of a conversation's context variables, which its work stream defines."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText, localized
from routing.variables import values
from routing.variables.values import InvalidValueError, VariableValue


def set_context(conversation: Conversation, name: str, value: str, actor: User) -> None:
    """Set a context variable to a value that a user typed; an empty value removes it.

    Raises:
        InvalidValueError: The variable does not exist, or the value does not fit its type; the text is for the user.
    """
    variable = conversation.work_stream.context_variables.filter(name=name).first()
    if variable is None:
        raise InvalidValueError(gettext("There is no context variable “%(name)s”.") % {"name": name})
    parsed = values.parse_value(variable.type, value)
    with transaction.atomic():
        if not _update_context(conversation, {name: parsed}):
            return
        timeline.record(
            conversation,
            TimelineEventKind.CONTEXT_CHANGED,
            value_changed_text(variable.display_name, parsed, actor),
            actor=actor,
        )
        publish_event(LiveEventKind.CONVERSATION, conversation)


def value_changed_text(name: str, value: VariableValue | None, by: User) -> LocalizedText:
    """Return the timeline text for a value that a user has set, or removed if it is None."""
    if value is None:
        return localized("%(by)s cleared %(name)s.", by=by.display_name, name=name)
    return localized(
        "%(by)s set %(name)s to “%(value)s”.", by=by.display_name, name=name, value=values.format_value(value)
    )


def extract_context(conversation: Conversation, first_message: str) -> None:
    """Store the values found in the customer's first message; values that are already set stay.

    Call it in a transaction; the caller publishes the event.
    """
    variables = list(conversation.work_stream.context_variables.exclude(found_after=""))
    extracted = values.extract_values(first_message, variables)
    updates = {name: value for name, value in extracted.items() if name not in conversation.context}
    if not updates:
        return
    _update_context(conversation, updates)
    descriptions = [
        f"{variable.display_name} “{values.format_value(updates[variable.name])}”"
        for variable in variables
        if variable.name in updates
    ]
    timeline.record(
        conversation,
        TimelineEventKind.CONTEXT_CHANGED,
        localized("From the customer's message: %(values)s.", values=descriptions),
        actor=None,
    )


def _update_context(conversation: Conversation, updates: Mapping[str, VariableValue | None]) -> bool:
    """Update the context; None removes a value. Return whether anything changed."""
    locked = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    merged = {name: value for name, value in {**locked.context, **updates}.items() if value is not None}
    conversation.context = merged
    if merged == locked.context:
        return False
    conversation.save(update_fields=["context"])
    return True
