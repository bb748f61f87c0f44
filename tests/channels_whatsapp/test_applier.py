"""Stored deliveries are applied in batches, in order, and a faulty one isolates itself."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from channels_whatsapp.models import DeliveryProgress, DeliveryState, WebhookDelivery, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.webhooks.applier import LOCK_NAMESPACE, DeliveryApplier
from channels_whatsapp.webhooks.backlog import get_backlogs, get_late_account_ids, has_due_deliveries
from channels_whatsapp.webhooks.deliveries import store_delivery
from omnichannel.conversations.inbound.apply import apply_delivery
from omnichannel.conversations.inbound.batch import apply_batch
from omnichannel.conversations.models import Message
from omnichannel.core.db import lock_transaction
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import apply_deliveries

pytestmark = pytest.mark.django_db

Deliveries = Sequence[WebhookDelivery]


def store_messages(number: WhatsAppNumber, *bodies: str) -> None:
    for body in bodies:
        form = builders.build_inbound_form(number, Body=body)
        store_delivery(number.account, {name: [value] for name, value in form.items()}, None)


def stored_bodies() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("body", flat=True))


def move_due_times(seconds: float) -> None:
    """Let all deliveries be due that much longer."""
    due = WebhookDelivery.objects.filter(next_attempt_at__isnull=False)
    due.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=seconds))


def fail_batch(account: WhatsAppAccount, deliveries: Deliveries) -> Collection[int]:
    """Apply all together, then fail."""
    apply_batch(account, deliveries)
    raise ValueError("The batch is broken.")


def fail_for(body: str, error: BaseException) -> Callable[[WebhookDelivery], None]:
    """Return a function that applies all deliveries but the one with this text, which raises the error."""

    def apply(delivery: WebhookDelivery) -> None:
        if delivery.payload["Body"] == [body]:
            raise error
        apply_delivery(delivery)

    return apply


def test_messages_are_applied_in_the_order_in_which_they_arrived(number: WhatsAppNumber) -> None:
    bodies = [f"Message {place}" for place in range(30)]
    store_messages(number, *bodies)
    apply_deliveries()
    assert stored_bodies() == bodies


def test_after_a_failed_batch_each_delivery_is_applied_alone(number: WhatsAppNumber) -> None:
    store_messages(number, "one", "broken", "two")
    DeliveryApplier(fail_for("broken", ValueError("It is broken.")), fail_batch).apply_due()
    assert stored_bodies() == ["one", "two"]
    states = WebhookDelivery.objects.order_by("pk").values_list("state", "attempts", "error")
    assert list(states) == [
        (DeliveryState.APPLIED, 1, ""),
        (DeliveryState.FAILED, 1, "It is broken."),
        (DeliveryState.APPLIED, 1, ""),
    ]


def test_a_fault_of_the_database_is_repeated_and_not_counted(number: WhatsAppNumber) -> None:
    def fail(account: WhatsAppAccount, deliveries: Deliveries) -> Collection[int]:
        raise OperationalError("deadlock detected")

    store_messages(number, "one")
    with pytest.raises(OperationalError):
        DeliveryApplier(apply_delivery, fail).apply_due()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.STORED, 0)
    assert has_due_deliveries()


def test_a_delivery_that_always_meets_a_fault_of_the_database_is_counted_the_second_time(
    number: WhatsAppNumber,
) -> None:
    store_messages(number, "slow")
    applier = DeliveryApplier(fail_for("slow", OperationalError("statement timeout")), lambda account, deliveries: ())
    with pytest.raises(OperationalError):
        applier.apply_due()
    applier.apply_due()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.error) == (DeliveryState.FAILED, 1, "statement timeout")


class ProcessKilled(BaseException):
    """The end of a process: nothing catches it, and the transaction is rolled back."""


def kill_process(account: WhatsAppAccount, deliveries: Deliveries) -> Collection[int]:
    raise ProcessKilled


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_kills_the_process_isolates_itself(number: WhatsAppNumber) -> None:
    """Each applier below is a process of its own, which starts after the one before was killed."""
    bodies = ["one", "two", "deadly", "three"]
    store_messages(number, *bodies)
    with pytest.raises(ProcessKilled):
        DeliveryApplier(apply_delivery, kill_process).apply_due()
    assert not WebhookDelivery.objects.exclude(state=DeliveryState.STORED, attempts=0).exists()

    move_due_times(seconds=11)
    with pytest.raises(ProcessKilled):
        DeliveryApplier(fail_for("deadly", ProcessKilled()), kill_process).apply_due()
    assert stored_bodies() == ["one", "two"]

    assert DeliveryApplier(apply_delivery, apply_batch).apply_due().attempt_count == 1
    assert stored_bodies() == ["one", "two", "three"]
    deadly = WebhookDelivery.objects.get(payload__Body=["deadly"])
    assert (deadly.state, deadly.attempts) == (DeliveryState.FAILED, 1)
    move_due_times(seconds=6)
    assert apply_deliveries() == 1
    assert sorted(stored_bodies()) == sorted(bodies)


def test_a_long_backlog_alone_is_no_sign_of_a_fault(number: WhatsAppNumber) -> None:
    store_messages(number, "one")
    move_due_times(seconds=60)
    DeliveryProgress.objects.create(account=number.account, progress_at=timezone.now() - timedelta(seconds=1))
    [backlog] = get_backlogs()
    assert not backlog.is_stuck(timezone.now())
    DeliveryProgress.objects.update(progress_at=timezone.now() - timedelta(seconds=11))
    [backlog] = get_backlogs()
    assert backlog.is_stuck(timezone.now())


def test_only_accounts_more_than_five_seconds_behind_are_late(number: WhatsAppNumber) -> None:
    store_messages(number, "one")
    assert get_late_account_ids() == []
    move_due_times(seconds=6)
    assert get_late_account_ids() == [number.account_id]
    apply_deliveries()
    assert get_late_account_ids() == []


def test_a_worker_leaves_deliveries_alone_that_are_due_since_a_moment(number: WhatsAppNumber) -> None:
    store_messages(number, "one")
    applier = DeliveryApplier(apply_delivery, apply_batch)
    assert applier.apply_due(timedelta(seconds=2)).attempt_count == 0
    move_due_times(seconds=3)
    assert applier.apply_due(timedelta(seconds=2)).attempt_count == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_apply_at_once_file_each_message_once_and_in_order(number: WhatsAppNumber) -> None:
    bodies = [f"Message {place}" for place in range(40)]
    store_messages(number, *bodies)
    outcomes = run_concurrently(*[apply_deliveries] * 5)
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    assert stored_bodies() == bodies


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_the_account_that_another_process_works_on(number: WhatsAppNumber) -> None:
    if not connection.features.has_select_for_update:
        return  # SQLite has one writer at a time
    other = builders.create_number()
    store_messages(number, "one")
    store_messages(other, "two")
    with transaction.atomic():
        lock_transaction(LOCK_NAMESPACE, number.account_id, is_waiting=False)
        [outcome] = run_concurrently(lambda: DeliveryApplier(apply_delivery, apply_batch).apply_due())
    assert (outcome.attempt_count, outcome.is_refused) == (1, True)
    assert stored_bodies() == ["two"]


def test_unknown_parameters_and_kinds_are_filed(number: WhatsAppNumber) -> None:
    form: dict[str, Any] = builders.build_inbound_form(number, "whatsapp:" + "x" * 131, MessageType="hologram", New="1")
    store_delivery(number.account, {name: [value] for name, value in form.items()}, None)
    apply_deliveries()
    message = Message.objects.get()
    assert message.payload == {"MessageType": ["hologram"], "New": ["1"]}
    assert message.conversation.contact.address == "whatsapp:" + "x" * 131
