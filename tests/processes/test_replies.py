"""Replies are sent once and in order, with killed workers and faults of Twilio."""

import time
from collections import Counter
from functools import partial

import pytest

from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.managed_process import ManagedProcess, wait_until

pytestmark = pytest.mark.process

SETTLE_TIMEOUT = 90.0
SUCCESS_STATUSES = {"sent", "delivered", "read"}


def start_worker(app: AppInstance) -> ManagedProcess:
    worker = app.start_command("run_worker")
    wait_until(lambda: "The worker is running" in worker.read_output(), START_TIMEOUT, "the worker runs")
    return worker


def create_queued_replies(app: AppInstance, *, customers: int, replies: int, fault: str = "") -> None:
    """Start a server without a worker, with replies that wait to be sent."""
    app.call("create_shop")
    app.call("create_customer_conversations", count=customers)
    app.call("send_replies", replies_per_customer=replies)
    if fault:
        app.call("set_fault", kind=fault)
    app.start_server("--no-worker")


def is_settled(app: AppInstance) -> bool:
    statuses = app.call("count_reply_statuses")
    return not statuses.get("queued") and not statuses["unknown"] and not statuses["lanes"]


def has_at_most_queued(app: AppInstance, count: int) -> bool:
    return bool(app.call("count_reply_statuses").get("queued", 0) <= count)


def assert_once_and_in_order(app: AppInstance) -> None:
    """Check that replies arrived at most once and in order, and that failed ones were never sent."""
    twilio_messages = app.call("list_twilio_messages")
    assert [body for body, times in Counter(message["body"] for message in twilio_messages).items() if times > 1] == []
    by_customer: dict[int, list[str]] = {}
    for message in twilio_messages:
        by_customer.setdefault(message["customer_id"], []).append(message["body"])
    assert [bodies for bodies in by_customer.values() if bodies != sorted(bodies)] == []
    sids = {message["body"]: message["sid"] for message in twilio_messages}
    for reply in app.call("list_replies"):
        assert reply["twilio_sid"] == sids.get(reply["body"], ""), reply
        assert (reply["status"] == "failed") == (reply["body"] not in sids), reply


def test_killed_workers_send_no_reply_twice_and_leave_none_unsettled(app: AppInstance) -> None:
    create_queued_replies(app, customers=20, replies=5, fault="hang")
    app.call("set_fault", kind="lost_callbacks", customer_count=6)
    begin = time.monotonic()
    for progress in (15, 35, 55, 75):
        worker = start_worker(app)
        wait_until(partial(has_at_most_queued, app, 100 - progress), 60, "it has sent some")
        worker.kill()
    worker = start_worker(app)
    wait_until(lambda: is_settled(app), SETTLE_TIMEOUT, "every reply is settled")
    print(f"100 replies settled in {time.monotonic() - begin:.0f} s, {app.call('count_reply_statuses')}")
    assert_once_and_in_order(app)
    worker.terminate()
    worker.assert_clean_exit(10)


def test_replies_that_twilio_took_with_an_error_are_sent_once_by_two_workers(app: AppInstance) -> None:
    create_queued_replies(app, customers=6, replies=2, fault="error_after")
    app.call("set_fault", kind="lost_callbacks")
    start_worker(app), start_worker(app)
    wait_until(lambda: is_settled(app), SETTLE_TIMEOUT, "every reply is settled")
    assert_once_and_in_order(app)
    assert len(app.call("list_twilio_messages")) == 12


def test_replies_wait_while_twilio_is_busy_and_then_go_out_in_order(app: AppInstance) -> None:
    create_queued_replies(app, customers=4, replies=3, fault="too_many")
    start_worker(app)
    wait_until(
        lambda: app.call("count_delayed_replies") == 4,
        20,
        "the first reply of every conversation was refused and put off",
    )
    assert app.call("list_twilio_messages") == []
    app.call("set_fault", kind="too_many", is_on=False)
    wait_until(lambda: is_settled(app), SETTLE_TIMEOUT, "every reply is settled")
    assert_once_and_in_order(app)
    assert len(app.call("list_twilio_messages")) == 12


def test_statuses_are_polled_when_callbacks_are_lost(app: AppInstance) -> None:
    create_queued_replies(app, customers=4, replies=2, fault="lost_callbacks")
    start_worker(app)
    wait_until(lambda: is_settled(app), SETTLE_TIMEOUT, "every reply has its SID")
    wait_until(
        lambda: {message["status"] for message in app.call("list_twilio_messages")} == {"read"},
        20,
        "customers read them",
    )
    assert app.call("count_reply_statuses")["sending"] == 8
    app.call("make_status_checks_due")
    wait_until(lambda: app.call("count_reply_statuses").get("read") == 8, 20, "the desk knows that all were read")
