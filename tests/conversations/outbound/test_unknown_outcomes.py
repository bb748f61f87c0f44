"""A call was cut off: what became of the message is found out, and nothing is sent twice."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from channels_whatsapp.backends.base import OutcomeUnknown, SentMessage, TwilioBusy, TwilioRefused
from channels_whatsapp.backends.memory import MemoryBackend
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound import delivery
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.delivery import check_overdue_statuses, deliver_messages
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from tests import builders
from tests.webhook_client import deliver

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
NOT_SENT = "Twilio did not take the message. It was not sent."


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def conversation(twilio: MemoryBackend, clock: Any) -> Conversation:
    return builders.conversation(with_agent=builders.agent("Dana"))


def work() -> dt.datetime | None:
    [lease] = claim_lanes(["send"], 1)
    due = deliver_messages(lease)
    lease.finish(due)
    return due


@pytest.fixture
def message(conversation: Conversation, twilio: MemoryBackend) -> Message:
    """A reply whose call was cut off."""
    assert conversation.agent is not None
    reply = send_reply(conversation, author=conversation.agent.user, text="Hi")
    twilio.answers = [OutcomeUnknown("ReadTimeout")]
    assert work() is not None
    reply.refresh_from_db()
    assert (reply.status, reply.twilio_sid, twilio.outbox) == ("sending", "", [])
    return reply


def at_twilio(message: Message, **changed: Any) -> SentMessage:
    """The message as Twilio lists it: it had taken the call after all."""
    values = {"to": message.conversation.contact.address, "body": message.body, "created_at": timezone.now(), **changed}
    return SentMessage(sid=builders.sid(), status="sent", **values)


def callback(message: Message, word: str, sid: str, **more: str) -> None:
    url = f"{message.conversation.number.account.status_url}{message.public_id}/"
    assert deliver(url, {"MessageSid": sid, "MessageStatus": word, **more}).status_code == 200
    message.refresh_from_db()


def later(clock: Any, seconds: float) -> None:
    clock.shift(dt.timedelta(seconds=seconds))


def test_the_callback_that_carries_our_id_settles_it(message: Message, twilio: MemoryBackend, clock: Any) -> None:
    callback(message, "delivered", sid := builders.sid())
    assert (message.status, message.twilio_sid) == ("delivered", sid)
    assert work() is None
    assert twilio.outbox == []


def test_a_callback_lets_the_next_reply_go_at_once(message: Message, twilio: MemoryBackend) -> None:
    assert message.author is not None
    send_reply(message.conversation, author=message.author, text="Next")
    assert work() is not None
    callback(message, "sent", builders.sid())
    assert work() is None
    assert [one.body for one in twilio.outbox] == ["Next"]


def test_twilios_list_settles_it(message: Message, twilio: MemoryBackend, clock: Any) -> None:
    twilio.sent.append(at_twilio(message))
    later(clock, 5)
    assert work() is None
    message.refresh_from_db()
    assert (message.status, message.twilio_sid) == ("sending", twilio.sent[0].sid)
    assert twilio.outbox == []


def test_only_what_is_proven_absent_fails(message: Message, twilio: MemoryBackend, clock: Any) -> None:
    for _ in range(11):
        later(clock, 5)
        assert work() is not None
    later(clock, 5)
    assert work() is None
    message.refresh_from_db()
    assert (message.status, message.error_message, twilio.outbox) == ("failed", NOT_SENT, [])


@pytest.mark.parametrize("failure", [OutcomeUnknown(), TwilioBusy(), TwilioRefused(20003, "No", 401)])
def test_a_list_that_fails_never_declares_a_failure(
    message: Message, twilio: MemoryBackend, clock: Any, failure: Exception
) -> None:
    for _ in range(3):
        later(clock, 3600)
        twilio.answers = [failure]
        assert work() is not None
    message.refresh_from_db()
    assert message.status == "sending"


def test_credentials_that_are_rejected_show_at_the_channel_whichever_call_finds_out(
    message: Message, twilio: MemoryBackend, clock: Any
) -> None:
    later(clock, 5)
    twilio.answers = [TwilioRefused(20003, "Authenticate", 401)]
    work()
    account = message.conversation.number.account
    account.refresh_from_db()
    assert account.credentials_rejected_at is not None


def test_a_text_that_twilio_writes_in_another_form_is_found(
    message: Message, twilio: MemoryBackend, clock: Any
) -> None:
    Message.objects.update(body="Caf\u00e9 \u2013 9 o'clock")
    twilio.sent.append(at_twilio(message, body="Cafe\u0301 - 9 o\u2019clock "))
    later(clock, 5)
    assert work() is None
    message.refresh_from_db()
    assert message.twilio_sid == twilio.sent[-1].sid


def test_it_is_looked_for_under_the_address_it_was_sent_to(message: Message, twilio: MemoryBackend, clock: Any) -> None:
    sent_to = message.conversation.contact.address
    twilio.sent.append(at_twilio(message))
    Contact.objects.update(address="whatsapp:+15550009999", identity="whatsapp:+15550009999")
    later(clock, 5)
    assert work() is None
    message.refresh_from_db()
    assert (message.twilio_sid, message.sent_to) == (twilio.sent[-1].sid, sent_to)


def test_twilio_is_asked_less_often_the_longer_it_does_not_answer(
    message: Message, twilio: MemoryBackend, clock: Any
) -> None:
    later(clock, 600)
    twilio.answers = [OutcomeUnknown()]
    due = work()
    assert due is not None
    assert (due - timezone.now()).total_seconds() == 150


@pytest.mark.parametrize("changed", [{"body": "Hi there"}, {"num_media": 1}, {"to": "whatsapp:+1"}])
def test_another_message_in_the_list_is_not_taken_for_it(
    message: Message, twilio: MemoryBackend, clock: Any, changed: Any
) -> None:
    twilio.sent.append(at_twilio(message, **changed))
    later(clock, 5)
    assert work() is not None


def test_a_message_of_ours_with_the_same_text_is_not_taken_for_it(
    message: Message, twilio: MemoryBackend, clock: Any
) -> None:
    listed = at_twilio(message)
    twilio.sent.append(listed)
    builders.outbound(message.conversation, "Hi", twilio_sid=listed.sid)
    later(clock, 5)
    assert work() is not None


def test_of_two_alike_the_older_one_is_it(message: Message, twilio: MemoryBackend, clock: Any) -> None:
    older, newer = at_twilio(message), at_twilio(message, created_at=NOON + dt.timedelta(seconds=2))
    twilio.sent.extend([newer, older])
    later(clock, 5)
    work()
    message.refresh_from_db()
    assert message.twilio_sid == older.sid


@pytest.mark.parametrize(("word", "status"), [("queued", "sending"), ("sent", "sent"), ("read", "read")])
def test_late_truth_corrects_our_own_verdict(
    message: Message, twilio: MemoryBackend, clock: Any, word: str, status: str
) -> None:
    later(clock, 61)
    work()
    callback(message, word, builders.sid())
    assert (message.status, message.error_message) == (status, "")


def test_late_truth_may_be_that_it_failed(message: Message, clock: Any) -> None:
    later(clock, 61)
    work()
    callback(message, "failed", builders.sid(), ErrorCode="63024")
    assert (message.status, message.error_code) == ("failed", 63024)


def test_twilios_own_verdict_is_not_corrected(message: Message) -> None:
    callback(message, "undelivered", sid := builders.sid(), ErrorCode="63024")
    callback(message, "delivered", sid)
    assert (message.status, message.error_code) == ("undelivered", 63024)


def test_a_stale_workers_success_undoes_not_sent(message: Message, twilio: MemoryBackend, clock: Any) -> None:
    later(clock, 61)
    work()
    sent = at_twilio(message)
    delivery._store_sid(message, sent)  # its call came back only now
    message.refresh_from_db()
    assert (message.status, message.error_message, message.twilio_sid) == ("sending", "", sent.sid)
    callback(message, "delivered", sent.sid)
    assert message.status == "delivered"


# -- Callbacks that never come --------------------------------------------------------------------------------------


@pytest.fixture
def silent(conversation: Conversation, twilio: MemoryBackend) -> Message:
    """A reply that Twilio took and that no callback has told about."""
    assert conversation.agent is not None
    reply = send_reply(conversation, author=conversation.agent.user, text="Hi")
    work()
    reply.refresh_from_db()
    return reply


def told(twilio: MemoryBackend, status: str, **more: Any) -> None:
    one = twilio.sent[0]
    twilio.sent[0] = SentMessage(one.sid, status, one.to, one.body, one.created_at, **more)


def test_twilio_is_asked_about_a_message_whose_callbacks_do_not_come(
    silent: Message, twilio: MemoryBackend, clock: Any
) -> None:
    assert check_overdue_statuses() == 0
    later(clock, 60)
    told(twilio, "delivered")
    assert check_overdue_statuses() == 1
    silent.refresh_from_db()
    assert silent.status == "delivered"


def test_twilio_is_asked_less_often_each_time_and_not_for_ever(
    silent: Message, twilio: MemoryBackend, clock: Any
) -> None:
    told(twilio, "sent")
    asked = []
    for _ in range(20):
        silent.refresh_from_db()
        if silent.check_status_at is None:
            break
        asked.append((silent.check_status_at - timezone.now()).total_seconds())
        clock.move_to(silent.check_status_at)
        check_overdue_statuses()
    assert asked == sorted(asked)
    assert 8 < len(asked) < 20
    assert silent.check_status_at is None


@pytest.mark.parametrize("failure", [OutcomeUnknown(), TwilioBusy(), TwilioRefused(20404, "Not found", 404)])
def test_an_answer_that_does_not_come_is_asked_for_again(
    silent: Message, twilio: MemoryBackend, clock: Any, failure: Exception
) -> None:
    later(clock, 60)
    twilio.answers = [failure]
    assert check_overdue_statuses() == 1
    silent.refresh_from_db()
    assert silent.status == "sending"
    assert silent.check_status_at is not None
    assert silent.check_status_at > timezone.now()


def test_an_error_found_by_asking_is_heeded(silent: Message, twilio: MemoryBackend, clock: Any) -> None:
    later(clock, 60)
    told(twilio, "undelivered", error_code=63016, error_message="Outside the window")
    check_overdue_statuses()
    silent.refresh_from_db()
    assert (silent.status, silent.error_code) == ("undelivered", 63016)
    assert not Conversation.objects.get().window_is_open


def test_a_word_nobody_knows_changes_nothing(silent: Message, twilio: MemoryBackend, clock: Any) -> None:
    later(clock, 60)
    told(twilio, "levitating")
    check_overdue_statuses()
    silent.refresh_from_db()
    assert silent.status == "sending"
    assert not Lane.objects.exists()
