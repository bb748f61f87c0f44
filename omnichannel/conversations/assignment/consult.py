"""Consult colleagues: they see the conversation and write notes, but never write to the customer."""

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
TOO_MANY_CONSULTED = gettext_noop("You can consult up to %(most)s colleagues at a time.")


def consulted_participations(conversation: Conversation) -> list[Participation]:
    """Return the current participations of consulted colleagues; monitoring supervisors stay hidden."""
    participations = conversation.participations.filter(left_at=None, kind=ParticipationKind.CONSULT)
    return list(participations.select_related("agent__user", "agent__presence", "invited_by__user"))


def consult_candidates(conversation: Conversation) -> Sequence[AgentCandidate]:
    """Return the available agents who are not in this conversation yet, best skills first."""
    consulted = Participation.objects.filter(conversation=conversation, left_at=None, kind=ParticipationKind.CONSULT)
    available = filter_by_presence(active_agents(), lambda base: base.accepts_handover)
    others = available.exclude(Q(pk=conversation.agent_id)).exclude(pk__in=consulted.values("agent"))
    return rank_agents(conversation, list(others))


def invite_colleague(conversation: Conversation, colleague: Agent, *, agent: Agent) -> None:
    """Invite a colleague into the agent's conversation; it uses none of the colleague's capacity.

    Raises:
        TransitionError: The conversation is not the agent's or not active, or the colleague can't be consulted.
    """
    require_agent(conversation, agent)
    if conversation.state not in {State.ACTIVE, State.WRAP_UP}:
        raise TransitionError(
            gettext("You can only consult colleagues while the conversation is active or in wrap-up.")
        )
    if colleague.pk not in {candidate.agent.pk for candidate in consult_candidates(conversation)}:
        raise TransitionError(gettext("%(colleague)s can't be consulted right now.") % {"colleague": colleague})
    with transaction.atomic():
        add_participant(conversation, colleague, ParticipationKind.CONSULT, invited_by=agent)
        text = localized("%(by)s consulted %(colleague)s.", by=agent, colleague=colleague)
        timeline.record(conversation, TimelineEventKind.CONSULTED, text, actor=agent.user)
        publish_event(LiveEventKind.CONVERSATION, conversation)


def add_participant(
    conversation: Conversation, agent: Agent, kind: ParticipationKind, *, invited_by: Agent | None = None
) -> None:
    """Add the agent as a participant, or change the kind of their participation.

    Call it in a transaction.

    Raises:
        TransitionError: The conversation is closed, or MAX_CONSULTED colleagues are in it.
    """
    # Lock before counting: two must not take the last place at once, and nobody may join while it is being closed.
    locked = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    if locked.state == State.CLOSED:
        raise TransitionError(gettext("This conversation is closed."))
    current = conversation.participations.filter(left_at=None)
    if kind == ParticipationKind.CONSULT and current.filter(kind=kind).exclude(agent=agent).count() >= MAX_CONSULTED:
        raise TransitionError(gettext(TOO_MANY_CONSULTED) % {"most": MAX_CONSULTED})
    if current.filter(agent=agent).update(kind=kind, invited_by=invited_by):
        return
    try:
        with transaction.atomic():
            Participation.objects.create(conversation=conversation, agent=agent, kind=kind, invited_by=invited_by)
    except IntegrityError as error:  # the same button pressed twice at once
        raise TransitionError(gettext("%(agent)s is already in this conversation.") % {"agent": agent}) from error


def leave_conversation(conversation: Conversation, agent: Agent) -> None:
    """End the agent's participation; the timeline does not mention supervisors who only monitored.

    Raises:
        TransitionError: The agent does not participate.
    """
    with transaction.atomic():
        participations = conversation.participations.filter(agent=agent, left_at=None)
        kind = participations.values_list("kind", flat=True).first()
        if kind is None or not participations.update(left_at=timezone.now()):
            raise TransitionError(gettext("You are not in this conversation."))
        if kind == ParticipationKind.CONSULT:
            timeline.record(
                conversation,
                TimelineEventKind.LEFT,
                localized("%(agent)s left the conversation.", agent=agent),
                actor=agent.user,
            )
        publish_event(LiveEventKind.CONVERSATION, conversation, extra_agent_ids=[agent.pk])
