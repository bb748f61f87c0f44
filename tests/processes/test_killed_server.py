"""What Twilio was told is stored is stored, even when the server is killed the moment after."""

import threading

import pytest

from tests.processes.desk import STARTS_WITHIN, Desk
from tests.processes.programs import wait_until
from tests.processes.twilio import Form, post, post_all, text_message

pytestmark = pytest.mark.process

POSTED, KILLED_AFTER = 600, 150


def test_a_webhook_answered_200_is_stored_when_the_server_is_killed(desk: Desk) -> None:
    shop = desk.ask("open_shop")
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    forms = [text_message(shop, place % 40, f"Message {place}") for place in range(POSTED)]
    answered: list[str] = []

    def post_some(mine: list[Form]) -> None:
        answered.extend(form["MessageSid"] for form in mine if post(desk.url, path, form) == 200)

    server = desk.serve()
    threads = [threading.Thread(target=post_some, args=[forms[start::8]]) for start in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answered) >= KILLED_AFTER, STARTS_WITHIN, "Twilio has had many answers")
    server.kill()
    for thread in threads:
        thread.join()

    assert KILLED_AFTER <= len(answered) < POSTED
    desk.serve()
    assert set(answered) <= set(desk.ask("sids"))
    assert set(post_all(desk.url, path, forms)) == {200}
    assert sorted(desk.ask("sids")) == sorted(form["MessageSid"] for form in forms)
