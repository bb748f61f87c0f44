"""The status of a message only moves forward, in whichever order callbacks arrive."""

import datetime as dt
import logging
import uuid
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from channels_whatsapp.backends.base import OutgoingMessage, SentMessage
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppAccount
from omnichannel.conversations.inbound.apply import UNKNOWN_SID_ATTEMPTS
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.conversations.outbound.delivery_status import (
    FAILURE_STATUSES,
    MAX_RATE_LIMITED_ATTEMPTS,
    STATUS_BY_TWILIO_STATUS,
    STATUS_ORDER,
    apply_fetched_status,
)
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import claim_lanes, enqueue
from omnichannel.jobs.models import Lane
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import apply_deliveries, post_webhook

TWILIO_STATUSES = st.sampled_from(sorted(STATUS_BY_TWILIO_STATUS))
ERROR_CODES = st.sampled_from(["", "0", "63016", "63024", "nonsense", "9" * 30])


def post_status(message: Message, word: str, code: str = "", *, by_id: bool = True, sid: str = "") -> None:
    account = message.conversation.number.account
    url = f"{account.status_url}{message.public_id}/" if by_id else account.status_url
    form = {"MessageSid": sid or message.twilio_sid, "MessageStatus": word, "ErrorCode": code}
    assert post_webhook(url, form).status_code == 200


def status_rank(status: str) -> int:
    """Return the progress of a status; a failure is final."""
    return len(STATUS_ORDER) if status in FAILURE_STATUSES else [rank.value for rank in STATUS_ORDER].index(status)


@pytest.mark.slow
class StatusOrderMachine(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(TWILIO_STATUSES, ERROR_CODES), max_size=8), st.sampled_from(["sending", "sent"]))
    def test_a_status_never_goes_backwards_and_an_error_code_stays(
        self, callbacks: list[tuple[str, str]], start: str
    ) -> None:
        message = builders.create_outbound_message(
            builders.create_conversation(), status=start, twilio_sid=builders.new_sid()
        )
        for word, code in callbacks:
            before, had = message.status, message.error_code
            post_status(message, word, code)
            message.refresh_from_db()
            assert status_rank(message.status) >= status_rank(before)
            assert not (before in FAILURE_STATUSES and message.status != before)
            assert had is None or message.error_code == had
            assert message.error_code is None or message.status in FAILURE_STATUSES

    @settings(max_examples=20, deadline=None)
    @given(st.permutations(["queued", "sent", "delivered", "read", "sent", "read"]))
    def test_all_callbacks_in_any_order_end_with_read(self, statuses: list[str]) -> None:
        message = builders.create_outbound_message(builders.create_conversation())
        for word in statuses:
            post_status(message, word)
        message.refresh_from_db()
        assert message.status == "read"


@pytest.fixture
def message(db: None) -> Message:
    return builders.create_outbound_message(builders.create_conversation())


@pytest.mark.parametrize(
    ("status", "word", "after"),
    [
        ("sent", "failed", "failed"),
        ("sending", "undelivered", "undelivered"),
        ("sent", "canceled", "failed"),
        ("delivered", "failed", "delivered"),
        ("read", "undelivered", "read"),
        ("failed", "delivered", "failed"),
        ("sent", "READ", "read"),
    ],
)
def test_a_failure_beats_only_sent_and_lower(db: None, status: str, word: str, after: str) -> None:
    message = builders.create_outbound_message(
        builders.create_conversation(), status=status, twilio_sid=builders.new_sid()
    )
    post_status(message, word)
    message.refresh_from_db()
    assert message.status == after


def test_status_change_publishes_an_event_and_a_repeat_does_not(message: Message) -> None:
    for word in ("delivered", "delivered", "sent"):
        post_status(message, word)
    assert [event.part_id for event in Event.objects.all()] == [message.pk]


def test_a_status_without_our_id_is_found_by_its_sid(message: Message) -> None:
    post_status(message, "delivered", by_id=False)
    message.refresh_from_db()
    assert message.status == "delivered"


