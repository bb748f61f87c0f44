"""Replies go out once and in order, whatever is killed and whatever Twilio does."""

import time
from collections import Counter

import pytest

from tests.processes.desk import STARTS_WITHIN, Desk
from tests.processes.programs import Program, wait_until

pytestmark = pytest.mark.process

SETTLED_WITHIN = 90.0
DELIVERED = {"sent", "delivered", "read"}


def work(desk: Desk) -> Program:
    worker = desk.run("run_worker")
    wait_until(lambda: "The worker is running" in worker.printed(), STARTS_WITHIN, "the worker runs")
    return worker


def open_desk(desk: Desk, *, customers: int, replies: int, fault: str = "") -> None:
    """A server without a worker, and replies that wait to be sent."""
    desk.ask("open_shop")
    desk.ask("customers_write", count=customers)
    desk.ask("dana_answers", times=replies)
    if fault:
        desk.ask("fault", kind=fault)
    desk.serve("--no-worker")


def is_settled(desk: Desk) -> bool:
    found = desk.ask("statuses")
    return not found.get("queued") and not found["unknown"] and not found["lanes"]


def assert_once_and_in_order(desk: Desk) -> None:
    """No reply reached a customer twice, each customer's came in order, and what is given up never went out."""
    taken = desk.ask("taken_by_twilio")
    assert [body for body, times in Counter(one["body"] for one in taken).items() if times > 1] == []
    by_customer: dict[int, list[str]] = {}
    for one in taken:
        by_customer.setdefault(one["customer_id"], []).append(one["body"])
    assert [bodies for bodies in by_customer.values() if bodies != sorted(bodies)] == []
    sids = {one["body"]: one["sid"] for one in taken}
    for reply in desk.ask("replies"):
        assert reply["twilio_sid"] == sids.get(reply["body"], ""), reply
        assert (reply["status"] == "failed") == (reply["body"] not in sids), reply


def test_killed_workers_send_no_reply_twice_and_leave_none_unsettled(desk: Desk) -> None:
    open_desk(desk, customers=20, replies=5, fault="hang")
    desk.ask("fault", kind="lost_callbacks", customers=6)
    begin = time.monotonic()
    for progress in (15, 35, 55, 75):
        worker = work(desk)
        wait_until(lambda most=100 - progress: desk.ask("statuses").get("queued", 0) <= most, 60, "it has sent some")
        worker.kill()
    worker = work(desk)
    wait_until(lambda: is_settled(desk), SETTLED_WITHIN, "every reply is settled")
    print(f"100 replies settled in {time.monotonic() - begin:.0f} s, {desk.ask('statuses')}")
    assert_once_and_in_order(desk)
    worker.terminate()
    worker.ends_cleanly_within(10)


def test_replies_that_twilio_took_with_an_error_are_sent_once_by_two_workers(desk: Desk) -> None:
    open_desk(desk, customers=6, replies=2, fault="error_after")
    desk.ask("fault", kind="lost_callbacks")
    work(desk), work(desk)
    wait_until(lambda: is_settled(desk), SETTLED_WITHIN, "every reply is settled")
    assert_once_and_in_order(desk)
    assert len(desk.ask("taken_by_twilio")) == 12


def test_replies_wait_while_twilio_is_busy_and_then_go_out_in_order(desk: Desk) -> None:
    open_desk(desk, customers=4, replies=3, fault="too_many")
    work(desk)
    wait_until(lambda: desk.ask("put_off") == 4, 20, "the first reply of every conversation was refused and put off")
    assert desk.ask("taken_by_twilio") == []
    desk.ask("fault", kind="too_many", on=False)
    wait_until(lambda: is_settled(desk), SETTLED_WITHIN, "every reply is settled")
    assert_once_and_in_order(desk)
    assert len(desk.ask("taken_by_twilio")) == 12


def test_statuses_are_asked_for_when_callbacks_get_lost(desk: Desk) -> None:
    open_desk(desk, customers=4, replies=2, fault="lost_callbacks")
    work(desk)
    wait_until(lambda: is_settled(desk), SETTLED_WITHIN, "every reply has its SID")
    wait_until(lambda: {one["status"] for one in desk.ask("taken_by_twilio")} == {"read"}, 20, "customers read them")
    assert desk.ask("statuses")["sending"] == 8
    desk.ask("callbacks_are_overdue")
    wait_until(lambda: desk.ask("statuses").get("read") == 8, 20, "the desk knows that all were read")
