"""A worker that hangs is replaced, however it hangs."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.processes.databases import ROOT
from tests.processes.desk import STARTS_WITHIN, Desk
from tests.processes.programs import is_running, wait_until
from tests.processes.twilio import post, text_message

pytestmark = pytest.mark.process


def kinds_of_lanes(desk: Desk) -> set[str]:
    return {lane["kind"] for lane in desk.ask("lanes")}


def test_a_worker_that_gives_no_sign_of_life_is_replaced_and_work_goes_on(desk: Desk) -> None:
    shop = desk.ask("open_shop")
    desk.environment["TEST_WORKER_HANGS_AFTER"] = "6"
    server = desk.serve()
    wait_until(desk.worker_is_running, STARTS_WITHIN, "the worker runs")
    (first,) = desk.worker_pids()
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: len(desk.worker_pids()) == 2, STARTS_WITHIN, "another worker has started")
    assert "gave no sign of life" in server.printed()
    assert not is_running(first)
    assert post(desk.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", text_message(shop, 1, "Hello?")) == 200
    wait_until(lambda: "route" not in kinds_of_lanes(desk), STARTS_WITHIN, "the new worker has routed the conversation")


def test_a_worker_that_hangs_inside_c_code_ends_itself_and_says_where(desk: Desk) -> None:
    command = [sys.executable, "-m", "tests.processes.hanging_worker"]
    ended = subprocess.run(
        command, cwd=ROOT, env=desk.environment, capture_output=True, text=True, timeout=STARTS_WITHIN, check=False
    )
    assert ended.returncode == 1
    assert re.search(r"hanging_worker\.py\", line \d+ in hang", ended.stderr)
    assert desk.ask("lanes") == [{"kind": "item", "attempts": 1}]
