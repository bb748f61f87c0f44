"""The customer sees that somebody types: seldom, only where that is wanted, and whatever Twilio says to it."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.backends.base import OutcomeUnknown, TwilioRefused
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
    return builders.agent("Dana")


@pytest.fixture
def conversation(dana: Agent, twilio: MemoryBackend) -> Conversation:
    return builders.conversation(with_agent=dana)


def type_at(conversation: Conversation, agent: Agent, seconds: float = 0) -> None:
    """The agent types, and the worker does what there is to do."""
    request_typing_indicator(conversation, agent, timezone.now() + dt.timedelta(seconds=seconds))
    for lease in claim_lanes([LaneKind.TYPING], 10):
        lease.finish(send_typing_indicator(lease))


def test_it_is_told_with_the_customers_newest_message_every_twenty_seconds_at_most(
    conversation: Conversation, dana: Agent, twilio: MemoryBackend
) -> None:
    builders.inbound(conversation)
    newest = builders.inbound(conversation, "And?")
    builders.outbound(conversation)
    for seconds in (0, 1, 10, 19):
        type_at(conversation, dana, seconds)
    assert twilio.typed == [newest.twilio_sid]
    type_at(conversation, dana, REPEAT_INTERVAL.total_seconds() + 1)
    assert len(twilio.typed) == 2


@pytest.mark.parametrize("why", ["switched off", "window", "opted out", "blocked", "of another", "not active"])
def test_it_is_not_told_where_nothing_could_be_sent_or_it_is_switched_off(
    conversation: Conversation, dana: Agent, twilio: MemoryBackend, why: str
) -> None:
    builders.inbound(conversation)
    now = timezone.now()
    conversation.number.shows_typing = why != "switched off"
    Conversation.objects.update(
        window_closes_at=now - dt.timedelta(seconds=1) if why == "window" else now + dt.timedelta(hours=1),
        state=State.WAITING if why == "not active" else State.ACTIVE,
    )
    if why in {"opted out", "blocked"}:
        Contact.objects.update(**{"opted_out_at" if why == "opted out" else "blocked_at": now})
    number = conversation.number
    asked: Any = Conversation.objects.select_related("contact").get(pk=conversation.pk)
    asked.number = number
    type_at(asked, builders.agent("Omar") if why == "of another" else dana)
    assert not twilio.typed


@pytest.mark.parametrize("error", [OutcomeUnknown("time-out"), TwilioRefused(20404, "Not found", 404)])
def test_what_twilio_says_to_it_is_no_more_than_a_line_in_the_log(
    conversation: Conversation,
    dana: Agent,
    twilio: MemoryBackend,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    builders.inbound(conversation)
    twilio.answers.append(error)
    with caplog.at_level("INFO"):
        type_at(conversation, dana)
    assert "could not be shown that somebody types" in caplog.text
    assert not claim_lanes([LaneKind.TYPING], 10)


def test_a_customer_who_never_wrote_here_is_not_told(
    conversation: Conversation, dana: Agent, twilio: MemoryBackend
) -> None:
    type_at(conversation, dana)
    assert not twilio.typed
