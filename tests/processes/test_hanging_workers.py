"""A worker that hangs is replaced, however it hangs."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.processes.databases import ROOT
from tests.processes.desk import START_TIMEOUT, AppInstance
from tests.processes.programs import is_running, wait_until
from tests.processes.twilio import build_text_form, post_signed_form

pytestmark = pytest.mark.process


def lane_kinds(desk: AppInstance) -> set[str]:
    return {lane["kind"] for lane in desk.call("list_lanes")}


def test_worker_without_heartbeat_is_replaced(desk: AppInstance) -> None:
    shop = desk.call("create_shop")
    desk.environment["TEST_WORKER_HANGS_AFTER"] = "6"
    server = desk.start_server()
    wait_until(desk.worker_is_running, START_TIMEOUT, "the worker runs")
    (first,) = desk.worker_pids()
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: len(desk.worker_pids()) == 2, START_TIMEOUT, "another worker has started")
    assert "gave no sign of life" in server.read_output()
    assert not is_running(first)
    assert (
        post_signed_form(desk.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", build_text_form(shop, 1, "Hello?"))
        == 200
    )
    wait_until(lambda: "route" not in lane_kinds(desk), START_TIMEOUT, "the new worker has routed the conversation")


def test_a_worker_that_hangs_inside_c_code_ends_itself_and_says_where(desk: AppInstance) -> None:
    command = [sys.executable, "-m", "tests.processes.hanging_worker"]
    ended = subprocess.run(
        command, cwd=ROOT, env=desk.environment, capture_output=True, text=True, timeout=START_TIMEOUT, check=False
    )
    assert ended.returncode == 1
    assert re.search(r"hanging_worker\.py\", line \d+ in hang", ended.stderr)
    assert desk.call("list_lanes") == [{"kind": "item", "attempts": 1}]
