"""`manage.py serve` starts server and worker and stops both."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.processes.support.app_instance import START_TIMEOUT, STOP_TIMEOUT, AppInstance
from tests.processes.support.event_stream_client import EventStreamClient
from tests.processes.support.managed_process import is_running, wait_until
from tests.processes.support.webhook_sender import build_text_form, post_concurrently

pytestmark = pytest.mark.process


@pytest.fixture
def dana_session(app: AppInstance) -> str:
    """Return Dana's session."""
    app.call("create_shop")
    return str(app.call("sign_in", username="dana"))


@pytest.fixture
def open_pages(app: AppInstance, dana_session: str) -> Iterator[list[EventStreamClient]]:
    """Return five event streams of Dana's, on a server with its worker."""
    app.start_server()
    wait_until(app.worker_is_running, START_TIMEOUT, "the worker runs")
    pages = [EventStreamClient(app.port, dana_session) for _ in range(5)]
    assert [page.next_event() for page in pages] == ["hello"] * 5
    yield pages
    for page in pages:
        page.connection.close()


@pytest.mark.parametrize("stop_signal", ["Ctrl-C", "SIGTERM"])
def test_the_server_stops_within_seconds_while_pages_are_open(
    app: AppInstance, open_pages: list[EventStreamClient], stop_signal: str
) -> None:
    server = app.processes[0]
    if stop_signal == "Ctrl-C":
        server.send_interrupt()
    else:
        server.terminate()
    server.assert_clean_exit(STOP_TIMEOUT)
    assert server.read_output().rstrip().endswith("Stopped.")
    assert not app.worker_is_running()
    assert not app.delivery_worker_is_running()
    assert [page.next_event() for page in open_pages] == ["reconnect"] * 5


def test_a_worker_that_is_killed_is_started_again(app: AppInstance, open_pages: list[EventStreamClient]) -> None:
    (first,) = app.worker_pids()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(app.worker_pids()) == 2 and app.worker_is_running(), START_TIMEOUT, "another worker runs")
    assert not is_running(first)
    app.processes[0].send_interrupt()
    app.processes[0].assert_clean_exit(STOP_TIMEOUT)


def test_the_worker_ends_by_itself_when_its_server_is_killed(
    app: AppInstance, open_pages: list[EventStreamClient]
) -> None:
    app.processes[0].kill()
    wait_until(lambda: not app.worker_is_running(), STOP_TIMEOUT, "the worker has ended")
    wait_until(lambda: not app.delivery_worker_is_running(), STOP_TIMEOUT, "the worker for deliveries has ended")
    assert "The worker has stopped." in app.processes[0].read_output()
    assert "Fatal" not in app.processes[0].read_output()


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("arguments", [[], ["--only", "deliveries"]], ids=["all work", "deliveries"])
def test_a_worker_on_its_own_stops_when_told(app: AppInstance, signal_name: str, arguments: list[str]) -> None:
    worker = app.start_command("run_worker", *arguments)
    wait_until(lambda: "worker is running" in worker.read_output(), START_TIMEOUT, "the worker runs")
    worker.process.send_signal(signal.Signals[signal_name])
    worker.assert_clean_exit(STOP_TIMEOUT)


def test_a_server_that_is_told_to_stop_while_it_starts_leaves_nothing_behind(app: AppInstance) -> None:
    server = app.start_command("serve")
    wait_until(lambda: "Migrating the database" in server.read_output(), START_TIMEOUT, "it has begun to start")
    server.terminate()
    server.assert_clean_exit(STOP_TIMEOUT)
    assert not app.worker_is_running()


def test_data_survives_a_restart(app: AppInstance) -> None:
    shop = app.call("create_shop")
    form = build_text_form(shop, 1, "Are you there tomorrow?")
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    for _ in range(2):
        server = app.start_server()
        assert post_concurrently(app.url, path, [form]) == [200]
        app.wait_until_applied()
        server.send_interrupt()
        server.assert_clean_exit(STOP_TIMEOUT)
    assert app.call("count_records")["messages"] == 1


def test_server_with_a_used_port_fails_and_starts_no_worker(app: AppInstance) -> None:
    app.start_server("--no-worker")
    second = app.start_command("serve")
    assert second.wait_for_exit(START_TIMEOUT) != 0
    assert "Traceback" not in second.read_output()
    assert str(app.port) in second.read_output()
    assert "worker" not in second.read_output().lower()
    assert app.is_ready()
