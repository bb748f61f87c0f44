"""Inbound messages: their conversation, its agent, and the 24-hour window."""

import datetime as dt
import time
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from channels_whatsapp.combining_marks import JOINER, make_stream_safe
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppNumber
from omnichannel.conversations.models import Conversation, Message
from omnichannel.events.models import Event
from routing.models import Presence, Queue, State
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import load_payload, post_webhook, receive_message, with_new_message_sid

pytestmark = pytest.mark.django_db

PHONE_ADDRESS = "whatsapp:+4915112345678"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def test_a_first_message_starts_a_conversation_that_waits_in_the_default_queue(number: WhatsAppNumber) -> None:
    conversation = receive_message(number)
    assert (conversation.state, conversation.agent, conversation.queue) == ("open", None, Queue.objects.get_default())
    assert conversation.events.get().kind == "created"


def test_a_first_message_goes_to_the_queue_of_the_work_stream(number: WhatsAppNumber) -> None:
    orders = builders.create_queue("Orders")
    builders.update_work_stream(fallback_queue=orders)
    assert receive_message(number).queue == orders


def test_further_messages_go_into_the_open_conversation(number: WhatsAppNumber) -> None:
    first, second = receive_message(number), receive_message(number, Body="Are you there?")
    assert first.pk == second.pk
    assert (second.unread_count, str(second.last_message and second.last_message.body)) == (2, "Are you there?")


def test_each_of_our_numbers_has_a_conversation_of_its_own(number: WhatsAppNumber) -> None:
    other = builders.create_number(number.account)
    assert receive_message(number).pk != receive_message(other).pk


def test_a_message_after_the_close_starts_a_new_conversation(number: WhatsAppNumber) -> None:
    old = receive_message(number)
    Conversation.objects.update(state=State.CLOSED, closed_at=timezone.now())
    new = receive_message(number)
    assert (new.pk != old.pk, new.state, new.contact_id) == (True, State.OPEN, old.contact_id)
    old.refresh_from_db()
    assert (old.state, old.messages.count()) == (State.CLOSED, 1)


@pytest.mark.parametrize("state", [State.ACTIVE, State.WRAP_UP])
def test_a_message_leaves_an_agents_conversation_with_the_agent(number: WhatsAppNumber, state: State) -> None:
    dana = builders.create_agent("Dana")
    of = builders.create_contact(address=PHONE_ADDRESS)
    builders.create_conversation(number=number, contact=of, agent=dana, state=state)
    assert (receive_message(number).state, receive_message(number).agent) == (state, dana)


@pytest.mark.parametrize(
    ("presence", "keeps", "state"),
    [
        ("available", True, State.ACTIVE),
        ("busy", True, State.ACTIVE),
        ("away", True, State.OPEN),
        ("offline", True, State.OPEN),
        ("available", False, State.OPEN),
    ],
)
def test_a_waiting_customer_who_writes_goes_back_to_the_same_agent_or_to_the_queue(
    number: WhatsAppNumber, presence: str, keeps: bool, state: State
) -> None:
    builders.update_work_stream(keep_same_agent=keeps)
    dana = builders.create_agent("Dana", presence=presence)
    of = builders.create_contact(address=PHONE_ADDRESS)
    builders.create_conversation(number=number, contact=of, agent=dana, state=State.WAITING)
    conversation = receive_message(number)
    assert conversation.state == state
    assert conversation.agent == (dana if state == State.ACTIVE else None)


def test_a_conversation_does_not_go_back_to_somebody_who_has_left_the_company(number: WhatsAppNumber) -> None:
    dana = builders.create_agent("Dana")
    dana.user.is_active = False
    dana.user.save()
    of = builders.create_contact(address=PHONE_ADDRESS)
    builders.create_conversation(number=number, contact=of, agent=dana, state=State.WAITING)
    assert receive_message(number).state == State.OPEN


def test_allowed_presences_decide_who_gets_a_conversation_back(number: WhatsAppNumber) -> None:
    builders.update_work_stream(allowed_presences=["away"])
    dana = builders.create_agent("Dana", presence="away")
    of = builders.create_contact(address=PHONE_ADDRESS)
    builders.create_conversation(number=number, contact=of, agent=dana, state=State.WAITING)
    assert receive_message(number).agent == dana
    assert Presence.objects.get(agents=dana).base_status == "away"


