"""The typing indicator is sent rarely, only if enabled, and ignores Twilio's errors."""

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
def conversation(dana: Agent, memory_backend: MemoryBackend) -> Conversation:
    return builders.create_conversation(agent=dana)


def send_typing(conversation: Conversation, agent: Agent, seconds: float = 0) -> None:
    """Request the typing indicator for an agent and run the lane."""
    request_typing_indicator(conversation, agent, timezone.now() + dt.timedelta(seconds=seconds))
    for lease in claim_lanes([LaneKind.TYPING], 10):
        send_typing_indicator(lease)
        lease.finish(None)


def test_typing_is_sent_at_most_every_twenty_seconds(
    conversation: Conversation, dana: Agent, memory_backend: MemoryBackend
) -> None:
    builders.create_inbound_message(conversation)
    newest = builders.create_inbound_message(conversation, "And?")
    builders.create_outbound_message(conversation)
    for seconds in (0, 1, 10, 19):
        send_typing(conversation, dana, seconds)
    assert memory_backend.typing_indicators == [newest.twilio_sid]
    send_typing(conversation, dana, REPEAT_INTERVAL.total_seconds() + 1)
    assert len(memory_backend.typing_indicators) == 2


@pytest.mark.parametrize("refusal", ["switched off", "window", "opted out", "blocked", "of another", "not active"])
def test_typing_is_not_sent_where_replies_are_refused_or_it_is_disabled(
    conversation: Conversation, dana: Agent, memory_backend: MemoryBackend, refusal: str
) -> None:
    builders.create_inbound_message(conversation)
    now = timezone.now()
    conversation.number.shows_typing_indicator = refusal != "switched off"
    Conversation.objects.update(
        window_closes_at=now - dt.timedelta(seconds=1) if refusal == "window" else now + dt.timedelta(hours=1),
        state=State.WAITING if refusal == "not active" else State.ACTIVE,
    )
    if refusal in {"opted out", "blocked"}:
        Contact.objects.update(**{"opted_out_at" if refusal == "opted out" else "blocked_at": now})
    number = conversation.number
    stale_conversation: Any = Conversation.objects.select_related("contact").get(pk=conversation.pk)
    stale_conversation.number = number
    send_typing(stale_conversation, builders.create_agent("Omar") if refusal == "of another" else dana)
    assert not memory_backend.typing_indicators


@pytest.mark.parametrize("error", [UnknownOutcomeError("time-out"), TwilioRejectedError(20404, "Not found", 404)])
def test_typing_error_is_only_logged(
    conversation: Conversation,
    dana: Agent,
    memory_backend: MemoryBackend,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    builders.create_inbound_message(conversation)
    memory_backend.errors_to_raise.append(error)
    with caplog.at_level("INFO"):
        send_typing(conversation, dana)
    assert "Could not send a typing indicator" in caplog.text
    assert not claim_lanes([LaneKind.TYPING], 10)


def test_typing_is_not_sent_to_a_customer_who_never_wrote(
    conversation: Conversation, dana: Agent, memory_backend: MemoryBackend
) -> None:
    send_typing(conversation, dana)
    assert not memory_backend.typing_indicators
