"""The customer sees that somebody types: seldom, only where that is wanted, and whatever Twilio says to it."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.backends.base import TwilioRejectedError, UnknownOutcomeError
from channels_whatsapp.backends.memory import MemoryBackend
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Contact, Conversation
from omnichannel.conversations.outbound.typing_indicator import (
    REPEAT_INTERVAL,
    request_typing_indicator,
    send_typing_indicator,
)
from omnichannel.jobs.lanes import claim_lanes
from routing.models import Agent, State
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(db: None) -> Agent:
    return builders.create_agent("Dana")


@pytest.fixture
def conversation(dana: Agent, twilio: MemoryBackend) -> Conversation:
    return builders.create_conversation(agent=dana)


def send_typing(conversation: Conversation, agent: Agent, seconds: float = 0) -> None:
    """The agent types, and the worker does what there is to do."""
    request_typing_indicator(conversation, agent, timezone.now() + dt.timedelta(seconds=seconds))
    for lease in claim_lanes([LaneKind.TYPING], 10):
        lease.finish(send_typing_indicator(lease))


def test_typing_is_sent_at_most_every_twenty_seconds(
    conversation: Conversation, dana: Agent, twilio: MemoryBackend
) -> None:
    builders.create_inbound_message(conversation)
    newest = builders.create_inbound_message(conversation, "And?")
    builders.create_outbound_message(conversation)
    for seconds in (0, 1, 10, 19):
        send_typing(conversation, dana, seconds)
    assert twilio.typing_indicators == [newest.twilio_sid]
    send_typing(conversation, dana, REPEAT_INTERVAL.total_seconds() + 1)
    assert len(twilio.typing_indicators) == 2


@pytest.mark.parametrize("why", ["switched off", "window", "opted out", "blocked", "of another", "not active"])
def test_typing_is_not_sent_where_replies_are_refused_or_it_is_disabled(
    conversation: Conversation, dana: Agent, twilio: MemoryBackend, why: str
) -> None:
    builders.create_inbound_message(conversation)
    now = timezone.now()
    conversation.number.shows_typing_indicator = why != "switched off"
    Conversation.objects.update(
        window_closes_at=now - dt.timedelta(seconds=1) if why == "window" else now + dt.timedelta(hours=1),
        state=State.WAITING if why == "not active" else State.ACTIVE,
    )
    if why in {"opted out", "blocked"}:
        Contact.objects.update(**{"opted_out_at" if why == "opted out" else "blocked_at": now})
    number = conversation.number
    asked: Any = Conversation.objects.select_related("contact").get(pk=conversation.pk)
    asked.number = number
    send_typing(asked, builders.create_agent("Omar") if why == "of another" else dana)
    assert not twilio.typing_indicators


@pytest.mark.parametrize("error", [UnknownOutcomeError("time-out"), TwilioRejectedError(20404, "Not found", 404)])
def test_typing_error_is_only_logged(
    conversation: Conversation,
    dana: Agent,
    twilio: MemoryBackend,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    builders.create_inbound_message(conversation)
    twilio.errors_to_raise.append(error)
    with caplog.at_level("INFO"):
        send_typing(conversation, dana)
    assert "Could not send a typing indicator" in caplog.text
    assert not claim_lanes([LaneKind.TYPING], 10)


def test_typing_is_not_sent_to_a_customer_who_never_wrote(
    conversation: Conversation, dana: Agent, twilio: MemoryBackend
) -> None:
    send_typing(conversation, dana)
    assert not twilio.typing_indicators
