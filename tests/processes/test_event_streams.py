"""Open pages of a running server receive events of other processes."""

import pytest

from tests.processes.support.app_instance import STOP_TIMEOUT, AppInstance
from tests.processes.support.event_stream_client import EventStreamClient
from tests.processes.support.webhook_sender import build_text_form, post_concurrently

pytestmark = pytest.mark.process


def test_open_page_receives_events_and_a_stranger_none(app: AppInstance) -> None:
    shop = app.call("create_shop")
    session = app.call("sign_in", username="dana")
    app.start_server("--no-worker")
    app.start_command("run_worker", "--only", "deliveries")
    with EventStreamClient(app.port) as stranger, EventStreamClient(app.port, session) as page:
        assert (stranger.status, page.status) == (401, 200)
        assert page.next_event() == "hello"
        answers = post_concurrently(
            app.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", [build_text_form(shop, 1, "Hello?")]
        )
        assert (answers, page.next_event()) == ([200], "hint")
        app.call("publish_change")
        assert page.next_event() == "hint"


def test_page_misses_no_events_during_a_server_restart(app: AppInstance) -> None:
    app.call("create_shop")
    session = app.call("sign_in", username="dana")
    server = app.start_server("--no-worker")
    with EventStreamClient(app.port, session) as page:
        assert page.next_event() == "hello"
        app.call("publish_change")
        assert page.next_event() == "hint"
        server.send_interrupt()
        assert page.next_event() == "reconnect"
    server.assert_clean_exit(STOP_TIMEOUT)
    missed = [app.call("publish_change_with_time")[0] for _ in range(3)]
    app.start_server("--no-worker")
    with EventStreamClient(app.port, session, position=page.position) as reconnected:
        assert reconnected.next_event() == "hello"
        later = app.call("publish_change_with_time")[0]
        event_ids = []
        while later not in event_ids:
            assert reconnected.next_event() == "hint"
            event_ids.append(reconnected.event_id)
    assert event_ids[-4:] == [*missed, later]
