"""After an interrupted call the outcome is looked up at Twilio, and nothing is sent twice."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.backends.base import SentMessage, TwilioRateLimitError, TwilioRejectedError, UnknownOutcomeError
from channels_whatsapp.backends.memory import MemoryBackend
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound import delivery
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.delivery import check_overdue_statuses
from omnichannel.jobs.models import Lane
from tests import builders
from tests.conftest import NOON
from tests.conversations.outbound.send_lane import run_send_lane
from tests.webhook_client import post_webhook

pytestmark = pytest.mark.django_db

NOT_SENT_TEXT = "Twilio rejected the message. It was not sent."


@pytest.fixture
def conversation(memory_backend: MemoryBackend, clock: Any) -> Conversation:
    return builders.create_conversation(agent=builders.create_agent("Dana"))


@pytest.fixture
def interrupted_message(conversation: Conversation, memory_backend: MemoryBackend) -> Message:
    """Return a reply whose API call was interrupted."""
    assert conversation.agent is not None
    reply = send_reply(conversation, author=conversation.agent.user, text="Hi")
    memory_backend.errors_to_raise = [UnknownOutcomeError("ReadTimeout")]
    assert run_send_lane() is not None
    reply.refresh_from_db()
    assert (reply.status, reply.twilio_sid, memory_backend.outbox) == ("sending", "", [])
    return reply


def twilio_copy(message: Message, **changed: Any) -> SentMessage:
    """Return the message as Twilio lists it after it accepted the call."""
    values = {"to": message.conversation.contact.address, "body": message.body, "created_at": timezone.now(), **changed}
    return SentMessage(sid=builders.new_sid(), status="sent", **values)


def post_status_callback(message: Message, word: str, sid: str, **more: str) -> None:
    url = f"{message.conversation.number.account.status_url}{message.public_id}/"
    assert post_webhook(url, {"MessageSid": sid, "MessageStatus": word, **more}).status_code == 200
    message.refresh_from_db()


def advance_clock(clock: Any, seconds: float) -> None:
    clock.shift(dt.timedelta(seconds=seconds))


def test_callback_with_public_id_settles_the_outcome(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    post_status_callback(interrupted_message, "delivered", sid := builders.new_sid())
    assert (interrupted_message.status, interrupted_message.twilio_sid) == ("delivered", sid)
    assert run_send_lane() is None
    assert memory_backend.outbox == []


def test_a_callback_lets_the_next_reply_go_at_once(interrupted_message: Message, memory_backend: MemoryBackend) -> None:
    assert interrupted_message.author is not None
    send_reply(interrupted_message.conversation, author=interrupted_message.author, text="Next")
    assert run_send_lane() is not None
    post_status_callback(interrupted_message, "sent", builders.new_sid())
    assert run_send_lane() is None
    assert [message.body for message in memory_backend.outbox] == ["Next"]


def test_twilios_message_list_settles_the_outcome(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    memory_backend.sent.append(twilio_copy(interrupted_message))
    advance_clock(clock, 5)
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert (interrupted_message.status, interrupted_message.twilio_sid) == ("sending", memory_backend.sent[0].sid)
    assert memory_backend.outbox == []


def test_message_fails_only_when_proven_absent(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    for _ in range(11):
        advance_clock(clock, 5)
        assert run_send_lane() is not None
    advance_clock(clock, 5)
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert (interrupted_message.status, interrupted_message.error_message, memory_backend.outbox) == (
        "failed",
        NOT_SENT_TEXT,
        [],
    )


def test_earlier_attempt_that_was_refused_is_no_match(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    refused = twilio_copy(interrupted_message, error_code=63018)
    memory_backend.sent = [refused]
    Message.objects.update(payload={"refused_sids": [refused.sid]})
    clock.shift(dt.timedelta(seconds=61))
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert (interrupted_message.status, interrupted_message.twilio_sid) == ("failed", "")


@pytest.mark.parametrize(
    "failure", [UnknownOutcomeError(), TwilioRateLimitError(), TwilioRejectedError(20003, "No", 401)]
)
def test_a_list_that_fails_never_declares_a_failure(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any, failure: Exception
) -> None:
    for _ in range(3):
        advance_clock(clock, 3600)
        memory_backend.errors_to_raise = [failure]
        assert run_send_lane() is not None
    interrupted_message.refresh_from_db()
    assert interrupted_message.status == "sending"


def test_credentials_that_are_rejected_show_at_the_channel_whichever_call_finds_out(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    advance_clock(clock, 5)
    memory_backend.errors_to_raise = [TwilioRejectedError(20003, "Authenticate", 401)]
    run_send_lane()
    account = interrupted_message.conversation.number.account
    account.refresh_from_db()
    assert account.credentials_rejected_at is not None


def test_a_text_that_twilio_writes_in_another_form_is_found(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    Message.objects.update(body="Caf\u00e9 \u2013 9 o'clock")
    memory_backend.sent.append(twilio_copy(interrupted_message, body="Cafe\u0301 - 9 o\u2019clock "))
    advance_clock(clock, 5)
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert interrupted_message.twilio_sid == memory_backend.sent[-1].sid


def test_it_is_looked_for_under_the_address_it_was_sent_to(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    sent_to = interrupted_message.conversation.contact.address
    memory_backend.sent.append(twilio_copy(interrupted_message))
    Contact.objects.update(address="whatsapp:+15550009999", identity="whatsapp:+15550009999")
    advance_clock(clock, 5)
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert (interrupted_message.twilio_sid, interrupted_message.sent_to) == (memory_backend.sent[-1].sid, sent_to)


def test_outcome_polling_backs_off(interrupted_message: Message, memory_backend: MemoryBackend, clock: Any) -> None:
    advance_clock(clock, 600)
    memory_backend.errors_to_raise = [UnknownOutcomeError()]
    due = run_send_lane()
    assert due is not None
    assert (due - timezone.now()).total_seconds() == 150


@pytest.mark.parametrize("changed", [{"body": "Hi there"}, {"num_media": 1}, {"to": "whatsapp:+1"}])
def test_other_message_in_the_list_is_not_matched(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any, changed: Any
) -> None:
    memory_backend.sent.append(twilio_copy(interrupted_message, **changed))
    advance_clock(clock, 5)
    assert run_send_lane() is not None


def test_own_message_with_the_same_text_is_not_matched(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    listed = twilio_copy(interrupted_message)
    memory_backend.sent.append(listed)
    builders.create_outbound_message(interrupted_message.conversation, "Hi", twilio_sid=listed.sid)
    advance_clock(clock, 5)
    assert run_send_lane() is not None


def test_oldest_of_two_equal_messages_is_matched(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    older, newer = (
        twilio_copy(interrupted_message),
        twilio_copy(interrupted_message, created_at=NOON + dt.timedelta(seconds=2)),
    )
    memory_backend.sent.extend([newer, older])
    advance_clock(clock, 5)
    run_send_lane()
    interrupted_message.refresh_from_db()
    assert interrupted_message.twilio_sid == older.sid


@pytest.mark.parametrize(("word", "status"), [("queued", "sending"), ("sent", "sent"), ("read", "read")])
def test_late_callback_corrects_an_assumed_failure(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any, word: str, status: str
) -> None:
    advance_clock(clock, 61)
    run_send_lane()
    post_status_callback(interrupted_message, word, builders.new_sid())
    assert (interrupted_message.status, interrupted_message.error_message) == (status, "")


def test_late_callback_can_confirm_a_failure(interrupted_message: Message, clock: Any) -> None:
    advance_clock(clock, 61)
    run_send_lane()
    post_status_callback(interrupted_message, "failed", builders.new_sid(), ErrorCode="63024")
    assert (interrupted_message.status, interrupted_message.error_code) == ("failed", 63024)


def test_failure_reported_by_twilio_is_not_corrected(interrupted_message: Message) -> None:
    post_status_callback(interrupted_message, "undelivered", sid := builders.new_sid(), ErrorCode="63024")
    post_status_callback(interrupted_message, "delivered", sid)
    assert (interrupted_message.status, interrupted_message.error_code) == ("undelivered", 63024)


def test_late_success_of_a_stale_worker_corrects_not_sent(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    advance_clock(clock, 61)
    run_send_lane()
    sent = twilio_copy(interrupted_message)
    delivery._store_sid(interrupted_message, sent)  # The API call returned only now.
    interrupted_message.refresh_from_db()
    assert (interrupted_message.status, interrupted_message.error_message, interrupted_message.twilio_sid) == (
        "sending",
        "",
        sent.sid,
    )
    post_status_callback(interrupted_message, "delivered", sent.sid)
    assert interrupted_message.status == "delivered"


# -- Missing callbacks -------------------------------------------------------------------------------------------------


@pytest.fixture
def message_without_callbacks(conversation: Conversation, memory_backend: MemoryBackend) -> Message:
    """Return a reply that Twilio accepted and that has no status callback yet."""
    assert conversation.agent is not None
    reply = send_reply(conversation, author=conversation.agent.user, text="Hi")
    run_send_lane()
    reply.refresh_from_db()
    return reply


def set_twilio_status(memory_backend: MemoryBackend, status: str, **more: Any) -> None:
    twilio_message = memory_backend.sent[0]
    memory_backend.sent[0] = SentMessage(
        twilio_message.sid, status, twilio_message.to, twilio_message.body, twilio_message.created_at, **more
    )


def test_status_is_polled_when_callbacks_are_missing(
    message_without_callbacks: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    assert check_overdue_statuses() == 0
    advance_clock(clock, 60)
    set_twilio_status(memory_backend, "delivered")
    assert check_overdue_statuses() == 1
    message_without_callbacks.refresh_from_db()
    assert message_without_callbacks.status == "delivered"


def test_status_polling_backs_off_and_stops(
    message_without_callbacks: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    set_twilio_status(memory_backend, "sent")
    delays = []
    for _ in range(20):
        message_without_callbacks.refresh_from_db()
        if message_without_callbacks.check_status_at is None:
            break
        delays.append((message_without_callbacks.check_status_at - timezone.now()).total_seconds())
        clock.move_to(message_without_callbacks.check_status_at)
        check_overdue_statuses()
    assert delays == sorted(delays)
    assert 8 < len(delays) < 20
    assert message_without_callbacks.check_status_at is None


@pytest.mark.parametrize(
    "failure", [UnknownOutcomeError(), TwilioRateLimitError(), TwilioRejectedError(20404, "Not found", 404)]
)
def test_failed_status_query_is_retried(
    message_without_callbacks: Message, memory_backend: MemoryBackend, clock: Any, failure: Exception
) -> None:
    advance_clock(clock, 60)
    memory_backend.errors_to_raise = [failure]
    assert check_overdue_statuses() == 1
    message_without_callbacks.refresh_from_db()
    assert message_without_callbacks.status == "sending"
    assert message_without_callbacks.check_status_at is not None
    assert message_without_callbacks.check_status_at > timezone.now()


def test_error_found_by_polling_is_applied(
    message_without_callbacks: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    advance_clock(clock, 60)
    set_twilio_status(memory_backend, "undelivered", error_code=63016, error_message="Outside the window")
    check_overdue_statuses()
    message_without_callbacks.refresh_from_db()
    assert (message_without_callbacks.status, message_without_callbacks.error_code) == ("undelivered", 63016)
    assert not Conversation.objects.get().window_is_open


def test_unknown_status_changes_nothing(
    message_without_callbacks: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    advance_clock(clock, 60)
    set_twilio_status(memory_backend, "levitating")
    check_overdue_statuses()
    message_without_callbacks.refresh_from_db()
    assert message_without_callbacks.status == "sending"
    assert not Lane.objects.exists()
