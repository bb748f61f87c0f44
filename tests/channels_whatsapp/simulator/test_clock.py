"""The course of outbound messages in the simulator and the times of their status callbacks."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from channels_whatsapp.simulator import factories, scheduler
from channels_whatsapp.simulator.business_scoped_ids import get_user_id
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.messages.outbound import MessageRequest, accept_message
from channels_whatsapp.simulator.models import (
    Chat,
    Customer,
    FaultKind,
    Message,
    ScheduledTask,
    Sender,
    TaskState,
)
from channels_whatsapp.simulator.scheduler import run_due_tasks
from tests.channels_whatsapp.simulator.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def customer_with_open_window(omar: Customer, sender: Sender, receiver: WebhookReceiver) -> Customer:
    """Return Omar, who wrote a moment ago."""
    inbound.receive_customer_message(omar, sender, "hello?", now=NOW)
    run_due_tasks(NOW)
    receiver.webhooks.clear()
    return omar


def send_from_desk(customer: Customer, sender: Sender, *, at: datetime = NOW, **fields: str) -> Message:
    form = QueryDict(mutable=True)
    form.update({"To": customer.address, "From": sender.address, "Body": "Hello", **fields})
    return accept_message(sender.account, MessageRequest.from_form(form), now=at)


def status_and_error(message: Message) -> tuple[str, int | None]:
    message.refresh_from_db()
    return message.status, message.error_code


def test_a_message_is_sent_then_delivered_then_read(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    message = send_from_desk(customer_with_open_window, sender)
    assert status_and_error(message) == ("queued", None)
    for milliseconds, status in ((200, "sent"), (700, "delivered"), (1500, "delivered"), (2000, "read")):
        run_due_tasks(NOW + timedelta(milliseconds=milliseconds))
        assert status_and_error(message)[0] == status
    assert receiver.statuses() == ["sent", "delivered", "read"]


def test_a_status_callback_is_signed_and_complete(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    message = send_from_desk(customer_with_open_window, sender, StatusCallback=f"{receiver.url}/status/our-own-id/")
    run_due_tasks(LATER)
    callback = receiver.webhooks[-1]
    assert callback.url.endswith("/status/our-own-id/")
    assert callback.is_signed_with(sender.account.auth_token)
    expected = {
        "MessageSid": message.sid,
        "MessageStatus": "read",
        "SmsStatus": "read",
        "EventType": "READ",
        "From": sender.address,
        "To": customer_with_open_window.address,
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": "+49151123" + "X" * 4,
    }
    assert expected.items() <= callback.form.items()
    assert "ErrorCode" not in callback.form


def test_only_events_of_whatsapp_have_an_event_type(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    forms = [webhook.form for webhook in receiver.webhooks]
    assert [form.get("EventType") for form in forms] == [None, "DELIVERED", "READ"]
    assert [form.get("StructuredMessage") for form in forms] == ["false", None, None]


def test_a_status_callback_has_the_customers_id_for_the_account(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    user_id = get_user_id(customer_with_open_window, sender.account)
    assert {webhook.form["ExternalUserId"] for webhook in receiver.webhooks} == {user_id}
    assert "ParentExternalUserId" not in receiver.webhooks[0].form


def test_without_read_receipts_a_message_stays_delivered(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    Customer.objects.update(sends_read_receipts=False)
    message = send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    assert inbound.mark_chat_read(Customer.objects.get(), sender) == 0
    assert status_and_error(message)[0] == "delivered"


def test_opening_the_chat_marks_messages_read(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    Customer.objects.update(reads_immediately=False)
    message = send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    assert status_and_error(message)[0] == "delivered"
    assert [inbound.mark_chat_read(customer_with_open_window, sender, LATER) for _ in range(2)] == [1, 0]
    run_due_tasks(LATER)
    assert status_and_error(message)[0] == "read"


def test_after_24_hours_free_text_fails_with_63016(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    day = timedelta(hours=24)
    in_time, too_late = (
        send_from_desk(customer_with_open_window, sender, at=NOW + day),
        send_from_desk(customer_with_open_window, sender, at=NOW + day + timedelta(seconds=1)),
    )
    run_due_tasks(LATER + day)
    assert (status_and_error(in_time), status_and_error(too_late)) == (("read", None), ("undelivered", 63016))
    failed = next(webhook.form for webhook in receiver.webhooks if webhook.form["MessageSid"] == too_late.sid)
    assert (failed["MessageStatus"], failed["EventType"], failed["ErrorCode"]) == (
        "undelivered",
        "UNDELIVERED",
        "63016",
    )
    assert "outside the allowed window" in failed["ErrorMessage"]


def test_skipping_a_day_closes_the_window(customer_with_open_window: Customer, sender: Sender) -> None:
    inbound.expire_service_window(customer_with_open_window)
    message = send_from_desk(customer_with_open_window, sender, at=timezone.now())
    run_due_tasks(timezone.now() + timedelta(minutes=1))
    assert status_and_error(message) == ("undelivered", 63016)


def test_window_is_tracked_per_number(customer_with_open_window: Customer, sender: Sender) -> None:
    other = factories.create_sender(sender.account, "+4930222222", "Workshop")
    message = send_from_desk(customer_with_open_window, other)
    run_due_tasks(LATER)
    assert status_and_error(message) == ("undelivered", 63016)


@pytest.mark.parametrize(
    ("approval", "expected"),
    [
        ("approved", ("read", None)),
        ("pending", ("undelivered", 63016)),
        ("rejected", ("failed", 63040)),
        ("paused", ("failed", 63041)),
        ("disabled", ("failed", 63042)),
    ],
)
def test_an_approved_template_may_be_sent_at_any_time(
    omar: Customer, sender: Sender, approval: str, expected: tuple[str, int | None]
) -> None:
    types = {"twilio/quick-reply": {"body": "Hi {{1}}, {{2}}", "actions": [{"title": "Yes", "id": "y"}]}}
    content = factories.create_content(sender.account, "hi", types, variables={"2": "go?"}, approval=approval)
    message = send_from_desk(omar, sender, Body="", ContentSid=content.sid, ContentVariables='{"1": "Omar"}')
    run_due_tasks(LATER)
    assert status_and_error(message) == expected
    assert message.body == "Hi Omar, go?"
    assert [(button["text"], button["payload"]) for button in message.buttons] == [("Yes", "y")]


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        (FaultKind.NOT_ON_WHATSAPP, "+4930333333", ("undelivered", 63024)),
        (FaultKind.NOT_JOINED, "+14155238886", ("failed", 63015)),
        (FaultKind.NOT_JOINED, "+4930333333", ("read", None)),
    ],
)
def test_a_customer_who_cannot_be_reached(
    omar: Customer, sender: Sender, kind: FaultKind, number: str, expected: tuple[str, int | None]
) -> None:
    business = factories.create_sender(sender.account, number, "Business")
    inbound.receive_customer_message(omar, business, "hello?", now=NOW)
    inbound.set_fault(kind, customer=omar)
    message = send_from_desk(omar, business)
    run_due_tasks(LATER)
    assert status_and_error(message) == expected


def test_lost_callbacks_are_not_sent(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    inbound.set_fault(FaultKind.LOST_CALLBACKS, customer=customer_with_open_window)
    message = send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    assert (receiver.webhooks, status_and_error(message)) == ([], ("read", None))


def test_callbacks_are_sent_twice(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    inbound.set_fault(FaultKind.TWICE)
    send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    assert receiver.statuses() == ["sent", "sent", "delivered", "delivered", "read", "read"]


def test_callbacks_out_of_order_leave_the_final_status_correct(
    receiver: WebhookReceiver, customer_with_open_window: Customer, sender: Sender
) -> None:
    inbound.set_fault(FaultKind.OUT_OF_ORDER, customer=customer_with_open_window)
    message = send_from_desk(customer_with_open_window, sender)
    run_due_tasks(LATER)
    assert receiver.statuses() == ["read", "delivered", "sent"]
    assert status_and_error(message)[0] == "read"


def test_a_message_through_a_service_is_accepted_first(customer_with_open_window: Customer, sender: Sender) -> None:
    service = "MG" + "1" * 32
    Sender.objects.update(messaging_service_sid=service)
    message = send_from_desk(customer_with_open_window, sender, From="", MessagingServiceSid=service)
    assert (message.status, message.from_address) == ("accepted", sender.address)
    run_due_tasks(LATER)
    assert status_and_error(message)[0] == "read"


def test_unknown_recipient_becomes_a_customer(sender: Sender) -> None:
    form = QueryDict(mutable=True)
    form.update({"To": "whatsapp:+15551230000", "From": sender.address, "Body": "Hello"})
    message = accept_message(sender.account, MessageRequest.from_form(form), now=NOW)
    run_due_tasks(LATER)
    assert message.customer.address == "whatsapp:+15551230000"
    assert status_and_error(message) == ("undelivered", 63016)


def test_claimed_errand_is_not_claimed_again_until_the_lease_ends(
    customer_with_open_window: Customer, sender: Sender
) -> None:
    send_from_desk(customer_with_open_window, sender)
    claimed = scheduler._claim_tasks(LATER)
    assert (len(claimed), scheduler._claim_tasks(LATER)) == (3, [])
    assert len(scheduler._claim_tasks(LATER + scheduler.LEASE_DURATION + timedelta(seconds=1))) == 3


@pytest.mark.django_db(transaction=True)
def test_the_clock_goes_on_until_it_is_stopped(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    inbound.receive_customer_message(omar, sender, "hello?")
    stop = threading.Event()
    running = threading.Thread(target=scheduler.run_forever, args=(stop,))
    running.start()
    assert receiver.webhook_received.wait(10)
    stop.set()
    running.join(10)
    assert not running.is_alive()
    assert ScheduledTask.objects.get().state == TaskState.DONE


def test_a_chat_remembers_when_the_customer_last_wrote(customer_with_open_window: Customer, sender: Sender) -> None:
    assert Chat.objects.get().last_inbound_at == NOW
