"""Typing indicator for customers, sent by the worker so that it delays no page."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from channels_whatsapp.backends import get_backend
from channels_whatsapp.backends.base import TwilioRateLimitError, TwilioRejectedError, UnknownOutcomeError
from omnichannel.conversations.access import can_reply
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Conversation, Message, MessageDirection
from omnichannel.conversations.outbound.compose import get_send_error
from omnichannel.jobs.lanes import Lease, enqueue
from routing.models import Agent

logger = logging.getLogger(__name__)

REPEAT_INTERVAL = timedelta(seconds=20)  # WhatsApp shows the indicator for 25 seconds


def request_typing_indicator(conversation: Conversation, agent: Agent, now: datetime) -> None:
    """Show the customer that an agent is typing, at most every 20 seconds and when the number allows it."""
    if (
        not conversation.number.shows_typing_indicator
        or not can_reply(agent, conversation)
        or get_send_error(conversation)
    ):
        return
    with transaction.atomic():
        is_due = Q(typing_indicator_sent_at=None) | Q(typing_indicator_sent_at__lte=now - REPEAT_INTERVAL)
        if Conversation.objects.filter(is_due, pk=conversation.pk).update(typing_indicator_sent_at=now):
            enqueue(LaneKind.TYPING, conversation.pk)


def send_typing_indicator(lease: Lease) -> None:
    """Send the indicator once; a failure is only logged.

    WhatsApp then also marks the customer's messages as read.
    """
    inbound = Message.objects.filter(conversation_id=lease.key, direction=MessageDirection.INBOUND).exclude(
        twilio_sid=""
    )
    message = inbound.select_related("conversation__number__account").order_by("-pk").first()
    if message is None:
        return
    try:
        get_backend().send_typing_indicator(message.conversation.number.account, message.twilio_sid)
    except (TwilioRateLimitError, UnknownOutcomeError, TwilioRejectedError) as error:
        logger.info("Could not send a typing indicator: %s", error)
