"""A worker that hangs is replaced."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.databases import ROOT
from tests.processes.support.managed_process import is_running, wait_until
from tests.processes.support.webhook_sender import build_text_form, post_signed_form

pytestmark = pytest.mark.process


def lane_kinds(app: AppInstance) -> set[str]:
    return {lane["kind"] for lane in app.call("list_lanes")}


def test_worker_without_heartbeat_is_replaced(app: AppInstance) -> None:
    shop = app.call("create_shop")
    app.environment["TEST_WORKER_HANG_TIMEOUT"] = "6"
    server = app.start_server()
    wait_until(app.worker_is_running, START_TIMEOUT, "the worker runs")
    (first,) = app.worker_pids()
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: len(app.worker_pids()) == 2, START_TIMEOUT, "another worker has started")
    assert "gave no sign of life" in server.read_output()
    assert not is_running(first)
    assert (
        post_signed_form(app.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", build_text_form(shop, 1, "Hello?"))
        == 200
    )
    app.wait_until_applied()
    wait_until(lambda: "route" not in lane_kinds(app), START_TIMEOUT, "the new worker has routed the conversation")


def test_a_worker_that_hangs_inside_c_code_ends_itself_and_says_where(app: AppInstance) -> None:
    command = [sys.executable, "-m", "tests.processes.support.hanging_worker"]
    ended = subprocess.run(
        command, cwd=ROOT, env=app.environment, capture_output=True, text=True, timeout=START_TIMEOUT, check=False
    )
    assert ended.returncode == 1
    assert re.search(r"hanging_worker\.py\", line \d+ in hang", ended.stderr)
    assert app.call("list_lanes") == [{"kind": "item", "attempts": 1}]
