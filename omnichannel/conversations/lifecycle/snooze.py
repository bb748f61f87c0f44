"""Snooze a conversation: hide it from its agent's inbox until a time, or until the customer writes.

It moves to Waiting, so it uses no capacity. When the time is over it stays Waiting: it moves to the top of its agent's
list, marked, and they resume it. A message from the customer wakes it like any waiting conversation.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.conversations import timeline
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, TimelineEventKind
from omnichannel.conversations.state_machine import (
    TransitionError,
    require_agent,
    require_all_read,
    transition,
)
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.jobs.lanes import Lease, enqueue
from routing.models import Agent, State

MAX_SNOOZE = timedelta(days=90)


def snoozed_q(now: datetime) -> Q:
    """Return a filter for conversations that are snoozed at that time."""
    return Q(snoozed_at__isnull=False) & (Q(snoozed_until=None) | Q(snoozed_until__gt=now))


def snooze_conversation(conversation: Conversation, agent: Agent, *, until: datetime | None) -> None:
    """Snooze the agent's conversation until that time or until the customer writes, whichever is first.

    Args:
        until: End of the snooze, at most MAX_SNOOZE ahead; None lasts until the customer writes.

    Raises:
        TransitionError: The time is not allowed, there are unread messages, or the conversation can't be snoozed.
    """
    require_agent(conversation, agent)
    now = timezone.now()
    if until is not None and not now < until <= now + MAX_SNOOZE:
        raise TransitionError(gettext("Choose a time within the next %(days)s days.") % {"days": MAX_SNOOZE.days})
    if conversation.state not in {State.ACTIVE, State.WAITING}:
        raise TransitionError(gettext("Only active or waiting conversations can be snoozed."))
    text = _snoozed_text(agent, until)
    with transaction.atomic():
        require_all_read(conversation)
        if until is not None:
            enqueue(LaneKind.SNOOZE, conversation.pk, at=until)
        if conversation.state == State.ACTIVE:
            transition(
                conversation, State.WAITING, agent=agent, actor=agent.user, event_text=text, snooze_period=(now, until)
            )
        else:
            _change_snooze(conversation, agent, now, until, text)


def _change_snooze(
    conversation: Conversation, agent: Agent, now: datetime, until: datetime | None, text: LocalizedText
) -> None:
    """Change the snooze of a conversation that is Waiting already."""
    waiting = Conversation.objects.filter(pk=conversation.pk, state=State.WAITING, agent=agent)
    if not waiting.update(snoozed_at=now, snoozed_until=until):
        raise TransitionError(gettext("Someone else has changed this conversation."))
    conversation.snoozed_at, conversation.snoozed_until = now, until
    timeline.record(conversation, TimelineEventKind.SNOOZED, text, actor=agent.user)
    publish_event(LiveEventKind.CONVERSATION, conversation)


def _snoozed_text(agent: Agent, until: datetime | None) -> LocalizedText:
    if until is None:
        return localized("%(agent)s snoozed the conversation until the customer replies.", agent=agent)
    return localized("%(agent)s snoozed the conversation until %(until)s.", agent=agent, until=until)


def run_snooze_lane(lease: Lease) -> datetime | None:
    """Move a conversation whose snooze is over to the top of its agent's list.

    Returns:
        The end of the snooze if it is later than now; else None.
    """
    now = timezone.now()
    with transaction.atomic():
        locked = Conversation.objects.select_for_update(of=("self",), no_key=True)
        conversation = locked.filter(pk=lease.key, state=State.WAITING, snoozed_until__isnull=False).first()
        if conversation is None or conversation.snoozed_until is None:  # the customer wrote, or the agent resumed it
            return None
        if conversation.snoozed_until > now:
            return conversation.snoozed_until
        # Once only: a lane may run twice.
        unmarked = Conversation.objects.filter(pk=conversation.pk, last_activity_at__lt=F("snoozed_until"))
        if unmarked.update(last_activity_at=now):
            text = localized("Snooze ended.")
            timeline.record(conversation, TimelineEventKind.SNOOZE_ENDED, text, actor=None)
            publish_event(LiveEventKind.CONVERSATION, conversation)
    return None