def test_the_window_closes_24_hours_after_the_latest_message(number: WhatsAppNumber) -> None:
    with time_machine.travel(NOON, tick=False):
        conversation = receive_message(number)
    assert conversation.window_closes_at == NOON + dt.timedelta(hours=24)
    with time_machine.travel(NOON + dt.timedelta(hours=5), tick=False):
        assert receive_message(number).window_closes_at == NOON + dt.timedelta(hours=29)


def test_late_message_does_not_shorten_the_window(number: WhatsAppNumber) -> None:
    with time_machine.travel(NOON, tick=False):
        before = receive_message(number)
    with time_machine.travel(NOON - dt.timedelta(hours=3), tick=False):
        after = receive_message(number, Body="From before")
    assert (after.window_closes_at, after.last_inbound_at) == (before.window_closes_at, before.last_inbound_at)
    assert after.last_activity_at == NOON


def test_late_message_in_a_new_conversation_does_not_shorten_the_window(number: WhatsAppNumber) -> None:
    with time_machine.travel(NOON, tick=False):
        closed = receive_message(number)
        Conversation.objects.update(state=State.CLOSED, closed_at=NOON)
    with time_machine.travel(NOON - dt.timedelta(hours=3), tick=False):
        after = receive_message(number, Body="From before")
    assert after.pk != closed.pk
    assert after.window_closes_at == NOON + dt.timedelta(hours=24)


def test_a_message_of_combining_marks_is_filed_at_once(number: WhatsAppNumber) -> None:
    marks = "a" + "\u0301" * 30_000 + "\u0327" * 30_000
    begin = time.monotonic()
    receive_message(number, Body=marks, ProfileName=marks)
    assert time.monotonic() - begin < 15  # PostgreSQL needed 50 to sort them for its full-text index.
    message = Message.objects.get()
    assert message.body.replace(JOINER, "") == marks
    assert message.conversation.contact.profile_name == make_stream_safe(marks)[:200]


def test_message_publishes_events_to_everyone_with_access(number: WhatsAppNumber) -> None:
    conversation = receive_message(number)
    event = Event.objects.get(kind="message")
    assert (event.subject_id, event.part_id) == (conversation.pk, Message.objects.get().pk)
    assert event.topics == ["all", f"queue:{conversation.queue_id}"]


def receive_concurrently(number: WhatsAppNumber, *senders: str, **changed: Any) -> None:
    url = number.account.inbound_url
    forms = [with_new_message_sid(load_payload("text", number, From=sender, **changed)) for sender in senders]
    answers = run_concurrently(*[lambda form=form: post_webhook(url, form).status_code for form in forms])
    assert answers == [200] * len(senders)
    # Immediately, without waiting for the retry some seconds later.
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {DeliveryState.APPLIED}


@pytest.mark.django_db(transaction=True)
def test_twenty_first_messages_at_once_make_one_conversation(number: WhatsAppNumber) -> None:
    receive_concurrently(number, *[PHONE_ADDRESS] * 20)
    conversation = Conversation.objects.get()
    assert (conversation.messages.count(), conversation.unread_count) == (20, 20)


@pytest.mark.django_db(transaction=True)
def test_a_new_customer_seen_under_both_addresses_at_once_is_one_contact(number: WhatsAppNumber) -> None:
    scoped = "whatsapp:US.13491208655302741918"
    receive_concurrently(number, *[PHONE_ADDRESS, scoped] * 6, ExternalUserId=scoped)
    conversation = Conversation.objects.get()
    assert conversation.messages.count() == 12


@pytest.mark.django_db(transaction=True)
def test_a_known_customers_messages_at_once_after_the_close_make_one_new_conversation(number: WhatsAppNumber) -> None:
    builders.create_conversation(
        number=number, contact=builders.create_contact(address=PHONE_ADDRESS), state=State.CLOSED, closed_at=NOON
    )
    receive_concurrently(number, *[PHONE_ADDRESS] * 16)
    assert Conversation.objects.get(closed_at=None).messages.count() == 16
