"""Customers opt out and in by a message that consists of one of the words."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.automated_messages import triggers
from omnichannel.conversations.automated_messages.triggers import send_due_messages
from omnichannel.conversations.contacts import opt_out
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import (
    AutomatedMessage,
    Contact,
    Conversation,
    Message,
    MessageTrigger,
    OptOutMeaning,
    OptOutWord,
    TimelineEventKind,
)
from omnichannel.conversations.outbound.compose import OPTED_OUT_BY_WORD_ERROR, ReplyError, send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from routing.models import Agent, State
from tests import builders
from tests.webhook_client import load_payload, post_webhook, receive_message, with_new_message_sid

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _clear_opt_out_word_cache() -> Iterator[None]:
    opt_out.clear_word_cache()
    yield
    opt_out.clear_word_cache()


@pytest.fixture
def number(memory_backend: MemoryBackend) -> WhatsAppNumber:
    return builders.create_number()


@pytest.fixture
def opt_out_words() -> None:
    for word in ("Stop", "Stopp", "ОТПИСАТЬСЯ", "opt-out", "إلغاء"):
        OptOutWord.objects.create(word=word)
    OptOutWord.objects.create(word="Start", meaning=OptOutMeaning.START)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def receive_text(number: WhatsAppNumber, body: str, **changed: Any) -> Contact:
    return receive_message(number, Body=body, **changed).contact


def run_worker() -> list[str]:
    """Run the lanes that are due and return the texts of the messages sent."""
    Lane.objects.filter(kind="route").delete()
    before = set(Message.objects.exclude(twilio_sid="").values_list("pk", flat=True))
    for kind, handler in ((LaneKind.AUTOMATE, send_due_messages), ("send", deliver_messages)):
        for lease in claim_lanes([kind], 10):
            lease.finish(handler(lease))
    sent = Message.objects.exclude(pk__in=before).filter(direction="outbound").exclude(twilio_sid="").order_by("pk")
    return list(sent.values_list("body", flat=True))


@pytest.mark.usefixtures("opt_out_words")
@pytest.mark.parametrize(
    "body", ["stop", "STOP", " Stop \n", "stop!!", "„Stopp“", "отписаться", "Opt-Out.", "ＳＴＯＰ", "إلغاء", "stop 🙏"]
)
def test_a_word_that_is_the_whole_message_opts_out(number: WhatsAppNumber, body: str) -> None:
    contact = receive_text(number, body)
    assert (contact.opted_out_at is not None, contact.opted_out_by_word) == (True, True)
    event = Conversation.objects.get().events.last()
    assert event is not None
    assert event.kind == "opted_out"
    assert body.strip() in str(event.text)


@pytest.mark.usefixtures("opt_out_words")
@pytest.mark.parametrize("body", ["please stop", "Stop the delivery!", "nonstop", "", "!", "stop " * 30, "start"])
def test_a_word_inside_a_message_opts_nobody_out(number: WhatsAppNumber, body: str) -> None:
    assert receive_text(number, body).opted_out_at is None


@pytest.mark.usefixtures("opt_out_words")
def test_a_word_under_a_picture_opts_nobody_out(number: WhatsAppNumber) -> None:
    form = with_new_message_sid(load_payload("voice", number, Body="stop"))
    post_webhook(number.account.inbound_url, form)
    assert Contact.objects.get().opted_out_at is None


def test_without_words_stop_is_a_message_like_any_other(number: WhatsAppNumber) -> None:
    assert receive_text(number, "stop").opted_out_at is None


def test_changed_opt_out_words_apply_from_the_next_message(number: WhatsAppNumber) -> None:
    receive_text(number, "basta")
    word = OptOutWord.objects.create(word="BASTA")
    assert receive_text(number, "basta").opted_out_by_word
    Contact.objects.update(opted_out_at=None, opted_out_by_word=False)
    word.delete()
    assert not receive_text(number, "basta").opted_out_by_word


@pytest.mark.usefixtures("opt_out_words")
def test_only_a_word_lifts_an_opt_out_by_a_word(number: WhatsAppNumber) -> None:
    receive_text(number, "stop")
    assert receive_text(number, "Where is my order?").opted_out_at is not None
    contact = receive_text(number, "START")
    assert (contact.opted_out_at, contact.opted_out_by_word) == (None, False)
    last = Conversation.objects.get().events.last()
    assert last is not None
    assert last.kind == "opted_in"


@pytest.mark.usefixtures("opt_out_words")
def test_an_opt_out_that_twilio_reported_is_lifted_by_any_message(number: WhatsAppNumber) -> None:
    contact = receive_text(number, "Hello")
    Contact.objects.update(opted_out_at=contact.created_at)
    assert receive_text(number, "Where is my order?").opted_out_at is None


@pytest.mark.usefixtures("opt_out_words")
def test_an_opt_out_is_confirmed_each_time_and_nothing_else_is_sent(number: WhatsAppNumber, clock: Any) -> None:
    for trigger, text in ((MessageTrigger.OPTED_OUT, "You are out."), (MessageTrigger.OPTED_IN, "Welcome back.")):
        AutomatedMessage.objects.create(trigger=trigger, text=text)
    receive_text(number, "stop")
    assert run_worker() == ["You are out."]
    receive_text(number, "stop")
    receive_text(number, "Stop.")
    assert run_worker() == []
    clock.shift(60)
    receive_text(number, "start")
    assert run_worker() == ["Welcome back."]
    clock.shift(60)
    receive_text(number, "stop")
    assert run_worker() == ["You are out."]


@pytest.mark.usefixtures("opt_out_words")
def test_a_new_customer_who_opts_out_is_not_greeted(number: WhatsAppNumber) -> None:
    AutomatedMessage.objects.create(trigger=MessageTrigger.GREETING, text="Hello!")
    receive_text(number, "stop")
    assert run_worker() == []


@pytest.mark.usefixtures("opt_out_words")
def test_reply_to_an_opted_out_customer_is_refused_with_the_reason(number: WhatsAppNumber) -> None:
    dana = builders.create_agent("Dana")
    receive_text(number, "Hello")
    Conversation.objects.update(agent=dana, state=State.ACTIVE)
    conversation = Conversation.objects.get()
    queued = send_reply(conversation, author=dana.user, text="Hi")
    receive_text(number, "stop")
    with pytest.raises(ReplyError) as refused:
        send_reply(conversation, author=dana.user, text="Are you sure?")
    assert (refused.value.code, refused.value.message) == ("opted_out", OPTED_OUT_BY_WORD_ERROR)
    assert run_worker() == []
    queued.refresh_from_db()
    assert (queued.status, queued.error_message) == ("failed", OPTED_OUT_BY_WORD_ERROR)


@pytest.mark.usefixtures("opt_out_words")
def test_an_opt_out_stays_with_the_person_when_two_contacts_become_one(number: WhatsAppNumber) -> None:
    scoped = "whatsapp:US.13491208655302741918"
    receive_text(number, "Hello")
    receive_text(number, "stop", From=scoped, ExternalUserId=scoped)
    receive_text(number, "Hello again", ExternalUserId=scoped)
    contact = Contact.objects.get()
    assert (contact.opted_out_by_word, contact.opted_out_at is not None) == (True, True)


def test_plain_text_of_empty_text_is_empty() -> None:
    assert opt_out.normalize_word("\u200f!?\u202a") == ""
    assert triggers.language_fallbacks(Contact(language="pt_BR")) == ["pt-br", "pt", ""]


# -- Opt-outs lifted by colleagues -------------------------------------------------------------------------------------


def create_opted_out_conversation(agent: Agent) -> Conversation:
    contact = builders.create_contact(opted_out_at=timezone.now(), opted_out_by_word=True)
    return builders.create_conversation(agent=agent, contact=contact)


def test_lifted_opt_out_allows_replies_and_is_recorded() -> None:
    dana = builders.create_agent("Dana")
    conversation = create_opted_out_conversation(dana)
    with pytest.raises(ReplyError):
        send_reply(conversation, author=dana.user, text="Hello")
    opt_out.lift_opt_out(conversation, by=dana.user, reason="  She asked on the phone ")
    assert send_reply(conversation, author=dana.user, text="Hello").status == "queued"
    line = conversation.events.get(kind=TimelineEventKind.OPT_OUT_LIFTED)
    assert line.actor == dana.user
    assert str(line.text) == "The customer opted in again: She asked on the phone (recorded by Dana)"


@pytest.mark.parametrize(("reason", "text"), [(" ", "Enter how"), ("x" * 301, "up to 300 characters")])
def test_an_opt_out_is_lifted_only_with_a_reason(reason: str, text: str) -> None:
    dana = builders.create_agent("Dana")
    with pytest.raises(opt_out.LiftOptOutError, match=text):
        opt_out.lift_opt_out(create_opted_out_conversation(dana), by=dana.user, reason=reason)
    assert Contact.objects.get().opted_out_by_word


@pytest.mark.parametrize(("person", "may"), [("Omar", False), ("Sue", True)])
def test_only_its_agent_and_supervisors_lift_an_opt_out(person: str, may: bool) -> None:
    somebody = builders.create_agent(person, role="Supervisor" if may else "Agent")
    conversation = create_opted_out_conversation(builders.create_agent("Dana"))
    if may:
        opt_out.lift_opt_out(conversation, by=somebody.user, reason="By mail.")
    else:
        with pytest.raises(opt_out.LiftOptOutError, match="Only the assigned agent"):
            opt_out.lift_opt_out(conversation, by=somebody.user, reason="By mail.")
    assert Contact.objects.get().opted_out_by_word is not may


def test_opt_out_kept_by_twilio_cannot_be_lifted() -> None:
    dana = builders.create_agent("Dana")
    conversation = create_opted_out_conversation(dana)
    Contact.objects.update(opted_out_by_word=False)
    with pytest.raises(opt_out.LiftOptOutError, match="has not sent an opt-out word"):
        opt_out.lift_opt_out(conversation, by=dana.user, reason="By mail.")
