"""Open pages of a server that really runs hear of what other processes do."""

import pytest

from tests.processes.desk import STOPS_WITHIN, Desk
from tests.processes.streams import Stream
from tests.processes.twilio import post_all, text_message

pytestmark = pytest.mark.process


def test_an_open_page_hears_of_webhooks_and_of_other_processes_and_a_stranger_of_nothing(desk: Desk) -> None:
    shop = desk.ask("open_shop")
    session = desk.ask("sign_in", username="dana")
    desk.serve("--no-worker")
    with Stream(desk.port) as stranger, Stream(desk.port, session) as page:
        assert (stranger.status, page.status) == (401, 200)
        assert page.next_event() == "hello"
        answers = post_all(desk.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", [text_message(shop, 1, "Hello?")])
        assert (answers, page.next_event()) == ([200], "hint")
        desk.ask("change_something")
        assert page.next_event() == "hint"


def test_a_page_misses_nothing_while_its_server_is_started_anew(desk: Desk) -> None:
    desk.ask("open_shop")
    session = desk.ask("sign_in", username="dana")
    server = desk.serve("--no-worker")
    with Stream(desk.port, session) as page:
        assert page.next_event() == "hello"
        desk.ask("change_something")
        assert page.next_event() == "hint"
        server.press_ctrl_c()
        assert page.next_event() == "bye"
    server.ends_cleanly_within(STOPS_WITHIN)
    missed = [desk.ask("change_and_time")[0] for _ in range(3)]
    desk.serve("--no-worker")
    with Stream(desk.port, session, last_id=page.last_id) as back:
        assert back.next_event() == "hello"
        later = desk.ask("change_and_time")[0]
        told = [(back.next_event(), back.last_id) for _ in range(4)]
    assert told == [("hint", event_id) for event_id in [*missed, later]]
