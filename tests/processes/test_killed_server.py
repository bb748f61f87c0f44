"""A webhook that was answered is stored, even if the server is killed right after."""

import threading

import pytest

from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.managed_process import wait_until
from tests.processes.support.webhook_sender import Form, build_text_form, post_concurrently, post_signed_form

pytestmark = pytest.mark.process

WEBHOOK_COUNT, KILL_AFTER_COUNT = 600, 150


def test_a_webhook_answered_200_is_stored_when_the_server_is_killed(app: AppInstance) -> None:
    shop = app.call("create_shop")
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    forms = [build_text_form(shop, place % 40, f"Message {place}") for place in range(WEBHOOK_COUNT)]
    answered: list[str] = []

    def post_some(own_forms: list[Form]) -> None:
        answered.extend(form["MessageSid"] for form in own_forms if post_signed_form(app.url, path, form) == 200)

    server = app.start_server()
    threads = [threading.Thread(target=post_some, args=[forms[start::8]]) for start in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answered) >= KILL_AFTER_COUNT, START_TIMEOUT, "Twilio has had many answers")
    server.kill()
    for thread in threads:
        thread.join()

    assert KILL_AFTER_COUNT <= len(answered) < WEBHOOK_COUNT
    app.start_server()
    assert set(answered) <= set(app.call("list_inbound_sids"))
    assert set(post_concurrently(app.url, path, forms)) == {200}
    assert sorted(app.call("list_inbound_sids")) == sorted(form["MessageSid"] for form in forms)
