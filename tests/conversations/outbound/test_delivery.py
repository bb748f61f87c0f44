"""Queued replies are sent in order and at most once; Twilio's errors are explained."""

import datetime as dt
import logging
from dataclasses import replace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from channels_whatsapp.backends.base import TwilioRateLimitError, TwilioRejectedError, UnknownOutcomeError
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.message_templates.sync import SYNC_LANE
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.conversations.outbound.delivery_status import MAX_BACKOFF_SECONDS, MAX_RATE_LIMITED_ATTEMPTS
from omnichannel.jobs.lanes import Lease, claim_lanes
from omnichannel.jobs.models import Lane
from tests import builders
from tests.concurrency import run_concurrently
from tests.conftest import NOON
from tests.conversations.outbound.send_lane import run_send_lane

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(memory_backend: MemoryBackend, clock: Any) -> Conversation:
    return builders.create_conversation(agent=builders.create_agent("Dana"))


def queue_replies(conversation: Conversation, *texts: str) -> list[Message]:
    assert conversation.agent is not None
    return [send_reply(conversation, author=conversation.agent.user, text=text) for text in texts]


def message_statuses() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("status", flat=True))


def test_replies_of_one_conversation_go_out_in_their_order(
    conversation: Conversation, memory_backend: MemoryBackend
) -> None:
    queue_replies(conversation, "one", "two", "three")
    assert run_send_lane() is None
    assert [message.body for message in memory_backend.outbox] == ["one", "two", "three"]
    assert not Lane.objects.exists()


def test_sent_message_has_both_addresses_and_the_public_id(
    conversation: Conversation, memory_backend: MemoryBackend
) -> None:
    [message] = queue_replies(conversation, "Hi")
    run_send_lane()
    [sent] = memory_backend.outbox
    assert (sent.to, sent.sender) == (conversation.contact.address, conversation.number.address)
    assert sent.status_callback == f"{conversation.number.account.status_url}{message.public_id}/"
    assert (sent.body, sent.media_url) == ("Hi", "")


def test_a_file_is_offered_by_a_signed_link(conversation: Conversation, memory_backend: MemoryBackend) -> None:
    assert conversation.agent is not None
    png = ContentFile(b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "a.png")
    send_reply(conversation, author=conversation.agent.user, file=png)
    run_send_lane()
    assert memory_backend.outbox[0].media_url.startswith("https://desk.example.com/media/signed/")


def test_sending_stores_only_the_sid(conversation: Conversation) -> None:
    [message] = queue_replies(conversation, "Hi")
    run_send_lane()
    message.refresh_from_db()
    assert (message.status, message.twilio_sid[:2]) == ("sending", "SM")


def test_rate_limited_reply_is_delayed(conversation: Conversation, memory_backend: MemoryBackend) -> None:
    memory_backend.errors_to_raise = [TwilioRateLimitError()]
    queue_replies(conversation, "one", "two")
    due = run_send_lane()
    assert due is not None
    assert due > timezone.now()
    assert (message_statuses(), memory_backend.outbox) == (["queued", "queued"], [])


