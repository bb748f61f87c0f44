"""Ask colleagues into a conversation. They see it and write notes; to the customer they say nothing."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from omnichannel.conversations import timeline
from omnichannel.conversations.access import active_agents
from omnichannel.conversations.assignment.transfer import AgentCandidate, rank_agents
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, Participation, ParticipationKind, TimelineEventKind
from omnichannel.conversations.state_machine import TransitionError, require_agent
from omnichannel.core.localized_text import localized
from routing.agents import filter_by_presence
from routing.models import Agent, State

MAX_CONSULTED = 5
TOO_MANY_CONSULTED = gettext_noop("Up to %(most)s colleagues can be consulted at a time.")


def consulted_participations(conversation: Conversation) -> list[Participation]:
    """The colleagues who are in it now, beside its agent; who only monitors is told to nobody."""
    found = conversation.participations.filter(left_at=None, kind=ParticipationKind.CONSULT)
    return list(found.select_related("agent__user", "agent__presence", "invited_by__user"))


def consult_candidates(conversation: Conversation) -> Sequence[AgentCandidate]:
    """Everybody at the desk who is there and is not in this conversation yet, best skills first."""
    here = Participation.objects.filter(conversation=conversation, left_at=None, kind=ParticipationKind.CONSULT).values(
        "agent"
    )
    there = filter_by_presence(active_agents(), lambda base: base.accepts_handover)
    return rank_agents(conversation, list(there.exclude(Q(pk=conversation.agent_id)).exclude(pk__in=here)))


def invite_colleague(conversation: Conversation, colleague: Agent, *, agent: Agent) -> None:
    """The agent who has the conversation asks a colleague into it; it uses none of the colleague's capacity.

    Raises TransitionRefused with a sentence for whoever tried.
    """
    require_agent(conversation, agent)
    if conversation.state not in {State.ACTIVE, State.WRAP_UP}:
        raise TransitionError(gettext("Colleagues can be consulted while the conversation is active or in wrap-up."))
    if colleague.pk not in {one.agent.pk for one in consult_candidates(conversation)}:
        raise TransitionError(gettext("%(colleague)s can't be consulted now.") % {"colleague": colleague})
    with transaction.atomic():
        add_participant(conversation, colleague, ParticipationKind.CONSULT, invited_by=agent)
        line = localized("%(by)s consulted %(colleague)s.", by=agent, colleague=colleague)
        timeline.record(conversation, TimelineEventKind.CONSULTED, line, actor=agent.user)
        publish_event(LiveEventKind.CONVERSATION, conversation)


def add_participant(
    conversation: Conversation, agent: Agent, kind: ParticipationKind, *, invited_by: Agent | None = None
) -> None:
    """The agent has this part in the conversation from now on; the caller holds the transaction.

    Raises TransitionRefused when it is closed, or full.
    """
    # The conversation's own lock: nobody comes in while it is closed, nor two at once into the last place.
    now = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    if now.state == State.CLOSED:
        raise TransitionError(gettext("This conversation is closed."))
    here = conversation.participations.filter(left_at=None)
    if kind == ParticipationKind.CONSULT and here.filter(kind=kind).exclude(agent=agent).count() >= MAX_CONSULTED:
        raise TransitionError(gettext(TOO_MANY_CONSULTED) % {"most": MAX_CONSULTED})
    if here.filter(agent=agent).update(kind=kind, invited_by=invited_by):
        return
    try:
        with transaction.atomic():
            Participation.objects.create(conversation=conversation, agent=agent, kind=kind, invited_by=invited_by)
    except IntegrityError as error:  # the same button pressed twice at once
        raise TransitionError(gettext("%(agent)s is in this conversation already.") % {"agent": agent}) from error


def leave_conversation(conversation: Conversation, agent: Agent) -> None:
    """The colleague leaves the conversation; who only monitored it leaves as silently as they came.

    Raises TransitionRefused for somebody who is not in it.
    """
    with transaction.atomic():
        theirs = conversation.participations.filter(agent=agent, left_at=None)
        was = theirs.values_list("kind", flat=True).first()
        if was is None or not theirs.update(left_at=timezone.now()):
            raise TransitionError(gettext("You are not in this conversation."))
        if was == ParticipationKind.CONSULT:
            timeline.record(
                conversation,
                TimelineEventKind.LEFT,
                localized("%(agent)s left the conversation.", agent=agent),
                actor=agent.user,
            )
        publish_event(LiveEventKind.CONVERSATION, conversation, extra_agent_ids=[agent.pk])
