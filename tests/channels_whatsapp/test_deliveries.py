"""Webhook deliveries are stored before they are processed, and retried until they succeed."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.webhooks.applier import UNFINISHED_ATTEMPT_ERROR
from channels_whatsapp.webhooks.backlog import has_due_deliveries
from channels_whatsapp.webhooks.deliveries import (
    MAX_ATTEMPTS,
    IgnoredDeliveryError,
    compute_fingerprint,
    retry_deliveries,
    store_delivery,
)
from omnichannel.conversations.inbound.apply import apply_delivery
from omnichannel.conversations.models import Conversation, Message
from routing.models import Queue
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import apply_deliveries, load_payload, post_webhook, receive_delivery

pytestmark = pytest.mark.django_db


class SimulatedError(Exception):
    pass


def apply_half_then_fail(delivery: WebhookDelivery) -> None:
    """Write something, then raise an error."""
    apply_delivery(delivery)
    raise SimulatedError("The disk is full\x00.")


def fail_in_database(delivery: WebhookDelivery) -> None:
    """Raise a database error, after which PostgreSQL refuses further queries of the transaction."""
    apply_delivery(delivery)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM a_table_that_does_not_exist")


def create_failed_delivery(number: WhatsAppNumber, apply: Any = apply_half_then_fail) -> WebhookDelivery:
    """Create a delivery that could not be applied."""
    receive_delivery(number.account, load_payload("text", number), apply)
    return WebhookDelivery.objects.get()


def make_due() -> None:
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())


@pytest.mark.parametrize("apply", [apply_half_then_fail, fail_in_database])
def test_failed_delivery_is_stored_with_its_error_and_rolled_back(number: WhatsAppNumber, apply: Any) -> None:
    delivery = create_failed_delivery(number, apply)
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 1)
    assert delivery.error
    assert delivery.payload["Body"] == ["Where is my parcel? 📦"]
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()


def test_twilio_gets_200_for_a_stored_delivery_that_failed(
    number: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a default queue the database raises an error in the middle of the work.
    number.work_stream.fallback_queue = None
    number.work_stream.save()
    monkeypatch.setattr(type(Queue.objects), "get_default", lambda self: self.get(name="gone"))
    assert post_webhook(number.account.inbound_url, load_payload("text", number)).status_code == 200
    assert WebhookDelivery.objects.get().state == DeliveryState.FAILED


def test_a_failed_delivery_is_tried_again_and_then_applied(number: WhatsAppNumber) -> None:
    delivery = create_failed_delivery(number)
    assert apply_deliveries() == 0
    make_due()
    assert apply_deliveries() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.error) == (DeliveryState.APPLIED, 2, "")
    assert apply_deliveries() == 0


def test_the_messages_time_is_that_of_its_delivery(number: WhatsAppNumber) -> None:
    delivery = create_failed_delivery(number)
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(hours=2), next_attempt_at=timezone.now())
    apply_deliveries()
    delivery.refresh_from_db()
    message = Message.objects.get()
    assert message.created_at == delivery.received_at
    assert message.conversation.window_closes_at == delivery.received_at + timedelta(hours=24)


def test_the_same_delivery_again_does_nothing_while_the_first_waits_to_be_retried(number: WhatsAppNumber) -> None:
    create_failed_delivery(number)
    receive_delivery(number.account, load_payload("text", number))
    assert (WebhookDelivery.objects.get().state, Message.objects.count()) == (DeliveryState.FAILED, 0)


def test_retry_delay_grows_until_retries_stop(number: WhatsAppNumber) -> None:
    delivery, waits = create_failed_delivery(number), []
    while delivery.next_attempt_at is not None:
        waits.append((delivery.next_attempt_at - timezone.now()).total_seconds())
        make_due()
        apply_deliveries(apply_half_then_fail)
        delivery.refresh_from_db()
    assert waits == sorted(waits)
    assert (delivery.attempts, delivery.state) == (MAX_ATTEMPTS, DeliveryState.FAILED)
    assert (retry_deliveries([delivery.pk]), apply_deliveries(), Message.objects.count()) == (
        1,
        1,
        1,
    )


def test_failing_delivery_does_not_block_others(number: WhatsAppNumber) -> None:
    for name in ("text", "location", "voice"):
        receive_delivery(number.account, load_payload(name, number), apply_half_then_fail)
    make_due()

    def all_but_the_location(delivery: WebhookDelivery) -> None:
        (fail_in_database if "Latitude" in delivery.payload else apply_delivery)(delivery)

    assert apply_deliveries(all_but_the_location) == 3
    assert Message.objects.count() == 2


def test_delivery_ignored_at_retry_keeps_the_reason(number: WhatsAppNumber) -> None:
    delivery = create_failed_delivery(number)
    make_due()

    def ignore(delivery: WebhookDelivery) -> None:
        raise IgnoredDeliveryError("Not for us.")

    apply_deliveries(ignore)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error, delivery.next_attempt_at) == (DeliveryState.IGNORED, "Not for us.", None)


def test_applied_delivery_is_not_retried(number: WhatsAppNumber) -> None:
    receive_delivery(number.account, load_payload("text", number))
    assert retry_deliveries([WebhookDelivery.objects.get().pk]) == 0


@pytest.mark.django_db(transaction=True)
def test_several_workers_that_retry_at_once_apply_it_once() -> None:
    create_failed_delivery(builders.create_number())
    make_due()
    outcomes = run_concurrently(*[apply_deliveries] * 6)
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, Message.objects.count()) == (DeliveryState.APPLIED, 2, 1)


@pytest.mark.django_db(transaction=True)
def test_concurrent_failing_duplicates_are_stored_once() -> None:
    number = builders.create_number()
    form = load_payload("text", number)
    outcomes = run_concurrently(*[lambda: receive_delivery(number.account, form, apply_half_then_fail)] * 8)
    assert outcomes == [None] * 8
    assert (WebhookDelivery.objects.count(), Message.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_it_is_only_acknowledged_when_it_is_stored(number: WhatsAppNumber) -> None:
    missing_account = WhatsAppAccount(pk=987654, account_sid=builders.new_sid("AC"))
    with pytest.raises((DatabaseError, IntegrityError)):
        store_delivery(missing_account, load_payload("text", number), None)
    assert not WebhookDelivery.objects.exists()


def test_different_deliveries_have_different_fingerprints(number: WhatsAppNumber) -> None:
    account, sid = number.account, [builders.new_sid()]
    status = {"MessageSid": sid, "MessageStatus": ["sent"]}
    forms: list[tuple[Any, WebhookKind]] = [
        ({"MessageSid": sid}, WebhookKind.INBOUND),
        ({"MessageSid": sid}, WebhookKind.STATUS),
        (status, WebhookKind.STATUS),
        ({**status, "MessageStatus": ["read"]}, WebhookKind.STATUS),
        ({**status, "MessageStatus": ["failed"]}, WebhookKind.STATUS),
        ({**status, "MessageStatus": ["failed"], "ErrorCode": ["63016"]}, WebhookKind.STATUS),
        ({"Body": ["a"]}, WebhookKind.INBOUND),
        ({"Body": ["b"]}, WebhookKind.INBOUND),
        ({"MessageSid": ["x" * 5000]}, WebhookKind.INBOUND),
        ({"MessageSid": sid, "MessageStatus": ["y" * 5000]}, WebhookKind.STATUS),
    ]
    fingerprints = [compute_fingerprint(account, form, kind) for form, kind in forms]
    assert len(set(fingerprints)) == len(forms)
    assert max(map(len, fingerprints)) <= 200
    assert compute_fingerprint(account, {**status, "EventType": ["SENT"]}, WebhookKind.STATUS) == fingerprints[2]


def test_manual_retry_is_due_immediately(number: WhatsAppNumber) -> None:
    delivery = create_failed_delivery(number)
    assert not has_due_deliveries()
    retry_deliveries([delivery.pk])
    assert has_due_deliveries()


def test_ignored_delivery_is_not_due(number: WhatsAppNumber) -> None:
    def ignore(delivery: WebhookDelivery) -> None:
        raise IgnoredDeliveryError("Not for us.")

    assert create_failed_delivery(number, ignore).next_attempt_at is None
    assert not has_due_deliveries()


class WorkerKilled(BaseException):
    """The end of a worker: nothing catches it, and the transaction is rolled back."""


def raise_worker_killed(delivery: WebhookDelivery) -> None:
    raise WorkerKilled


@pytest.mark.django_db(transaction=True)
def test_delivery_that_always_kills_the_worker_is_marked_failed(number: WhatsAppNumber) -> None:
    create_failed_delivery(number)
    for _ in range(MAX_ATTEMPTS - 1):
        make_due()
        with pytest.raises(WorkerKilled):
            apply_deliveries(raise_worker_killed)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, MAX_ATTEMPTS)
    assert (delivery.next_attempt_at, delivery.error) == (None, UNFINISHED_ATTEMPT_ERROR)
    assert apply_deliveries(raise_worker_killed) == 0