def test_status_before_the_sid_is_known_is_applied_by_public_id(db: None) -> None:
    message = builders.create_outbound_message(builders.create_conversation(), status="sending")
    sid = builders.new_sid()
    post_status(message, "sent", sid=sid)
    message.refresh_from_db()
    assert (message.status, message.twilio_sid) == ("sent", sid)


def test_status_for_a_not_yet_known_sid_is_applied_later(message: Message, settings: Any) -> None:
    sid = builders.new_sid()
    post_status(message, "delivered", by_id=False, sid=sid)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.needs_attention) == (DeliveryState.STORED, False)
    Message.objects.update(twilio_sid=sid)
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())
    assert apply_deliveries() == 1
    message.refresh_from_db()
    assert message.status == "delivered"


def test_status_for_an_unknown_sid_is_finally_ignored(message: Message, caplog: pytest.LogCaptureFixture) -> None:
    post_status(message, "delivered", by_id=False, sid=builders.new_sid())
    for _ in range(UNKNOWN_SID_ATTEMPTS):
        WebhookDelivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
        apply_deliveries()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.IGNORED, UNKNOWN_SID_ATTEMPTS)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("by_id", [True, False])
def test_another_accounts_callback_cannot_touch_a_message(message: Message, by_id: bool) -> None:
    other = builders.create_account()
    url = f"{other.status_url}{message.public_id}/" if by_id else other.status_url
    assert post_webhook(url, {"MessageSid": message.twilio_sid, "MessageStatus": "failed"}).status_code == 200
    message.refresh_from_db()
    assert message.status == "sent"


def test_a_callback_with_another_sid_cannot_touch_a_message(message: Message) -> None:
    post_status(message, "failed", sid=builders.new_sid())
    message.refresh_from_db()
    assert (message.status, WebhookDelivery.objects.get().state) == ("sent", DeliveryState.IGNORED)


def test_a_callback_cannot_touch_a_customers_message(db: None) -> None:
    other_message = builders.create_inbound_message(builders.create_conversation())
    for by_id in (True, False):
        post_status(other_message, "failed", by_id=by_id, sid=other_message.twilio_sid)
    other_message.refresh_from_db()
    assert other_message.status == "received"


def test_unknown_public_id_causes_no_error(message: Message) -> None:
    url = f"{message.conversation.number.account.status_url}{uuid.uuid4()}/"
    assert post_webhook(url, {"MessageSid": message.twilio_sid, "MessageStatus": "read"}).status_code == 200
    message.refresh_from_db()
    assert message.status == "sent"


def test_unclaimed_message_ignores_status_callbacks(db: None, memory_backend: MemoryBackend) -> None:
    message = builders.create_outbound_message(builders.create_conversation(), status="queued")
    post_status(message, "sent", sid=builders.new_sid())
    message.refresh_from_db()
    assert message.status == "sent"  # Therefore no worker sends it.


# -- Rate limits -------------------------------------------------------------------------------------------------------


def send_next(conversation: Conversation) -> None:
    """Run the conversation's send lane as if its time had come."""
    Lane.objects.filter(kind="send").update(due_at=timezone.now())
    Message.objects.update(not_before=None)
    [lease] = claim_lanes(["send"], 1)
    lease.finish(deliver_messages(lease))


@pytest.mark.parametrize("word", ["failed", "undelivered"])
def test_63018_reported_later_sends_the_message_again(db: None, memory_backend: MemoryBackend, word: str) -> None:
    message = builders.create_outbound_message(builders.create_conversation(), "Hi", send_attempts=1)
    old_sid = message.twilio_sid
    post_status(message, word, "63018")
    message.refresh_from_db()
    assert (message.status, message.twilio_sid, message.error_code) == ("queued", "", None)
    assert message.not_before is not None
    assert 0 < (message.not_before - timezone.now()).total_seconds() < 4
    assert Lane.objects.get(kind="send").due_at == message.not_before
    send_next(message.conversation)
    assert [sent.body for sent in memory_backend.outbox] == ["Hi"]
    message.refresh_from_db()
    assert message.twilio_sid == memory_backend.sent[0].sid != old_sid
    post_status(message, "delivered")
    message.refresh_from_db()
    assert message.status == "delivered"


