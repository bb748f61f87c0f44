"""Put a conversation out of sight until a time, or until the customer writes.

It goes to Waiting, so it uses none of its agent's capacity meanwhile. When its time is over it is still Waiting: it
comes to the top of its agent's list, marked, and they resume it. A customer who writes before wakes it like any other.
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
    """Out of its agent's sight at that moment."""
    return Q(snoozed_at__isnull=False) & (Q(snoozed_until=None) | Q(snoozed_until__gt=now))


def snooze_conversation(conversation: Conversation, agent: Agent, *, until: datetime | None) -> None:
    """Leave it until then, or without a time until the customer writes; whichever is first.

    Raises TransitionRefused with a sentence for whoever tried.
    """
    require_agent(conversation, agent)
    now = timezone.now()
    if until is not None and not now < until <= now + MAX_SNOOZE:
        raise TransitionError(
            gettext("Choose a time from now on, at most %(days)s days ahead.") % {"days": MAX_SNOOZE.days}
        )
    if conversation.state not in {State.ACTIVE, State.WAITING}:
        raise TransitionError(gettext("Only an active or waiting conversation can be snoozed."))
    line = _snoozed_text(agent, until)
    with transaction.atomic():
        require_all_read(conversation)
        if until is not None:
            enqueue(LaneKind.SNOOZE, conversation.pk, at=until)
        if conversation.state == State.ACTIVE:
            transition(
                conversation, State.WAITING, agent=agent, actor=agent.user, event_text=line, snooze_period=(now, until)
            )
        else:
            _change_snooze(conversation, agent, now, until, line)


def _change_snooze(
    conversation: Conversation, agent: Agent, now: datetime, until: datetime | None, line: LocalizedText
) -> None:
    """It waits already: only the time is another."""
    waiting = Conversation.objects.filter(pk=conversation.pk, state=State.WAITING, agent=agent)
    if not waiting.update(snoozed_at=now, snoozed_until=until):
        raise TransitionError(gettext("Somebody else has changed this conversation in the meantime."))
    conversation.snoozed_at, conversation.snoozed_until = now, until
    timeline.record(conversation, TimelineEventKind.SNOOZED, line, actor=agent.user)
    publish_event(LiveEventKind.CONVERSATION, conversation)


def _snoozed_text(agent: Agent, until: datetime | None) -> LocalizedText:
    if until is None:
        return localized("%(agent)s snoozed the conversation until the customer writes.", agent=agent)
    return localized("%(agent)s snoozed the conversation until %(until)s.", agent=agent, until=until)


def run_snooze_lane(lease: Lease) -> datetime | None:
    """Its time is over: it comes to the top of its agent's list; says when to look again while it is not."""
    now = timezone.now()
    with transaction.atomic():
        ours = Conversation.objects.select_for_update(of=("self",), no_key=True)
        found = ours.filter(pk=lease.key, state=State.WAITING, snoozed_until__isnull=False).first()
        if found is None or found.snoozed_until is None:  # the customer wrote, or its agent came back to it
            return None
        if found.snoozed_until > now:
            return found.snoozed_until
        # The first time only: a lane may be worked in twice.
        asleep = Conversation.objects.filter(pk=found.pk, last_activity_at__lt=F("snoozed_until"))
        if asleep.update(last_activity_at=now):
            timeline.record(found, TimelineEventKind.SNOOZE_ENDED, localized("The snooze is over."), actor=None)
            publish_event(LiveEventKind.CONVERSATION, found)
    return None
