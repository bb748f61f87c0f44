"""Where an agent stands: what they show, how much they can still take on, what is offered to them, what they missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from omnichannel.conversations.agent_load import used_capacity
from omnichannel.conversations.models import (
    Attachment,
    Conversation,
    ConversationQuerySet,
    Message,
    MessageDirection,
    Offer,
    OfferOutcome,
)
from omnichannel.desk.shared.message_preview import MAX_PREVIEW_LENGTH, summarize_message
from routing.agents import get_selectable_presences
from routing.models import Agent, BasePresence, Presence


@dataclass(frozen=True)
class OfferCard:
    """A conversation that is offered, in words, and the seconds there are left to accept it."""

    conversation: Conversation
    icon: str
    text: str
    seconds_left: int

    @property
    def element_id(self) -> str:
        """The same for as long as the offer stands; another when it is offered anew."""
        until = self.conversation.offer_expires_at
        return f"offer-{self.conversation.pk}-{until.timestamp() if until else 0:.0f}"


@dataclass(frozen=True)
class AgentStatus:
    agent: Agent
    presences: Sequence[Presence]
    free_capacity: int
    offers: Sequence[OfferCard]
    missed_offer: Offer | None

    @property
    def is_inactive(self) -> bool:
        """The system has set the agent Inactive; they get no work until they come back."""
        return self.agent.presence.base_status == BasePresence.INACTIVE

    @property
    def version(self) -> str:
        """Changes whenever the presence menu would look different."""
        choices = (f" {choice.pk} {choice.text}" for choice in self.presences)
        return f"{self.agent.presence.text} {self.free_capacity} {self.agent.capacity}{''.join(choices)}"

    @property
    def free_words(self) -> str:
        """The free capacity in words."""
        return _("%(free)s of %(capacity)s free") % {"free": self.free_capacity, "capacity": self.agent.capacity}


def get_agent_status(agent: Agent) -> AgentStatus:
    """As it is at this moment."""
    return AgentStatus(
        agent=agent,
        presences=list(get_selectable_presences()),
        free_capacity=max(0, agent.capacity - used_capacity([agent.pk])[agent.pk]),
        offers=_offer_cards(list(_offered_conversations(agent))),
        missed_offer=_last_missed_offer(agent),
    )


def _offered_conversations(agent: Agent) -> ConversationQuerySet:
    newest = Message.objects.filter(conversation=OuterRef("pk"), direction=MessageDirection.INBOUND).order_by("-pk")
    theirs = Attachment.objects.filter(
        message__conversation=OuterRef("pk"), message__direction=MessageDirection.INBOUND
    )
    file = theirs.order_by("-message_id")
    offered = Conversation.objects.filter(offered_to=agent, offer_expires_at__gt=timezone.now())
    return (
        offered.select_related("contact", "queue", "work_stream")
        .annotate(said=Subquery(newest.values("pk")[:1]), file_type=Subquery(file.values("declared_type")[:1]))
        .order_by("offer_expires_at", "pk")
    )


def _offer_cards(offered: list[Any]) -> list[OfferCard]:
    said = Message.objects.in_bulk([one.said for one in offered]) if offered else {}
    return [_offer_card(one, said.get(one.said), one.file_type or "") for one in offered]


def _offer_card(conversation: Conversation, said: Message | None, file_type: str) -> OfferCard:
    icon, text = summarize_message(said, file_type) if said else ("", "")
    until = conversation.offer_expires_at
    left = (until - timezone.now()).total_seconds() if until else 0
    return OfferCard(conversation, icon, text[:MAX_PREVIEW_LENGTH], max(0, round(left)))


def _last_missed_offer(agent: Agent) -> Offer | None:
    """What an agent who is Inactive for it did not accept in time; None for anybody else."""
    if agent.presence.base_status != BasePresence.INACTIVE:
        return None
    missed = Offer.objects.filter(agent=agent, outcome=OfferOutcome.TIMED_OUT)
    return missed.select_related("conversation__contact").order_by("-decided_at", "-pk").first()
