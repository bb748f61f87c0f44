"""`manage.py serve`: one command starts everything, and stopping it stops everything."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.processes.desk import START_TIMEOUT, STOP_TIMEOUT, AppInstance
from tests.processes.programs import is_running, wait_until
from tests.processes.streams import EventStreamClient
from tests.processes.twilio import build_text_form, post_concurrently

pytestmark = pytest.mark.process


@pytest.fixture
def dana(desk: AppInstance) -> str:
    """Dana's session, in a shop that is open."""
    desk.ask("create_shop")
    return str(desk.ask("sign_in", username="dana"))


@pytest.fixture
def open_pages(desk: AppInstance, dana: str) -> Iterator[list[EventStreamClient]]:
    """Five pages that Dana has open, at a server that runs with its worker."""
    desk.serve()
    wait_until(desk.worker_is_running, START_TIMEOUT, "the worker runs")
    pages = [EventStreamClient(desk.port, dana) for _ in range(5)]
    assert [page.next_event() for page in pages] == ["hello"] * 5
    yield pages
    for page in pages:
        page.connection.close()


@pytest.mark.parametrize("by", ["Ctrl-C", "SIGTERM"])
def test_the_server_stops_within_seconds_while_pages_are_open(
    desk: AppInstance, open_pages: list[EventStreamClient], by: str
) -> None:
    server = desk.programs[0]
    if by == "Ctrl-C":
        server.press_ctrl_c()
    else:
        server.terminate()
    server.ends_cleanly_within(5)
    assert server.printed().rstrip().endswith("Stopped.")
    assert not desk.worker_is_running()
    assert [page.next_event() for page in open_pages] == ["bye"] * 5


def test_a_worker_that_is_killed_is_started_again(desk: AppInstance, open_pages: list[EventStreamClient]) -> None:
    (first,) = desk.worker_pids()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(desk.worker_pids()) == 2 and desk.worker_is_running(), START_TIMEOUT, "another worker runs")
    assert not is_running(first)
    desk.programs[0].press_ctrl_c()
    desk.programs[0].ends_cleanly_within(STOP_TIMEOUT)


def test_the_worker_ends_by_itself_when_its_server_is_killed(
    desk: AppInstance, open_pages: list[EventStreamClient]
) -> None:
    desk.programs[0].kill()
    wait_until(lambda: not desk.worker_is_running(), STOP_TIMEOUT, "the worker has ended")
    assert "The worker has stopped." in desk.programs[0].printed()
    assert "Fatal" not in desk.programs[0].printed()


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_a_worker_on_its_own_stops_when_told(desk: AppInstance, signal_name: str) -> None:
    worker = desk.run("run_worker")
    wait_until(lambda: "The worker is running" in worker.printed(), START_TIMEOUT, "the worker runs")
    worker.process.send_signal(signal.Signals[signal_name])
    worker.ends_cleanly_within(STOP_TIMEOUT)


def test_a_server_that_is_told_to_stop_while_it_starts_leaves_nothing_behind(desk: AppInstance) -> None:
    server = desk.run("serve")
    wait_until(lambda: "Bringing the database up to date" in server.printed(), START_TIMEOUT, "it has begun to start")
    server.terminate()
    server.ends_cleanly_within(STOP_TIMEOUT)
    assert not desk.worker_is_running()


def test_data_survives_a_restart(desk: AppInstance) -> None:
    shop = desk.ask("create_shop")
    form = build_text_form(shop, 1, "Are you there tomorrow?")
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    for _ in range(2):
        server = desk.serve()
        assert post_concurrently(desk.url, path, [form]) == [200]
        server.press_ctrl_c()
        server.ends_cleanly_within(STOP_TIMEOUT)
    assert desk.ask("count_records")["messages"] == 1


def test_server_with_a_used_port_fails_and_starts_no_worker(desk: AppInstance) -> None:
    desk.serve("--no-worker")
    second = desk.run("serve")
    assert second.ended_within(START_TIMEOUT) != 0
    assert "Traceback" not in second.printed()
    assert str(desk.port) in second.printed()
    assert "worker" not in second.printed().lower()
    assert desk.is_ready()
