"""What the desk says by itself: when, in which words, and when it keeps silent."""

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
from tests.concurrency import at_once
from tests.webhook_client import another, deliver, recorded

pytestmark = pytest.mark.django_db

FRIDAY_NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(FRIDAY_NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def number(twilio: MemoryBackend) -> WhatsAppNumber:
    return builders.number()


def text(trigger: MessageTrigger, words: str, **fields: Any) -> AutomatedMessage:
    return AutomatedMessage.objects.create(trigger=trigger, text=words, **fields)


def writes(number: WhatsAppNumber, **changed: Any) -> Conversation:
    form = another(recorded("text", number, **changed))
    assert deliver(number.account.inbound_url, form).status_code == 200
    return Conversation.objects.get(messages__twilio_sid=form["MessageSid"])


def work(*, is_routed: bool = True) -> None:
    """What the worker says and sends now."""
    if is_routed:
        Lane.objects.filter(kind="route").delete()
    for kind, handler in ((LaneKind.AUTOMATE, send_due_messages), ("send", deliver_messages)):
        for lease in claim_lanes([kind], 50):
            lease.finish(handler(lease))


def said() -> list[str]:
    """All that Twilio was given, in its order."""
    work()
    return list(Message.objects.exclude(twilio_sid="").filter(direction="outbound").values_list("body", flat=True))


def open_on(number: WhatsAppNumber, *weekdays: int, **fields: Any) -> OperatingHours:
    """The number is open from 9 to 17 in Berlin on these days."""
    hours = OperatingHours.objects.create(name="Shop", time_zone=BERLIN, **fields)
    for day in weekdays:
        OpeningPeriod.objects.create(hours=hours, weekday=day, opens=dt.time(9), closes=dt.time(17))
    WhatsAppNumber.objects.filter(pk=number.pk).update(operating_hours=hours)
    return hours


# -- When --------------------------------------------------------------------------------------------------------------


def test_nothing_is_said_for_which_no_text_is_written(number: WhatsAppNumber) -> None:
    conversation = writes(number)
    dana = builders.agent("Dana")
    work()
    conversation.refresh_from_db()
    pick.take_conversation(conversation, dana)
    assert said() == []
    assert not Lane.objects.filter(kind__in=[LaneKind.AUTOMATE, "send"]).exists()


def test_a_new_conversation_is_greeted_once(number: WhatsAppNumber) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    writes(number)
    assert said() == ["Hello!"]
    writes(number, Body="Are you there?")
    enqueue(LaneKind.AUTOMATE, Conversation.objects.get().pk)
    assert said() == ["Hello!"]


def test_who_writes_again_after_the_close_is_greeted_again(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    writes(number)
    assert said() == ["Hello!"]
    Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
    clock.shift(3600)
    writes(number)
    assert said() == ["Hello!", "Hello!"]


def test_out_of_hours_the_customer_hears_when_it_opens_instead_of_a_greeting(
    number: WhatsAppNumber, clock: Any
) -> None:
    open_on(number, 0, 1, 2, 3, 4)
    text(MessageTrigger.GREETING, "Hello!")
    text(MessageTrigger.OUT_OF_HOURS, "We open {OpensAt}.")
    text(MessageTrigger.OUT_OF_HOURS, "Wir öffnen {OpensAt}.", language="de")
    clock.shift(dt.timedelta(hours=8))
    writes(number)
    assert said() == ["We open Monday, 09:00."]
    Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
    Contact.objects.update(language="de-AT")
    writes(number)
    assert said()[1:] == ["Wir öffnen Montag, 09:00."]


@pytest.mark.parametrize("has_words", [True, False])
def test_on_a_holiday_the_customer_is_told_so(number: WhatsAppNumber, has_words: bool) -> None:
    hours = open_on(number, 4)
    Holiday.objects.create(hours=hours, date=FRIDAY_NOON.date(), name="Founders' day")
    text(MessageTrigger.OUT_OF_HOURS, "We are closed.")
    if has_words:
        text(MessageTrigger.HOLIDAY, "It is a holiday.")
    writes(number)
    assert said() == ["It is a holiday." if has_words else "We are closed."]


def test_while_it_is_open_the_customer_is_greeted(number: WhatsAppNumber) -> None:
    open_on(number, 4)
    text(MessageTrigger.OUT_OF_HOURS, "We are closed.")
    text(MessageTrigger.GREETING, "Hello!")
    writes(number)
    assert said() == ["Hello!"]


def test_the_first_agent_is_announced_and_the_end(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.AGENT_ASSIGNED, "{AgentName} has joined the conversation.")
    text(MessageTrigger.ENDED, "Good bye, {CustomerName}!")
    conversation = writes(number, ProfileName="Amara")
    dana, omar = builders.agent("Dana"), builders.agent("Omar")
    for agent in (dana, omar):
        conversation.refresh_from_db()
        pick.take_conversation(conversation, agent)
        work()
        clock.shift(20)
        if agent == dana:
            pick.release_conversation(conversation, dana)
    close.end_conversation(conversation, omar)
    assert said() == ["Dana has joined the conversation.", "Good bye, Amara!"]


def test_agents_messages_and_automatic_ones_go_out_in_their_order(number: WhatsAppNumber) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    text(MessageTrigger.AGENT_ASSIGNED, "Here is {AgentName}.")
    conversation = writes(number)
    pick.take_conversation(conversation, builders.agent("Dana"))
    message = Message.objects.filter(direction="outbound")
    assert said() == ["Hello!", "Here is Dana."]
    assert [(one.author, one.content["automated"]) for one in message] == [(None, "greeting"), (None, "agent_assigned")]


def test_lists_go_on_showing_what_the_customer_wrote(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    conversation = writes(number, Body="Where is my lamp?")
    clock.shift(30)
    assert said() == ["Hello!"]
    before = (conversation.last_message, conversation.last_activity_at)
    conversation.refresh_from_db()
    assert (conversation.last_message, conversation.last_activity_at) == before


def test_what_comes_too_late_is_not_said(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    writes(number)
    clock.shift(dt.timedelta(minutes=2, seconds=1))
    assert said() == []


def test_context_variables_are_said_and_those_not_known_are_left_out(number: WhatsAppNumber) -> None:
    text(MessageTrigger.GREETING, "Thanks for writing about {$order$}{$colour$}: {$amount$} €.")
    conversation = writes(number)
    Conversation.objects.update(context={"order": "A-17", "amount": 12.5})
    work()
    said = conversation.messages.get(direction="outbound")
    assert said.body == "Thanks for writing about A-17: 12.5 €."


def test_the_greeting_waits_until_the_queue_is_known_but_not_for_ever(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.GREETING, "You wait in {QueueName}.")
    conversation = writes(number)
    Conversation.objects.update(queue=builders.queue("Lamps"))
    enqueue("route", conversation.pk)
    work(is_routed=False)
    assert not Message.objects.filter(direction="outbound").exists()
    clock.shift(10)
    work(is_routed=False)
    assert Message.objects.get(direction="outbound").body == "You wait in Lamps."


def test_overflow_says_its_words_before_it_ends_the_conversation(number: WhatsAppNumber) -> None:
    text(MessageTrigger.OVERFLOW, "We can't take more today.")
    conversation = writes(number)
    assert send_automated_message(MessageTrigger.OVERFLOW, conversation) is not None
    assert send_automated_message(MessageTrigger.OVERFLOW, conversation) is None
    Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
    assert said() == ["We can't take more today."]


# -- In which words ----------------------------------------------------------------------------------------------------


def chosen(conversation: Conversation) -> str | None:
    return triggers.find_text(MessageTrigger.GREETING, conversation)


def test_the_work_streams_own_text_comes_first_then_the_one_in_the_customers_language(number: WhatsAppNumber) -> None:
    conversation = builders.conversation(on=number, of=builders.contact(language="pt-BR"))
    assert chosen(conversation) is None
    text(MessageTrigger.GREETING, "Guten Tag", language="de")
    assert chosen(conversation) is None
    for language, words in (("", "Hello"), ("pt", "Olá"), ("pt_br", "Oi")):
        text(MessageTrigger.GREETING, words, language=language)
        assert chosen(conversation) == words
    text(MessageTrigger.GREETING, "Not ours", work_stream=WorkStream.objects.create(name="Other"))
    text(MessageTrigger.GREETING, "Switched off", work_stream=number.work_stream, language="pt-BR", is_active=False)
    assert chosen(conversation) == "Oi"
    text(MessageTrigger.GREETING, "Of the stream", work_stream=number.work_stream)
    assert chosen(conversation) == "Of the stream"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("{CustomerName}, {QueueName}", "{AgentName}, Default messaging queue"),
        ("{AgentName}{Position}{OpensAt}{Nobody}{$order$} Hi", "Hi"),
        ("{AgentName}", None),
        ("50 % {discount", "50 % {discount"),
    ],
)
def test_slugs_are_filled_once_and_unknown_ones_left_out(number: WhatsAppNumber, words: str, body: str | None) -> None:
    text(MessageTrigger.GREETING, words)
    conversation = builders.conversation(on=number, of=builders.contact("{AgentName}"))
    message = send_automated_message(MessageTrigger.GREETING, conversation)
    assert (message.body if message else None) == body


def test_a_text_that_is_changed_is_said_from_then_on(number: WhatsAppNumber) -> None:
    words = text(MessageTrigger.GREETING, "Hello")
    writes(number, From="whatsapp:+4915112345670")
    assert said() == ["Hello"]
    words.text = "Welcome"
    words.save()
    writes(number, From="whatsapp:+4915112345671")
    assert said() == ["Hello", "Welcome"]


# -- When it keeps silent ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "fields"),
    [
        ({"opted_out_at": FRIDAY_NOON}, {}),
        ({"blocked_at": FRIDAY_NOON}, {}),
        ({}, {"window_closes_at": FRIDAY_NOON - dt.timedelta(seconds=1)}),
        ({}, {"window_closes_at": None}),
    ],
)
def test_nobody_is_told_what_an_agent_could_not_tell_them(
    number: WhatsAppNumber, contact: dict[str, Any], fields: dict[str, Any]
) -> None:
    text(MessageTrigger.ENDED, "Good bye!")
    conversation = builders.conversation(on=number, of=builders.contact(**contact), **fields)
    assert send_automated_message(MessageTrigger.ENDED, conversation) is None


def test_a_customer_gets_no_more_than_so_many_in_a_day(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    for _ in range(MAX_PER_DAY + 3):
        writes(number)
        work()
        Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
        clock.shift(60)
    assert len(said()) == MAX_PER_DAY
    clock.shift(dt.timedelta(hours=24))
    writes(number)
    assert len(said()) == MAX_PER_DAY + 1


def test_a_program_that_answers_each_message_at_once_is_not_answered_for_ever(
    number: WhatsAppNumber, clock: Any
) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    for _ in range(6):
        writes(number)  # a second after ours
        work()
        Conversation.objects.update(state="closed", closed_at=FRIDAY_NOON)
        clock.shift(1)
    assert len(said()) == 2


def test_who_takes_a_breath_before_answering_is_no_program() -> None:
    ours = [FRIDAY_NOON + dt.timedelta(minutes=minute) for minute in range(3)]
    soon, late = dt.timedelta(seconds=2), dt.timedelta(seconds=2.1)
    assert not triggers.is_automated_sender(ours, [at + late for at in ours])
    assert not triggers.is_automated_sender(ours, [ours[0] + soon, ours[0] + soon, ours[1]])
    assert triggers.is_automated_sender(ours, [ours[0] + soon, ours[2] + soon])


def test_a_number_that_never_opens_has_no_time_to_tell(number: WhatsAppNumber) -> None:
    text(MessageTrigger.OUT_OF_HOURS, "We are closed. {OpensAt}")
    OperatingHours.objects.filter(pk=open_on(number).pk).update(time_zone="Nowhere/At all")
    writes(number)
    assert said() == ["We are closed."]


@pytest.mark.django_db(transaction=True)
def test_an_agent_who_answers_at_the_same_moment_and_the_desk_itself_do_not_stop_each_other(
    number: WhatsAppNumber,
) -> None:
    text(MessageTrigger.GREETING, "Hello!")
    dana = builders.agent("Dana")
    conversation = builders.conversation(on=number, with_agent=dana)
    replies = [partial(send_reply, conversation, author=dana.user, text=f"Answer {n}") for n in range(4)]
    greetings = [
        partial(send_automated_message, MessageTrigger.GREETING, Conversation.objects.get(pk=conversation.pk))
        for _ in range(4)
    ]
    outcomes = at_once(*replies, *greetings)
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert sorted(Message.objects.values_list("body", flat=True)) == [*(f"Answer {n}" for n in range(4)), "Hello!"]


# -- Position in the queue ---------------------------------------------------------------------------------------------


def test_who_waits_is_told_the_position_and_again_when_it_changes_minutes_later(
    number: WhatsAppNumber, clock: Any
) -> None:
    text(MessageTrigger.POSITION, "You are number {Position}.")
    waiting = [
        builders.conversation(on=number, queued_at=FRIDAY_NOON + dt.timedelta(seconds=place)) for place in range(3)
    ]
    assert send_queue_positions() == 0  # an agent may take them in a moment
    clock.shift(20)
    assert (send_queue_positions(), send_queue_positions()) == (3, 0)
    assert said() == ["You are number 1.", "You are number 2.", "You are number 3."]
    pick.take_conversation(waiting[0], builders.agent("Dana"))
    clock.shift(60)
    assert send_queue_positions() == 0
    clock.shift(dt.timedelta(minutes=2))
    assert send_queue_positions() == 2
    assert said()[3:] == ["You are number 1.", "You are number 2."]
    clock.shift(dt.timedelta(minutes=5))
    assert send_queue_positions() == 0


def test_each_queue_has_positions_of_its_own_in_its_own_order(number: WhatsAppNumber, clock: Any) -> None:
    text(MessageTrigger.POSITION, "{Position} in {QueueName}")
    urgent = builders.queue("Urgent")
    urgent.window_first = True
    urgent.save()
    for hours_ago in (1, 20):
        builders.conversation(on=number, in_queue=urgent, wrote=FRIDAY_NOON - dt.timedelta(hours=hours_ago))
    builders.conversation(on=number)
    clock.shift(20)
    assert send_queue_positions() == 3
    told = Message.objects.filter(direction="outbound").values_list("body", "conversation__last_inbound_at")
    assert set(told) == {
        ("1 in Urgent", FRIDAY_NOON - dt.timedelta(hours=20)),
        ("2 in Urgent", FRIDAY_NOON - dt.timedelta(hours=1)),
        ("1 in Default messaging queue", FRIDAY_NOON),
    }


def test_nobody_is_told_a_position_while_the_number_is_closed_or_an_agent_is_asked(
    number: WhatsAppNumber, clock: Any
) -> None:
    text(MessageTrigger.POSITION, "You are number {Position}.")
    offered = {"offered_to": builders.agent("Dana"), "offer_expires_at": FRIDAY_NOON + dt.timedelta(minutes=2)}
    builders.conversation(on=number, **offered)
    closed = builders.number()
    open_on(closed, 0)
    builders.conversation(on=closed)
    clock.shift(20)
    assert send_queue_positions() == 0


def test_without_a_text_nobody_is_counted(number: WhatsAppNumber, clock: Any, django_assert_num_queries: Any) -> None:
    builders.conversation(on=number)
    clock.shift(20)
    with django_assert_num_queries(1):
        assert send_queue_positions() == 0
