"""Release the conversations of agents who may no longer work at the desk: deactivated, or without their role.

Their offers are withdrawn and they leave the conversations in which they participate. Conversations in wrap-up without
unread messages are closed, because the customer has been served; all others return to their queue. Removal from a queue
changes nothing: the agent finishes the conversations they have.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.signals import m2m_changed, post_save
from django.dispatch import receiver
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.access import active_agents
from omnichannel.conversations.assignment.consult import leave_conversation
from omnichannel.conversations.assignment.offers import withdraw_offer
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.live_events import publish_presence
from omnichannel.conversations.models import Conversation, ConversationQuerySet, Participation
from omnichannel.conversations.outbound.failed_replies import notify_supervisors_instead, record_unseen_failures
from omnichannel.conversations.state_machine import TransitionError, transition
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.events.publish import publish
from omnichannel.jobs.lanes import Lease, enqueue
from omnichannel.live.topics import SESSION_KIND, user_topic
from routing.models import Agent, BasePresence, State
from routing.presence import get_built_in_presence, set_presence

logger = logging.getLogger(__name__)

BATCH_SIZE = 100  # conversations of one run
RETRY_DELAY = timedelta(minutes=1)  # after a run in which nothing could be released
ASSIGNED_STATES = (State.ACTIVE, State.WAITING, State.WRAP_UP)


@receiver(post_save, sender=User)
def check_saved_user(instance: User, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    """Request a check of the user's agent when a user was saved who may not sign in."""
    if not created and not instance.is_active and (update_fields is None or "is_active" in update_fields):
        _request_check(Q(user=instance))


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
def check_changed_permissions(instance: Any, action: str, **kwargs: Any) -> None:
    """Request a check of the agents whose roles or permissions were removed."""
    if action in {"post_remove", "post_clear"}:
        is_changed = Q(user=instance) if isinstance(instance, User) else Q(user__in=kwargs["pk_set"] or ())
        _request_check(is_changed)


def _request_check(is_changed: Q) -> None:
    # The worker decides after the commit: a role that is replaced is removed first.
    for agent_id in Agent.objects.filter(is_changed).order_by("pk").values_list("pk", flat=True):
        enqueue(LaneKind.FORMER_AGENT, agent_id)


def enqueue_former_agents() -> None:
    """Request the release for former agents who still have work: a safety net, and for changes by SQL."""
    assigned = Conversation.objects.unclosed().filter(agent=OuterRef("pk")).order_by()
    offered = Conversation.objects.filter(offered_to=OuterRef("pk")).order_by()
    former = Agent.objects.exclude(pk__in=active_agents().order_by().values("pk"))
    with_work = former.filter(Exists(assigned) | Exists(offered)).order_by("pk")
    for agent_id in with_work.values_list("pk", flat=True)[:BATCH_SIZE]:
        enqueue(LaneKind.FORMER_AGENT, agent_id)


def run_former_agent_lane(lease: Lease) -> datetime | None:
    """Release the work of this lane's agent if they may no longer work; return the time of the next run."""
    return release_former_agent(lease.key)


def release_former_agent(agent_id: int) -> datetime | None:
    """Release up to BATCH_SIZE conversations of an agent who may no longer work at the desk.

    Returns:
        Time of the next run; None when nothing is left, or the agent may work.
    """
    agent = Agent.objects.select_related("user", "presence").filter(pk=agent_id).first()
    if agent is None or active_agents().filter(pk=agent_id).exists():
        return None
    _end_presence(agent)
    work = [
        *((pk, _withdraw_offer) for pk in _first_keys(Conversation.objects.filter(offered_to=agent))),
        *((pk, _leave) for pk in _first_keys(_participating(agent))),
        *((pk, _release) for pk in _first_keys(_assigned_to(agent))),
    ]
    done = sum(_try(function, pk, agent) for pk, function in work)
    if not work:
        return None
    return timezone.now() if done else timezone.now() + RETRY_DELAY


def _assigned_to(agent: Agent) -> ConversationQuerySet:
    return Conversation.objects.unclosed().filter(agent=agent, state__in=ASSIGNED_STATES)


def _participating(agent: Agent) -> ConversationQuerySet:
    participations = Participation.objects.filter(agent=agent, left_at=None)
    return Conversation.objects.filter(pk__in=participations.values("conversation"))


def _first_keys(conversations: ConversationQuerySet) -> list[int]:
    return list(conversations.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])


def _end_presence(agent: Agent) -> None:
    """Set the agent Offline, and let their open pages check their sessions at once."""
    with transaction.atomic():
        if agent.presence.base_status != BasePresence.OFFLINE:
            set_presence(agent, get_built_in_presence(BasePresence.OFFLINE), is_manual=False)
            publish_presence(agent.pk)
        notify_supervisors_instead(agent)
        publish(SESSION_KIND, agent.user_id, topics=[user_topic(agent.user_id)])


def _try(function: Callable[[Conversation, Agent], object], pk: int, agent: Agent) -> bool:
    """Call a function with a locked conversation; return whether it succeeded."""
    try:
        with transaction.atomic():
            # Storing a message takes the same lock.
            locked = Conversation.objects.select_for_update(of=("self",), no_key=True)
            function(locked.select_related("agent__user", "queue", "work_stream", "contact").get(pk=pk), agent)
            return True
    except TransitionError:  # changed concurrently
        return False
    except Exception:  # one conversation that fails must not hold up the others
        logger.exception("Conversation %s could not be released from agent %s.", pk, agent.pk)
        return False


def _withdraw_offer(conversation: Conversation, agent: Agent) -> None:
    withdraw_offer(
        conversation, agent, localized("Offer to %(agent)s withdrawn: %(why)s", agent=agent, why=_reason(agent))
    )


def _leave(conversation: Conversation, agent: Agent) -> None:
    leave_conversation(conversation, agent)


def _release(conversation: Conversation, agent: Agent) -> None:
    if conversation.agent_id != agent.pk:
        return
    if conversation.state == State.WRAP_UP and not conversation.unread_count:
        text, state_since = localized("%(why)s Closed.", why=_reason(agent)), conversation.state_since
        transition(conversation, State.CLOSED, agent=agent, actor=None, event_text=text)
        record_unseen_failures(conversation, since=state_since)
    elif conversation.state in ASSIGNED_STATES:
        text = localized(
            "%(why)s Waiting in %(queue)s for another agent.", why=_reason(agent), queue=conversation.queue
        )
        transition(conversation, State.OPEN, agent=None, actor=None, event_text=text)


def _reason(agent: Agent) -> LocalizedText:
    if not agent.user.is_active:
        return localized("%(agent)s was deactivated.", agent=agent)
    return localized("%(agent)s no longer works at the desk.", agent=agent)
