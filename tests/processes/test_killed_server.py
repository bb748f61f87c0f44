"""A webhook that was answered is stored and applied once, whichever process is killed."""

import os
import signal
import threading
from collections.abc import Callable

import pytest

from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.managed_process import wait_until
from tests.processes.support.webhook_sender import Form, build_text_form, post_concurrently, post_signed_form

pytestmark = pytest.mark.process

WEBHOOK_COUNT, KILL_AFTER_COUNT = 600, 150
APPLY_TIMEOUT = 150.0  # after ten seconds without progress they are applied one by one


def post_all_and_kill(app: AppInstance, path: str, forms: list[Form], kill: Callable[[], object]) -> list[str]:
    """Post the forms from eight connections, kill something meanwhile, and return the SIDs answered with 200."""
    answered: list[str] = []

    def post_some(own_forms: list[Form]) -> None:
        answered.extend(form["MessageSid"] for form in own_forms if post_signed_form(app.url, path, form) == 200)

    threads = [threading.Thread(target=post_some, args=[forms[start::8]]) for start in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answered) >= KILL_AFTER_COUNT, START_TIMEOUT, "Twilio has had many answers")
    kill()
    for thread in threads:
        thread.join()
    return answered


def build_forms(shop: dict[str, str]) -> list[Form]:
    return [build_text_form(shop, place % 40, f"Message {place}") for place in range(WEBHOOK_COUNT)]


def test_a_webhook_answered_200_is_stored_when_the_server_is_killed(app: AppInstance) -> None:
    shop = app.call("create_shop")
    path, forms = f"/webhooks/whatsapp/{shop['key']}/inbound/", build_forms(shop)
    server = app.start_server()

    answered = post_all_and_kill(app, path, forms, server.kill)

    assert KILL_AFTER_COUNT <= len(answered) < WEBHOOK_COUNT
    app.start_server()
    app.wait_until_applied()
    assert set(answered) <= set(app.call("list_inbound_sids"))
    assert set(post_concurrently(app.url, path, forms)) == {200}
    app.wait_until_applied()
    assert sorted(app.call("list_inbound_sids")) == sorted(form["MessageSid"] for form in forms)


def test_every_message_is_filed_once_when_the_workers_are_killed(app: AppInstance) -> None:
    shop = app.call("create_shop")
    path, forms = f"/webhooks/whatsapp/{shop['key']}/inbound/", build_forms(shop)
    app.start_server()
    wait_until(lambda: app.worker_is_running() and app.delivery_worker_is_running(), START_TIMEOUT, "both workers run")

    def kill_workers() -> None:
        for pid in [*app.delivery_worker_pids(), *app.worker_pids()]:
            os.kill(pid, signal.SIGKILL)

    answered = post_all_and_kill(app, path, forms, kill_workers)

    assert len(answered) == WEBHOOK_COUNT
    wait_until(lambda: len(app.delivery_worker_pids()) == 2, START_TIMEOUT, "another worker for deliveries runs")
    app.wait_until_applied(APPLY_TIMEOUT)
    assert sorted(app.call("list_inbound_sids")) == sorted(form["MessageSid"] for form in forms)
    assert app.call("count_records")["conversations"] == 40


def test_a_worker_applies_deliveries_when_nobody_else_does(app: AppInstance) -> None:
    shop = app.call("create_shop")
    app.start_server("--no-worker")
    path, forms = f"/webhooks/whatsapp/{shop['key']}/inbound/", build_forms(shop)[:20]
    assert set(post_concurrently(app.url, path, forms)) == {200}
    assert app.call("count_due_deliveries") == 20
    app.start_command("run_worker")
    app.wait_until_applied()
    assert sorted(app.call("list_inbound_sids")) == sorted(form["MessageSid"] for form in forms)
