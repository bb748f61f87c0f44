"""Automated messages: their triggers, their texts, and when none is sent."""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import time_machine

from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.assignment import pick
from omnichannel.conversations.automated_messages import triggers
from omnichannel.conversations.automated_messages.queue_position import send_queue_positions
from omnichannel.conversations.automated_messages.triggers import MAX_PER_DAY, send_automated_message, send_due_messages
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import AutomatedMessage, Contact, Conversation, Message, MessageTrigger
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.jobs.lanes import claim_lanes, enqueue
from omnichannel.jobs.models import Lane
from routing.models import Holiday, OpeningPeriod, OperatingHours, WorkStream
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import receive_message

pytestmark = pytest.mark.django_db

FRIDAY_NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
BERLIN_ZONE = "Europe/Berlin"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(FRIDAY_NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def number(memory_backend: MemoryBackend) -> WhatsAppNumber:
    return builders.create_number()


def create_automated_message(trigger: MessageTrigger, text: str, **fields: Any) -> AutomatedMessage:
    return AutomatedMessage.objects.create(trigger=trigger, text=text, **fields)


def run_worker(*, is_routed: bool = True) -> None:
    """Run the lanes that are due and send the messages."""
    if is_routed:
        Lane.objects.filter(kind="route").delete()
    for kind, handler in ((LaneKind.AUTOMATE, send_due_messages), ("send", deliver_messages)):
        for lease in claim_lanes([kind], 50):
            lease.finish(handler(lease))


def sent_texts() -> list[str]:
    """Return the texts of all messages sent to Twilio, in order."""
    run_worker()
    return list(Message.objects.exclude(twilio_sid="").filter(direction="outbound").values_list("body", flat=True))


def set_opening_hours(number: WhatsAppNumber, *weekdays: int, **fields: Any) -> OperatingHours:
    """Set the number's operating hours to 9:00–17:00 in Berlin on these weekdays."""
    hours = OperatingHours.objects.create(name="Shop", time_zone=BERLIN_ZONE, **fields)
    for day in weekdays:
        OpeningPeriod.objects.create(hours=hours, weekday=day, opens=dt.time(9), closes=dt.time(17))
    WhatsAppNumber.objects.filter(pk=number.pk).update(operating_hours=hours)
    return hours


# -- Times -------------------------------------------------------------------------------------------------------------


def test_trigger_without_text_sends_nothing(number: WhatsAppNumber) -> None:
    conversation = receive_message(number)
    dana = builders.create_agent("Dana")
    run_worker()
    conversation.refresh_from_db()
    pick.take_conversation(conversation, dana)
    assert sent_texts() == []
    assert not Lane.objects.filter(kind__in=[LaneKind.AUTOMATE, "send"]).exists()


def test_a_new_conversation_is_greeted_once(number: WhatsAppNumber) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    receive_message(number)
    assert sent_texts() == ["Hello!"]
    receive_message(number, Body="Are you there?")
    enqueue(LaneKind.AUTOMATE, Conversation.objects.get().pk)
    assert sent_texts() == ["Hello!"]


def test_new_conversation_after_closing_is_greeted_again(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    receive_message(number)
    assert sent_texts() == ["Hello!"]
    Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
    clock.shift(3600)
    receive_message(number)
    assert sent_texts() == ["Hello!", "Hello!"]


def test_out_of_hours_message_replaces_the_greeting(number: WhatsAppNumber, clock: Any) -> None:
    set_opening_hours(number, 0, 1, 2, 3, 4)
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    create_automated_message(MessageTrigger.OUT_OF_HOURS, "We open {OpensAt}.")
    create_automated_message(MessageTrigger.OUT_OF_HOURS, "Wir öffnen {OpensAt}.", language="de")
    clock.shift(dt.timedelta(hours=8))
    receive_message(number)
    assert sent_texts() == ["We open Monday, 09:00."]
    Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
    Contact.objects.update(language="de-AT")
    receive_message(number)
    assert sent_texts()[1:] == ["Wir öffnen Montag, 09:00."]


@pytest.mark.parametrize("has_words", [True, False])
def test_holiday_message_is_sent(number: WhatsAppNumber, has_words: bool) -> None:
    hours = set_opening_hours(number, 4)
    Holiday.objects.create(hours=hours, date=FRIDAY_NOON.date(), name="Founders' day")
    create_automated_message(MessageTrigger.OUT_OF_HOURS, "We are closed.")
    if has_words:
        create_automated_message(MessageTrigger.HOLIDAY, "It is a holiday.")
    receive_message(number)
    assert sent_texts() == ["It is a holiday." if has_words else "We are closed."]


def test_while_it_is_open_the_customer_is_greeted(number: WhatsAppNumber) -> None:
    set_opening_hours(number, 4)
    create_automated_message(MessageTrigger.OUT_OF_HOURS, "We are closed.")
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    receive_message(number)
    assert sent_texts() == ["Hello!"]


def test_the_first_agent_is_announced_and_the_end(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.AGENT_ASSIGNED, "{AgentName} has joined the conversation.")
    create_automated_message(MessageTrigger.CONVERSATION_ENDED, "Good bye, {CustomerName}!")
    conversation = receive_message(number, ProfileName="Amara")
    dana, omar = builders.create_agent("Dana"), builders.create_agent("Omar")
    for agent in (dana, omar):
        conversation.refresh_from_db()
        pick.take_conversation(conversation, agent)
        run_worker()
        clock.shift(20)
        if agent == dana:
            pick.release_conversation(conversation, dana)
    close.end_conversation(conversation, omar)
    assert sent_texts() == ["Dana has joined the conversation.", "Good bye, Amara!"]


def test_agents_messages_and_automatic_ones_go_out_in_their_order(number: WhatsAppNumber) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    create_automated_message(MessageTrigger.AGENT_ASSIGNED, "Here is {AgentName}.")
    conversation = receive_message(number)
    pick.take_conversation(conversation, builders.create_agent("Dana"))
    message = Message.objects.filter(direction="outbound")
    assert sent_texts() == ["Hello!", "Here is Dana."]
    assert [(reply.author, reply.automated_trigger) for reply in message] == [
        (None, "greeting"),
        (None, "agent_assigned"),
    ]


def test_lists_go_on_showing_what_the_customer_wrote(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    conversation = receive_message(number, Body="Where is my lamp?")
    clock.shift(30)
    assert sent_texts() == ["Hello!"]
    before = (conversation.last_message, conversation.last_activity_at)
    conversation.refresh_from_db()
    assert (conversation.last_message, conversation.last_activity_at) == before


def test_overdue_automated_message_is_not_sent(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    receive_message(number)
    clock.shift(dt.timedelta(minutes=2, seconds=1))
    assert sent_texts() == []


def test_context_variables_are_filled_and_unknown_ones_left_out(number: WhatsAppNumber) -> None:
    create_automated_message(MessageTrigger.GREETING, "Thanks for writing about {$order$}{$color$}: {$amount$} €.")
    conversation = receive_message(number)
    Conversation.objects.update(context={"order": "A-17", "amount": 12.5})
    run_worker()
    greeting = conversation.messages.get(direction="outbound")
    assert greeting.body == "Thanks for writing about A-17: 12.5 €."


def test_the_greeting_waits_until_the_queue_is_known_but_not_for_ever(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.GREETING, "You wait in {QueueName}.")
    conversation = receive_message(number)
    Conversation.objects.update(queue=builders.create_queue("Lamps"))
    enqueue("route", conversation.pk)
    run_worker(is_routed=False)
    assert not Message.objects.filter(direction="outbound").exists()
    clock.shift(10)
    run_worker(is_routed=False)
    assert Message.objects.get(direction="outbound").body == "You wait in Lamps."


def test_overflow_message_is_sent_before_the_conversation_ends(number: WhatsAppNumber) -> None:
    create_automated_message(MessageTrigger.OVERFLOW, "We can't take more today.")
    conversation = receive_message(number)
    assert send_automated_message(MessageTrigger.OVERFLOW, conversation) is not None
    assert send_automated_message(MessageTrigger.OVERFLOW, conversation) is None
    Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
    assert sent_texts() == ["We can't take more today."]


# -- Texts -------------------------------------------------------------------------------------------------------------


def chosen_greeting(conversation: Conversation) -> str | None:
    return triggers.find_text(MessageTrigger.GREETING, conversation)


def test_the_work_streams_own_text_comes_first_then_the_one_in_the_customers_language(number: WhatsAppNumber) -> None:
    conversation = builders.create_conversation(number=number, contact=builders.create_contact(language="pt-BR"))
    assert chosen_greeting(conversation) is None
    create_automated_message(MessageTrigger.GREETING, "Guten Tag", language="de")
    assert chosen_greeting(conversation) is None
    for language, text in (("", "Hello"), ("pt", "Olá"), ("pt_br", "Oi")):
        create_automated_message(MessageTrigger.GREETING, text, language=language)
        assert chosen_greeting(conversation) == text
    create_automated_message(MessageTrigger.GREETING, "Not ours", work_stream=WorkStream.objects.create(name="Other"))
    create_automated_message(
        MessageTrigger.GREETING, "Switched off", work_stream=number.work_stream, language="pt-BR", is_active=False
    )
    assert chosen_greeting(conversation) == "Oi"
    create_automated_message(MessageTrigger.GREETING, "Of the stream", work_stream=number.work_stream)
    assert chosen_greeting(conversation) == "Of the stream"


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("{CustomerName}, {QueueName}", "{AgentName}, Default messaging queue"),
        ("{AgentName}{Position}{OpensAt}{Nobody}{$order$} Hi", "Hi"),
        ("{AgentName}", None),
        ("50 % {discount", "50 % {discount"),
    ],
)
def test_slugs_are_filled_once_and_unknown_ones_left_out(number: WhatsAppNumber, text: str, body: str | None) -> None:
    create_automated_message(MessageTrigger.GREETING, text)
    conversation = builders.create_conversation(number=number, contact=builders.create_contact("{AgentName}"))
    message = send_automated_message(MessageTrigger.GREETING, conversation)
    assert (message.body if message else None) == body


def test_changed_text_applies_to_later_messages(number: WhatsAppNumber) -> None:
    automated_message = create_automated_message(MessageTrigger.GREETING, "Hello")
    receive_message(number, From="whatsapp:+4915112345670")
    assert sent_texts() == ["Hello"]
    automated_message.text = "Welcome"
    automated_message.save()
    receive_message(number, From="whatsapp:+4915112345671")
    assert sent_texts() == ["Hello", "Welcome"]


# -- When no message is sent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "fields"),
    [
        ({"opted_out_at": FRIDAY_NOON}, {}),
        ({"blocked_at": FRIDAY_NOON}, {}),
        ({}, {"window_closes_at": FRIDAY_NOON - dt.timedelta(seconds=1)}),
        ({}, {"window_closes_at": None}),
    ],
)
def test_no_automated_message_where_an_agent_could_not_reply(
    number: WhatsAppNumber, contact: dict[str, Any], fields: dict[str, Any]
) -> None:
    create_automated_message(MessageTrigger.CONVERSATION_ENDED, "Good bye!")
    conversation = builders.create_conversation(number=number, contact=builders.create_contact(**contact), **fields)
    assert send_automated_message(MessageTrigger.CONVERSATION_ENDED, conversation) is None


def test_automated_messages_per_customer_are_limited_per_day(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    for _ in range(MAX_PER_DAY + 3):
        receive_message(number)
        run_worker()
        Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
        clock.shift(60)
    assert len(sent_texts()) == MAX_PER_DAY
    clock.shift(dt.timedelta(hours=24))
    receive_message(number)
    assert len(sent_texts()) == MAX_PER_DAY + 1


def test_auto_responder_loop_is_stopped(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    for _ in range(6):
        receive_message(number)  # one second after our message
        run_worker()
        Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
        clock.shift(1)
    assert len(sent_texts()) == 2


def test_customer_with_normal_pauses_is_not_treated_as_a_bot() -> None:
    reply_times = [FRIDAY_NOON + dt.timedelta(minutes=minute) for minute in range(3)]
    soon, late = dt.timedelta(seconds=2), dt.timedelta(seconds=2.1)
    assert not triggers.is_automated_sender(reply_times, [at + late for at in reply_times])
    assert not triggers.is_automated_sender(reply_times, [reply_times[0] + soon, reply_times[0] + soon, reply_times[1]])
    assert triggers.is_automated_sender(reply_times, [reply_times[0] + soon, reply_times[2] + soon])


def test_number_that_never_opens_has_no_opening_time(number: WhatsAppNumber) -> None:
    create_automated_message(MessageTrigger.OUT_OF_HOURS, "We are closed. {OpensAt}")
    OperatingHours.objects.filter(pk=set_opening_hours(number).pk).update(time_zone="Nowhere/At all")
    receive_message(number)
    assert sent_texts() == ["We are closed."]


@pytest.mark.django_db(transaction=True)
def test_concurrent_agent_and_automated_replies_do_not_deadlock(
    number: WhatsAppNumber,
) -> None:
    create_automated_message(MessageTrigger.GREETING, "Hello!")
    dana = builders.create_agent("Dana")
    conversation = builders.create_conversation(number=number, agent=dana)
    replies = [partial(send_reply, conversation, author=dana.user, text=f"Answer {n}") for n in range(4)]
    greetings = [
        partial(send_automated_message, MessageTrigger.GREETING, Conversation.objects.get(pk=conversation.pk))
        for _ in range(4)
    ]
    outcomes = run_concurrently(*replies, *greetings)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert sorted(Message.objects.values_list("body", flat=True)) == [*(f"Answer {n}" for n in range(4)), "Hello!"]


# -- Position in the queue ---------------------------------------------------------------------------------------------


def test_waiting_customer_is_sent_their_queue_position_and_changes(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.QUEUE_POSITION, "You are number {Position}.")
    waiting = [
        builders.create_conversation(number=number, queued_at=FRIDAY_NOON + dt.timedelta(seconds=place))
        for place in range(3)
    ]
    assert send_queue_positions() == 0  # An agent may still take them.
    clock.shift(20)
    assert (send_queue_positions(), send_queue_positions()) == (3, 0)
    assert sent_texts() == ["You are number 1.", "You are number 2.", "You are number 3."]
    pick.take_conversation(waiting[0], builders.create_agent("Dana"))
    clock.shift(60)
    assert send_queue_positions() == 0
    clock.shift(dt.timedelta(minutes=2))
    assert send_queue_positions() == 2
    assert sent_texts()[3:] == ["You are number 1.", "You are number 2."]
    clock.shift(dt.timedelta(minutes=5))
    assert send_queue_positions() == 0


def test_positions_are_counted_per_queue(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.QUEUE_POSITION, "{Position} in {QueueName}")
    urgent = builders.create_queue("Urgent")
    urgent.closing_windows_first = True
    urgent.save()
    for hours_ago in (1, 20):
        builders.create_conversation(
            number=number, queue=urgent, last_inbound_at=FRIDAY_NOON - dt.timedelta(hours=hours_ago)
        )
    builders.create_conversation(number=number)
    clock.shift(20)
    assert send_queue_positions() == 3
    positions = Message.objects.filter(direction="outbound").values_list("body", "conversation__last_inbound_at")
    assert set(positions) == {
        ("1 in Urgent", FRIDAY_NOON - dt.timedelta(hours=20)),
        ("2 in Urgent", FRIDAY_NOON - dt.timedelta(hours=1)),
        ("1 in Default messaging queue", FRIDAY_NOON),
    }


def test_no_position_message_out_of_hours_or_while_offered(number: WhatsAppNumber, clock: Any) -> None:
    create_automated_message(MessageTrigger.QUEUE_POSITION, "You are number {Position}.")
    expires_at = FRIDAY_NOON + dt.timedelta(minutes=2)
    builders.create_conversation(number=number, offered_to=builders.create_agent("Dana"), offer_expires_at=expires_at)
    closed = builders.create_number()
    set_opening_hours(closed, 0)
    builders.create_conversation(number=closed)
    clock.shift(20)
    assert send_queue_positions() == 0


def test_positions_are_not_computed_without_a_text(
    number: WhatsAppNumber, clock: Any, django_assert_num_queries: Any
) -> None:
    builders.create_conversation(number=number)
    clock.shift(20)
    with django_assert_num_queries(1):
        assert send_queue_positions() == 0
