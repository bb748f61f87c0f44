"""End and close conversations, by hand and when they are stale.

The times are those of Dynamics 365 for asynchronous channels, counted as time in the same state.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from channels_whatsapp.webhooks.backlog import get_late_account_ids
from omnichannel.conversations.access import can_supervise
from omnichannel.conversations.lifecycle.dispositions import validate_wrap_up
from omnichannel.conversations.models import Conversation, ConversationQuerySet, DispositionCode, Note
from omnichannel.conversations.outbound.failed_replies import record_unseen_failures
from omnichannel.conversations.state_machine import TransitionError, require_agent, require_all_read, transition
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import Agent, State

logger = logging.getLogger(__name__)

STALE_AFTER: dict[State, tuple[timedelta, LocalizedText]] = {
    State.OPEN: (timedelta(days=30), localized("Closed automatically after 30 days without an agent.")),
    State.ACTIVE: (timedelta(days=30), localized("Closed automatically after 30 days without messages.")),
    State.WRAP_UP: (timedelta(days=1), localized("Closed automatically after more than a day in wrap-up.")),
}
CLOSE_BATCH_SIZE = 500


def end_conversation(conversation: Conversation, agent: Agent) -> None:
    """Move the agent's active conversation to Wrap-up."""
    require_agent(conversation, agent)
    text = localized("%(agent)s ended the conversation.", agent=agent)
    transition(conversation, State.WRAP_UP, agent=agent, actor=agent.user, event_text=text)


def close_conversation(
    conversation: Conversation, agent: Agent, *, codes: Collection[DispositionCode] = (), note: str = ""
) -> None:
    """Close a conversation for good, with disposition codes and a note; an active one is ended first.

    Args:
        codes: Up to two disposition codes; at least one when the work stream requires it.
        note: A note for colleagues; empty for none.

    Raises:
        WrapUpError: The codes or the note are not acceptable. Nothing has changed.
        TransitionError: The conversation can't be closed now, or there are unread messages. Nothing has changed.
    """
    require_can_close(conversation, agent)
    if conversation.state not in {State.ACTIVE, State.WRAP_UP}:
        raise TransitionError(gettext("Only active conversations and those in wrap-up can be closed."))
    text = note.replace("\r\n", "\n").replace("\x00", "").strip()
    validate_wrap_up(conversation, codes, text)
    with transaction.atomic():
        # First, because it locks the row: a new message waits until the transaction ends.
        require_all_read(conversation)
        if conversation.state == State.ACTIVE:
            end_conversation(conversation, agent)
        conversation.dispositions.set(codes)
        if text:
            Note.objects.create(conversation=conversation, author=agent.user, text=text)
        transition(
            conversation,
            State.CLOSED,
            agent=conversation.agent,
            actor=agent.user,
            event_text=_closed_text(agent, codes),
        )


def _closed_text(agent: Agent, codes: Collection[DispositionCode]) -> LocalizedText:
    if codes:
        names = ", ".join(sorted(code.name for code in codes))
        return localized("%(agent)s closed the conversation: %(codes)s.", agent=agent, codes=names)
    return localized("%(agent)s closed the conversation.", agent=agent)


def require_can_close(conversation: Conversation, agent: Agent) -> None:
    """Raise TransitionError unless it is the agent's, or in wrap-up and the agent is a supervisor."""
    if conversation.state != State.WRAP_UP or not can_supervise(agent):
        require_agent(conversation, agent)


def close_stale_conversations(now: datetime | None = None) -> int:
    """Close conversations that have been in a state for too long; return the number closed."""
    at = now or timezone.now()
    closed_count = 0
    for conversation, text in [*_stale_by_state(at), *_idle_waiting(at)]:
        try:
            _close_automatically(conversation, text)
            closed_count += 1
        except TransitionError:
            logger.info("Conversation %s changed before it could be closed.", conversation.pk)
    return closed_count


def _close_automatically(conversation: Conversation, text: LocalizedText) -> None:
    """Close a stale conversation; a reply that failed in this state gets a notice, because nobody looked."""
    state_since = conversation.state_since
    with transaction.atomic():
        transition(
            conversation,
            State.CLOSED,
            agent=conversation.agent,
            actor=None,
            event_text=text,
            expected_state_since=state_since,
        )
        record_unseen_failures(conversation, since=state_since)


def _stale_by_state(at: datetime) -> list[tuple[Conversation, LocalizedText]]:
    return [
        (conversation, text)
        for state, (age, text) in STALE_AFTER.items()
        for conversation in _oldest_batch(_without_unread_messages().filter(state=state, state_since__lt=at - age))
        if state != State.ACTIVE or conversation.last_activity_at < at - age
    ]


def _without_unread_messages() -> ConversationQuerySet:
    """Return conversations without unread messages, and open ones, whose messages nobody has read yet.

    Accounts with messages that are not applied yet are left out: some may be for these conversations.
    """
    conversations = Conversation.objects.unclosed().filter(Q(unread_count=0) | Q(state=State.OPEN))
    return conversations.exclude(number__account__in=get_late_account_ids())


def _idle_waiting(at: datetime) -> list[tuple[Conversation, LocalizedText]]:
    """Return waiting conversations inactive for `auto_close_after`, without snoozed ones."""
    waiting = (
        _without_unread_messages()
        .filter(Q(snoozed_until=None) | Q(last_activity_at__gte=F("snoozed_until")), state=State.WAITING)
        .annotate(closes_at=F("state_since") + F("work_stream__auto_close_after"))
    )
    idle = _oldest_batch(waiting.filter(closes_at__lt=at).select_related("work_stream"))
    return [
        (conversation, localized("Closed automatically due to inactivity."))
        for conversation in idle
        if conversation.last_activity_at + conversation.work_stream.auto_close_after < at
    ]


def _oldest_batch(conversations: ConversationQuerySet) -> ConversationQuerySet:
    return conversations.select_related("agent").order_by("state_since")[:CLOSE_BATCH_SIZE]