def test_later_replies_wait_during_backoff(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    memory_backend.errors_to_raise = [TwilioRateLimitError()]
    queue_replies(conversation, "one")
    due = run_send_lane()
    assert due is not None
    queue_replies(conversation, "two")
    assert (run_send_lane(), memory_backend.outbox) == (due, [])
    clock.move_to(due)
    assert run_send_lane() is None
    assert [message.body for message in memory_backend.outbox] == ["one", "two"]


def test_backing_off_takes_longer_each_time_and_is_never_the_same(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    waits = []
    queue_replies(conversation, "Hi")
    for _ in range(12):
        memory_backend.errors_to_raise = [TwilioRateLimitError()]
        due = run_send_lane()
        assert due is not None
        waits.append((due - timezone.now()).total_seconds())
        clock.move_to(due)
    assert all(
        0.5 * min(2.0**n, MAX_BACKOFF_SECONDS) <= wait <= 1.5 * MAX_BACKOFF_SECONDS for n, wait in enumerate(waits, 1)
    )
    assert len({wait / 2.0**n for n, wait in enumerate(waits[:7])}) > 1
    assert run_send_lane() is None
    assert len(memory_backend.outbox) == 1


@pytest.mark.parametrize("code", [63017, 63018])
def test_reply_refused_for_too_many_messages_is_tried_again_some_times(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any, code: int
) -> None:
    queue_replies(conversation, "Hi")
    memory_backend.errors_to_raise = [TwilioRejectedError(code, "Too many", 400)] * MAX_RATE_LIMITED_ATTEMPTS
    for attempt in range(1, MAX_RATE_LIMITED_ATTEMPTS):
        due = run_send_lane()
        assert due is not None
        assert (due - timezone.now()).total_seconds() >= 0.5 * min(2.0**attempt, MAX_BACKOFF_SECONDS)
        assert message_statuses() == ["queued"]
        clock.move_to(due)
    assert run_send_lane() is None
    message = Message.objects.get()
    assert (message.status, message.error_code, memory_backend.outbox) == ("failed", code, [])


def test_reply_refused_once_for_too_many_messages_arrives(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    queue_replies(conversation, "one", "two")
    memory_backend.errors_to_raise = [TwilioRejectedError(63018, "Rate limit exceeded", 400)]
    due = run_send_lane()
    assert due is not None
    clock.move_to(due)
    assert run_send_lane() is None
    assert [message.body for message in memory_backend.outbox] == ["one", "two"]


@pytest.mark.parametrize("code", [21655, 60228])
def test_template_that_twilio_cannot_find_starts_a_sync(
    conversation: Conversation, memory_backend: MemoryBackend, code: int
) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(code, "Template was not found", 404)]
    queue_replies(conversation, "Hi")
    run_send_lane()
    assert Lane.objects.get().kind == SYNC_LANE
    assert Lane.objects.get().key == conversation.number.account_id


def test_window_is_checked_again_before_sending(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    queue_replies(conversation, "Just in time", "And this")
    clock.move_to(NOON + dt.timedelta(hours=24, microseconds=1))
    run_send_lane()
    error_text = "This conversation has exceeded the 24 hour limit to respond to the customer."
    assert set(Message.objects.values_list("status", "error_message")) == {("failed", error_text)}
    assert memory_backend.outbox == []


def test_at_exactly_24_hours_it_is_still_sent(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    queue_replies(conversation, "Just in time")
    clock.move_to(NOON + dt.timedelta(hours=24))
    run_send_lane()
    assert len(memory_backend.outbox) == 1


def test_opt_out_before_sending_stops_the_reply(conversation: Conversation, memory_backend: MemoryBackend) -> None:
    queue_replies(conversation, "Hi")
    Contact.objects.update(opted_out_at=NOON)
    run_send_lane()
    assert (message_statuses(), memory_backend.outbox) == (["failed"], [])


def test_refused_message_fails_with_its_code_and_the_next_is_sent(
    conversation: Conversation, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(63021, "Invalid content", 400)]
    first, _ = queue_replies(conversation, "one", "two")
    run_send_lane()
    first.refresh_from_db()
    assert (first.status, first.error_code, first.error_message) == ("failed", 63021, "Invalid content")
    assert [message.body for message in memory_backend.outbox] == ["two"]


def test_21610_marks_the_contact_opted_out_and_blocks_the_next_one(
    conversation: Conversation, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(21610, "Unsubscribed recipient", 400)]
    _, second = queue_replies(conversation, "one", "two")
    run_send_lane()
    second.refresh_from_db()
    assert Contact.objects.get().opted_out_at is not None
    assert "opted out" in second.error_message
    assert memory_backend.outbox == []


def test_error_63016_closes_the_window(conversation: Conversation, memory_backend: MemoryBackend) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(63016, "Outside the window", 400)]
    queue_replies(conversation, "one", "two")
    run_send_lane()
    assert not Conversation.objects.get().window_is_open
    assert (message_statuses(), memory_backend.outbox) == (["failed", "failed"], [])


def test_error_20003_flags_the_account_until_a_message_succeeds(
    conversation: Conversation, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(20003, "Authenticate", 401)]
    queue_replies(conversation, "one")
    run_send_lane()
    assert WhatsAppAccount.objects.get().credentials_rejected_at == NOON
    queue_replies(conversation, "two")
    run_send_lane()
    assert WhatsAppAccount.objects.get().credentials_rejected_at is None


def test_worker_without_the_lease_sends_nothing(conversation: Conversation, memory_backend: MemoryBackend) -> None:
    queue_replies(conversation, "Hi")
    [stale] = claim_lanes(["send"], 1)
    lapsed = NOON - dt.timedelta(seconds=1)
    Lane.objects.update(lease_until=lapsed, due_at=lapsed)
    [fresh] = claim_lanes(["send"], 1)
    assert deliver_messages(stale) is None
    stale.finish(None)
    assert (memory_backend.outbox, message_statuses()) == ([], ["queued"])
    assert deliver_messages(fresh) is None
    assert len(memory_backend.outbox) == 1


def test_a_worker_that_loses_the_lane_on_the_way_stops_there(
    conversation: Conversation, memory_backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_replies(conversation, "one", "two")
    [lease] = claim_lanes(["send"], 1)
    lease_results = iter([True, False])
    monkeypatch.setattr(Lease, "renew", lambda self: next(lease_results))
    deliver_messages(lease)
    assert [message.body for message in memory_backend.outbox] == ["one"]


def test_a_worker_that_dies_between_claim_and_call_never_leads_to_a_second_sending(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    [message] = queue_replies(conversation, "Hi")
    memory_backend.errors_to_raise = [SystemExit()]  # type: ignore[list-item]
    with pytest.raises(SystemExit):
        run_send_lane()
    clock.shift(dt.timedelta(seconds=30))
    assert run_send_lane() is not None  # Another worker asks Twilio after the lease has expired.
    clock.shift(dt.timedelta(seconds=61))
    assert run_send_lane() is None
    message.refresh_from_db()
    assert (message.status, memory_backend.outbox) == ("failed", [])


@pytest.mark.parametrize(
    "failure", [TwilioRejectedError(20003, "No", 401), UnknownOutcomeError("ReadTimeout"), TwilioRateLimitError()]
)
def test_no_token_and_no_text_is_logged_when_sending_fails(
    conversation: Conversation, memory_backend: MemoryBackend, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    memory_backend.errors_to_raise = [failure]
    queue_replies(conversation, "a private matter")
    with caplog.at_level(logging.DEBUG):
        run_send_lane()
    assert builders.AUTH_TOKEN not in caplog.text
    assert "a private matter" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_with_stale_leases_send_each_message_once(memory_backend: MemoryBackend) -> None:
    conversation = builders.create_conversation(agent=builders.create_agent("Dana"))
    texts = [f"{n}" for n in range(6)]
    queue_replies(conversation, *texts)
    [lease] = claim_lanes(["send"], 1)
    assert all(
        not isinstance(outcome, Exception) for outcome in run_concurrently(*[lambda: deliver_messages(lease)] * 6)
    )
    assert sorted(message.body for message in memory_backend.outbox) == texts


def test_stopping_worker_leaves_remaining_replies(conversation: Conversation) -> None:
    [message] = queue_replies(conversation, "one")
    [lease] = claim_lanes(["send"], 1)
    assert deliver_messages(replace(lease, is_stopping=lambda: True)) is not None
    message.refresh_from_db()
    assert message.status == "queued"
