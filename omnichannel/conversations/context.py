"""What is known of a conversation by its work stream's context variables."""

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
    """Give a context variable of the conversation a value, as a person wrote it; an empty one takes it away.

    Raises NotAValue, in words for that person.
    """
    variable = conversation.work_stream.context_variables.filter(name=name).first()
    if variable is None:
        raise InvalidValueError(gettext("There is no context variable “%(name)s”.") % {"name": name})
    kept = values.parse_value(variable.type, value)
    with transaction.atomic():
        if not _update_context(conversation, {name: kept}):
            return
        timeline.record(
            conversation,
            TimelineEventKind.CONTEXT_CHANGED,
            value_changed_text(variable.display_name, kept, actor),
            actor=actor,
        )
        publish_event(LiveEventKind.CONVERSATION, conversation)


def value_changed_text(name: str, kept: VariableValue | None, by: User) -> LocalizedText:
    """What the timeline says of a value that a person has given, or taken away."""
    if kept is None:
        return localized("%(by)s set %(name)s to nothing.", by=by.display_name, name=name)
    return localized(
        "%(by)s set %(name)s to “%(value)s”.", by=by.display_name, name=name, value=values.format_value(kept)
    )


def extract_context(conversation: Conversation, first_message: str) -> None:
    """Keep what the customer's first message tells; what a person has set already stays.

    The caller holds the transaction, and tells the pages.
    """
    variables = list(conversation.work_stream.context_variables.exclude(found_after=""))
    told = values.extract_values(first_message, variables)
    news = {name: value for name, value in told.items() if name not in conversation.context}
    if not news:
        return
    _update_context(conversation, news)
    told_of = [f"{one.display_name} “{values.format_value(news[one.name])}”" for one in variables if one.name in news]
    timeline.record(
        conversation,
        TimelineEventKind.CONTEXT_CHANGED,
        localized("The customer wrote: %(values)s.", values=told_of),
        actor=None,
    )


def _update_context(conversation: Conversation, news: Mapping[str, VariableValue | None]) -> bool:
    """Put these into the conversation, None taking one away; whether that changes anything."""
    locked = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    merged = {name: value for name, value in {**locked.context, **news}.items() if value is not None}
    conversation.context = merged
    if merged == locked.context:
        return False
    conversation.save(update_fields=["context"])
    return True