@pytest.mark.parametrize("by_id", [True, False])
def test_late_callbacks_of_a_refused_attempt_change_nothing(
    db: None, memory_backend: MemoryBackend, by_id: bool
) -> None:
    message = builders.create_outbound_message(builders.create_conversation(), "Hi", send_attempts=1)
    old_sid = message.twilio_sid
    post_status(message, "failed", "63018")
    for word in ("sent", "delivered", "undelivered"):
        post_status(message, word, by_id=by_id, sid=old_sid)
    message.refresh_from_db()
    assert (message.status, message.twilio_sid) == ("queued", "")
    send_next(message.conversation)
    assert len(memory_backend.outbox) == 1


def test_63018_after_many_attempts_is_a_failure(message: Message) -> None:
    Message.objects.update(send_attempts=MAX_RATE_LIMITED_ATTEMPTS)
    post_status(message, "failed", "63018")
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("failed", 63018)


@pytest.mark.parametrize("status", ["delivered", "read", "failed"])
def test_63018_changes_no_settled_message(db: None, status: str) -> None:
    message = builders.create_outbound_message(builders.create_conversation(), status=status)
    post_status(message, "failed", "63018")
    message.refresh_from_db()
    assert message.status == status


def test_63018_found_by_polling_sends_the_message_again(message: Message) -> None:
    apply_fetched_status(
        message, SentMessage(message.twilio_sid, "failed", "", "", timezone.now(), 63018, "Rate limit exceeded")
    )
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("queued", None)


def test_63018_during_the_call_is_not_overwritten_by_its_response(
    db: None, memory_backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = builders.create_outbound_message(builders.create_conversation(), "Hi", status="queued")
    send = memory_backend.send
    early_sids: list[str] = []

    def send_and_fail_at_once(account: WhatsAppAccount, outgoing: OutgoingMessage) -> SentMessage:
        sent = send(account, outgoing)
        if not early_sids:
            early_sids.append(sent.sid)
            post_status(message, "failed", "63018", sid=sent.sid)
        return sent

    monkeypatch.setattr(memory_backend, "send", send_and_fail_at_once)
    enqueue("send", message.conversation_id)
    send_next(message.conversation)
    message.refresh_from_db()
    assert (message.status, message.twilio_sid) == ("queued", "")
    send_next(message.conversation)
    message.refresh_from_db()
    assert message.twilio_sid == memory_backend.sent[1].sid
    assert len(memory_backend.outbox) == 2


# -- Disposition codes -------------------------------------------------------------------------------------------------


def test_an_opt_out_reported_later_marks_the_contact(message: Message) -> None:
    post_status(message, "failed", "21610")
    assert Contact.objects.get().opted_out_at is not None


def test_63016_reported_later_closes_the_window(message: Message) -> None:
    Conversation.objects.update(last_inbound_at=message.created_at - dt.timedelta(hours=23))
    post_status(message, "undelivered", "63016")
    assert not Conversation.objects.get().window_is_open


def test_63016_does_not_close_the_window_the_customer_has_opened_again(message: Message) -> None:
    Conversation.objects.update(last_inbound_at=timezone.now() + dt.timedelta(seconds=1))
    post_status(message, "undelivered", "63016")
    assert Conversation.objects.get().window_is_open


def test_error_20003_in_a_callback_flags_the_account(message: Message) -> None:
    post_status(message, "failed", "20003")
    assert WhatsAppAccount.objects.get().credentials_rejected_at is not None


@pytest.mark.django_db(transaction=True)
def test_concurrent_callbacks_end_with_read() -> None:
    message = builders.create_outbound_message(builders.create_conversation(), status="sending")
    sid, statuses = builders.new_sid(), ["queued", "sent", "delivered", "read", "sent", "delivered", "read", "queued"]
    outcomes = run_concurrently(*[lambda word=word: post_status(message, word, sid=sid) for word in statuses])
    message.refresh_from_db()
    assert (outcomes, message.status, message.twilio_sid) == ([None] * 8, "read", sid)
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"applied"}
