"""The agent's own status: presence, free capacity, offers and the last missed offer."""

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
    FailedReply,
    Message,
    MessageDirection,
    Offer,
    OfferOutcome,
)
from omnichannel.conversations.outbound.failed_replies import MAX_NOTICES, get_failed_replies
from omnichannel.desk.shared.message_preview import MAX_PREVIEW_LENGTH, summarize_message
from routing.agents import get_selectable_presences
from routing.models import Agent, BasePresence, Presence


@dataclass(frozen=True)
class OfferCard:
    """A conversation that is offered, with the customer's last message and the seconds left to accept it."""

    conversation: Conversation
    icon: str
    text: str
    seconds_left: int

    @property
    def element_id(self) -> str:
        """Return the id of the card on the page; a new offer of the same conversation gets another."""
        expires_at = self.conversation.offer_expires_at
        return f"offer-{self.conversation.pk}-{expires_at.timestamp() if expires_at else 0:.0f}"

    @property
    def time_left(self) -> str:
        """The time left as minutes and seconds."""
        return f"{self.seconds_left // 60}:{self.seconds_left % 60:02}"


@dataclass(frozen=True)
class AgentStatus:
    """The status that the page header and the status page show."""

    agent: Agent
    presences: Sequence[Presence]
    free_capacity: int
    offers: Sequence[OfferCard]
    missed_offer: Offer | None
    failed_replies: Sequence[FailedReply] = ()

    @property
    def is_inactive(self) -> bool:
        """Return whether the system has set the agent Inactive; they get no work until they come back."""
        return self.agent.presence.base_status == BasePresence.INACTIVE

    @property
    def version(self) -> str:
        """Changes whenever the presence menu would look different."""
        choices = (f" {choice.pk} {choice.text}" for choice in self.presences)
        return f"{self.agent.presence.text} {self.free_capacity} {self.agent.capacity}{''.join(choices)}"

    @property
    def capacity_label(self) -> str:
        """The free capacity in words."""
        return _("%(free)s of %(capacity)s free") % {"free": self.free_capacity, "capacity": self.agent.capacity}


def get_agent_status(agent: Agent) -> AgentStatus:
    """Return the agent's current status."""
    return AgentStatus(
        agent=agent,
        presences=list(get_selectable_presences()),
        free_capacity=max(0, agent.capacity - used_capacity([agent.pk])[agent.pk]),
        offers=_offer_cards(list(_offered_conversations(agent))),
        missed_offer=_last_missed_offer(agent),
        failed_replies=list(get_failed_replies(agent)[:MAX_NOTICES]),
    )


def _offered_conversations(agent: Agent) -> ConversationQuerySet:
    messages = Message.objects.filter(conversation=OuterRef("pk"), direction=MessageDirection.INBOUND).order_by("-pk")
    files = Attachment.objects.filter(
        message__conversation=OuterRef("pk"), message__direction=MessageDirection.INBOUND
    ).order_by("-message_id")
    conversations = Conversation.objects.filter(offered_to=agent, offer_expires_at__gt=timezone.now())
    return (
        conversations.select_related("contact", "queue", "work_stream")
        .annotate(
            last_inbound_pk=Subquery(messages.values("pk")[:1]), file_type=Subquery(files.values("declared_type")[:1])
        )
        .order_by("offer_expires_at", "pk")
    )


def _offer_cards(conversations: list[Any]) -> list[OfferCard]:
    pks = [conversation.last_inbound_pk for conversation in conversations]
    messages = Message.objects.in_bulk(pks) if conversations else {}
    return [
        _offer_card(conversation, messages.get(conversation.last_inbound_pk), conversation.file_type or "")
        for conversation in conversations
    ]


def _offer_card(conversation: Conversation, message: Message | None, file_type: str) -> OfferCard:
    icon, text = summarize_message(message, file_type) if message else ("", "")
    expires_at = conversation.offer_expires_at
    seconds = (expires_at - timezone.now()).total_seconds() if expires_at else 0
    return OfferCard(conversation, icon, text[:MAX_PREVIEW_LENGTH], max(0, round(seconds)))


def _last_missed_offer(agent: Agent) -> Offer | None:
    """Return the offer an Inactive agent did not accept in time; None for every other agent."""
    if agent.presence.base_status != BasePresence.INACTIVE:
        return None
    offers = Offer.objects.filter(agent=agent, outcome=OfferOutcome.TIMED_OUT)
    return offers.select_related("conversation__contact").order_by("-decided_at", "-pk").first()
